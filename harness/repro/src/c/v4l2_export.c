static int v4l2_export(int video, int queue, long index, int flags)
{
	struct v4l2_exportbuffer export = { .type = queue, .index = index, .flags = flags };

	return ioctl(video, VIDIOC_EXPBUF, &export) ? -1 : export.fd;
}
