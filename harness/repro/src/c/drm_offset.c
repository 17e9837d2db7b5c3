static off_t drm_offset(int card, long handle)
{
	struct drm_mode_map_dumb map = { .handle = handle };

	MUST(ioctl(card, DRM_IOCTL_MODE_MAP_DUMB, &map));
	return map.offset;
}
