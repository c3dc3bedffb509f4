/* The end of the program when it can't go on. */
#ifndef FAIL_H
#define FAIL_H

/* Print the text on standard error and exit with 2. */
void fail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

#endif
