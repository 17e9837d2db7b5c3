/* Two imports of one dma-buf have one handle, which the first of these closes. */
static void drm_close(int card, long handle)
{
	ioctl(card, DRM_IOCTL_GEM_CLOSE, &(struct drm_gem_close){ .handle = handle });
}
