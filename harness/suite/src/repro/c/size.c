static unsigned long size;
