/* Each 8 bytes hold a seed and their own place in the buffer. */
static void fill(volatile uint64_t *at, unsigned long bytes, uint64_t place, uint64_t seed)
{
	for (unsigned long i = 0; i < bytes / 8; i++)
		at[i] = seed << 56 | (place + 8 * i);
}
