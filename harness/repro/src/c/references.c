/* How many references there are to a dma-buf, as its fdinfo tells. */
static long references(int file)
{
	char text[512];
	long count = -1;
	FILE *fdinfo;

	snprintf(text, sizeof(text), "/proc/self/fdinfo/%d", file);
	for (fdinfo = fopen(text, "r"); fdinfo && fgets(text, sizeof(text), fdinfo);)
		sscanf(text, "count: %ld", &count);
	return fdinfo ? fclose(fdinfo), count : -1;
}
