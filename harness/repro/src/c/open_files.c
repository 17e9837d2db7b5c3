static long open_files(void)
{
	struct dirent **names;

	return MUST(scandir("/proc/self/fd", &names, NULL, NULL));
}
