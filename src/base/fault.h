/*
 * fault.h: named points at which a crash test may stop the process. Without -Dfaults=true they compile to nothing.
 *
 * PERDURE_FAULT="name" or "name:N" in the environment: the process kills itself (SIGKILL) when it comes to that point
 * for the N-th time (first when not given). PERDURE_FAULT_LIST=FILE appends the name of every point passed to FILE.
 *
 * PERDURE_TIME_RATE=N: the clocks of clk_real() run N times faster (2 to 1000) from the start of the process on, and
 * with them the timers of the loop and the time-out of an HTTP exchange, so that a test of a wait need not wait.
 */
#ifndef PERDURE_BASE_FAULT_H
#define PERDURE_BASE_FAULT_H

#ifdef PERDURE_FAULTS
void fault_point(const char *name);
#define FAULT(name) fault_point(name)
#else
#define FAULT(name) ((void)0)
#endif

#endif
