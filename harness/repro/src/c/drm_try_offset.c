static off_t drm_try_offset(int card, long handle)
{
	struct drm_mode_map_dumb map = { .handle = handle };

	return ioctl(card, DRM_IOCTL_MODE_MAP_DUMB, &map) ? -1 : (off_t)map.offset;
}
