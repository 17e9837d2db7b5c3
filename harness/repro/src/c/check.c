static void check(volatile uint64_t *at, unsigned long bytes, uint64_t place, uint64_t seed, const char *what)
{
	for (unsigned long i = 0; i < bytes / 8; i++) {
		uint64_t wanted = seed << 56 | (place + 8 * i), seen = at[i];

		if (seen != wanted) {
			printf("byte %#lx: %#llx in place of %#llx\n", 8 * i, 0ull + seen, 0ull + wanted);
			return expect(0, what);
		}
	}
	expect(1, what);
}
