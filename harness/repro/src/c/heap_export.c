/* A heap allocates and exports in one call. */
static int heap_export(int heap, unsigned long bytes, int flags)
{
	struct dma_heap_allocation_data data = { .len = bytes, .fd_flags = flags };

	return ioctl(heap, DMA_HEAP_IOCTL_ALLOC, &data) ? -1 : (int)data.fd;
}
