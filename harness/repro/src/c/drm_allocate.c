static long drm_allocate(int card, unsigned long bytes)
{
	struct drm_mode_create_dumb dumb = { .width = 1024, .height = (bytes + 4095) / 4096, .bpp = 32 };

	MUST(ioctl(card, DRM_IOCTL_MODE_CREATE_DUMB, &dumb));
	size = dumb.size;
	return dumb.handle;
}
