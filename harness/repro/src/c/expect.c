static int failed;

static void expect(int good, const char *what)
{
	printf("%s: %s\n", good ? "as it must be" : "FAILED", what);
	failed |= !good;
}
