static long udmabuf_allocate(unsigned long bytes, int seals)
{
	int memory = MUST(memfd_create("repro", MFD_ALLOW_SEALING | MFD_CLOEXEC));

	MUST(ftruncate(memory, bytes));
	MUST(fcntl(memory, F_ADD_SEALS, seals));
	return memory;
}
