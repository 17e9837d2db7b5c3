static int udmabuf_export(int udmabuf, long memory, int flags)
{
	int exec = flags & O_CLOEXEC ? UDMABUF_FLAGS_CLOEXEC : 0;

	return ioctl(udmabuf, UDMABUF_CREATE, &(struct udmabuf_create){ memory, exec, 0, size });
}
