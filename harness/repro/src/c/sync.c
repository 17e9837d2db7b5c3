static int sync_cpu(int file, uint64_t flags)
{
	return ioctl(file, DMA_BUF_IOCTL_SYNC, &(struct dma_buf_sync){ .flags = flags });
}
