static void drm_close(int card, long handle)
{
	MUST(ioctl(card, DRM_IOCTL_GEM_CLOSE, &(struct drm_gem_close){ .handle = handle }));
}
