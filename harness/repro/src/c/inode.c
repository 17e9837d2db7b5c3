static unsigned long inode(int file)
{
	struct stat about;

	MUST(fstat(file, &about));
	return about.st_ino;
}
