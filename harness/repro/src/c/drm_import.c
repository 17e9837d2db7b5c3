static long drm_import(int card, int file)
{
	struct drm_prime_handle prime = { .fd = file };

	return ioctl(card, DRM_IOCTL_PRIME_FD_TO_HANDLE, &prime) ? -1 : (long)prime.handle;
}
