/* A buffer's size, which videobuf2 rounds up to pages. */
static unsigned long v4l2_size(int video, int queue, int index)
{
	struct v4l2_plane plane = { 0 };
	struct v4l2_buffer buffer = { .type = queue, .index = index, .m.planes = &plane, .length = 1 };

	MUST(ioctl(video, VIDIOC_QUERYBUF, &buffer));
	return ((V4L2_TYPE_IS_MULTIPLANAR(queue) ? plane.length : buffer.length) + 4095) & ~4095ul;
}
