/*
 * loop.h: the event loop: file descriptors, timers, work at the end of a turn, worker threads, signals. One thread runs
 * the loop and all its callbacks; only a job's work() runs elsewhere. The only libevent user.
 */
#ifndef PERDURE_LOOP_LOOP_H
#define PERDURE_LOOP_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct clk;
struct err;

struct loop;

/* The loop reads its time from clk (kept; must outlive it). SIGPIPE is ignored while a loop exists. ERR_SYS. */
int loop_new(const struct clk *clk, struct loop **ret, struct err *e);
/*
 * Stops the workers (waiting for the jobs in work; those that have not begun are dropped, and done() is called for
 * neither) and releases the loop. Handles must have been released before. NULL is fine.
 */
void loop_free(struct loop *l);
const struct clk *loop_clk(const struct loop *l);
/*
 * For tests, with a clock that does not run by itself: instead of sleeping until the next timer the loop calls
 * skip(ms), which moves the clock, and fires the timer. While a descriptor or a job is waited for, the timer's time
 * really passes first. Timers of equal due time fire in the order they were started.
 */
void loop_set_skip(struct loop *l, void (*skip)(void *ctx, int64_t ms), void *ctx);

/*
 * Runs callbacks until loop_stop() or until nothing is left that could happen (no wanted fd, no running timer, no
 * requested idle, no job; signals do not count). Returns 0, or -1 with ERR_SYS. Not to be called from a callback.
 */
int loop_run(struct loop *l, struct err *e);
/* Makes loop_run() return after the current turn (at once when it is not running yet). */
void loop_stop(struct loop *l);

/* --- file descriptors --- */
enum { LOOP_READ = 1, LOOP_WRITE = 2 };
struct loop_fd;
/* Calls cb(events) whenever fd is readable or writable as wanted (level-triggered). The fd stays the caller's. */
struct loop_fd *loop_fd_new(struct loop *l, int fd, unsigned events, void (*cb)(unsigned events, void *ctx), void *ctx);
/* Changes what is wanted; 0 pauses. */
void loop_fd_want(struct loop_fd *f, unsigned events);
/* Ends it (NULL is fine); allowed inside its own callback. */
void loop_fd_free(struct loop_fd *f);

/* --- timers --- */
struct loop_timer;
/* A timer that is not running. */
struct loop_timer *loop_timer_new(struct loop *l, void (*cb)(void *ctx), void *ctx);
/* Starts (or restarts) it: cb once after ms milliseconds (at least 0). */
void loop_timer_start(struct loop_timer *t, int64_t ms);
void loop_timer_stop(struct loop_timer *t);
void loop_timer_free(struct loop_timer *t);

/* --- the end of a turn --- */
struct loop_idle;
/*
 * cb runs once, after every callback that is ready now has run, when loop_idle_request() was called. Requests within
 * one turn fold into one call. The store commits there: many orders' steps in one transaction.
 */
struct loop_idle *loop_idle_new(struct loop *l, void (*cb)(void *ctx), void *ctx);
void loop_idle_request(struct loop_idle *i);
void loop_idle_free(struct loop_idle *i);

/* --- small work --- */
/*
 * Runs work(arg) on the loop, one such call a turn, after every callback that is ready then. For computing that takes a
 * fraction of a millisecond: other things go first, and no thread has to be told of it. In order.
 * A loop that is freed before calls gone(arg) instead, which releases what arg owns and uses no loop any more.
 */
void loop_spare(struct loop *l, void (*work)(void *arg), void (*gone)(void *arg), void *arg);

/* --- worker threads --- */
/*
 * Runs work(arg) on a worker thread, then done(arg) on the loop. Threads are made when first needed, at most 16
 * whatever the number of processors: most jobs wait for the disk, which serves many at once. Jobs wait in order. The
 * loop keeps running while jobs are in work. work() must not touch what the loop's callbacks use meanwhile.
 * A loop that is freed before done() was called joins its threads and calls gone(arg) instead, which releases what arg
 * owns and uses no loop any more; NULL: somebody else owns it.
 */
void loop_job(struct loop *l, void (*work)(void *arg), void (*done)(void *arg), void (*gone)(void *arg), void *arg);

/* --- signals --- */
/*
 * cb on the loop when SIGINT or SIGTERM arrives (signo given). They are blocked from now on, until loop_free(), which
 * drops those that nobody has been told of.
 */
void loop_on_stop_signal(struct loop *l, void (*cb)(int signo, void *ctx), void *ctx);
/* The same for SIGHUP. */
void loop_on_reload_signal(struct loop *l, void (*cb)(int signo, void *ctx), void *ctx);
/*
 * For a process that runs one loop after another: from now on these signals wait, also while there is no loop, for the
 * next one that watches them. To be called before the first loop and any thread is made.
 */
void loop_hold_signals(void);

#endif
