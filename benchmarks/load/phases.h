/* What is done with the connections, mode by mode. Each waits for a line on standard input before it measures. */
#ifndef PHASES_H
#define PHASES_H

/* Everything up to the printed result. */
void run_phases(void);

#endif
