static int drm_export(int card, long handle, int flags)
{
	struct drm_prime_handle prime = { .handle = handle, .flags = flags, .fd = -1 };

	return ioctl(card, DRM_IOCTL_PRIME_HANDLE_TO_FD, &prime) ? -1 : prime.fd;
}
