/* A copy of some bytes that the kernel can read and cannot write. */
static void *read_only(const void *bytes, size_t count)
{
	void *at = mmap(NULL, count, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	MUST(at);
	memcpy(at, bytes, count);
	MUST(mprotect(at, count, PROT_READ));
	return at;
}
