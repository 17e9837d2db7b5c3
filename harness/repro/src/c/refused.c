/* An answer that must be one of these errnos; the list ends with 0. */
static void refused(long answer, const int *errnos, const char *what)
{
	int seen = answer == -1 ? errno : 0, good = 0;

	for (; *errnos; errnos++)
		good |= seen == *errnos;
	printf("%s: %s: %s\n", good ? "as it must be" : "FAILED", what, seen ? strerror(seen) : "was allowed");
	failed |= !good;
}
