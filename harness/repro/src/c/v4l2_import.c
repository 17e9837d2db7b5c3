/* videobuf2 attaches and maps a dma-buf when it is queued. */
static long v4l2_import(int video, int queue, int file, unsigned int bytes)
{
	struct v4l2_plane plane = { .m.fd = file };
	struct v4l2_buffer buffer = { .type = queue, .memory = V4L2_MEMORY_DMABUF, .m.fd = file };

	if (V4L2_TYPE_IS_OUTPUT(queue))
		buffer.bytesused = plane.bytesused = plane.length = bytes;
	if (V4L2_TYPE_IS_MULTIPLANAR(queue)) {
		buffer.m.planes = &plane;
		buffer.length = 1;
	}
	return ioctl(video, VIDIOC_QBUF, &buffer);
}
