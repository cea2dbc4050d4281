// SPDX-License-Identifier: GPL-2.0-only
/*
 * remote_ram: the "How bad is remote RAM?" benchmark, and the load under which
 * knumad is shown and tested. User space; run by people, scripts/demo and the
 * guest tests.
 *
 * Each process fills one anonymous buffer, then its threads all compare the
 * buffer's lower half with the upper half (or each its own part of them), starting
 * together at one barrier.
 * Times are taken in the threads: a starved main thread would give nonsense.
 * Options are in remote_ram_options.h, where things are put in
 * remote_ram_placement.h, the buffer's contents in remote_ram_pattern.h, the
 * output in remote_ram_report.h.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "remote_ram_pattern.h"
#include "remote_ram_placement.h"
#include "remote_ram_report.h"

/* Compared between two looks at the clock and at the CPU the thread runs on. */
#define CHUNK_BYTES	(256UL << 10)

/* With --rest, compared between two pauses. */
#define REST_BYTES	(32UL << 10)
#define POLL_NS		(10 * 1000 * 1000)

struct shared {
	pthread_barrier_t start;	/* met twice: all is filled; all are where they begin */
	atomic_int filled;	/* threads whose process's buffer is filled */
	atomic_int waiting;	/* threads about to enter the barrier the second time */
	atomic_int released;	/* threads past it, and no longer bound for a --start */
	struct proc_result proc[MAX_PROCS];
};

struct worker {
	pthread_t thread;
	int index;
	double seconds;
	double passes;
	double compared_mb;
	double late_mb;
	uint64_t bad_words;
	double cpu_seconds[MAX_NODES];
};

static struct shared *shared;
static int procs_ended;		/* counted by the parent */
static char *lower, *upper;	/* the halves of this process's buffer */
static size_t half_bytes;
static int nr_threads;		/* of this process */

static double seconds_of(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec + now.tv_nsec / 1e9;
}

static void on_stop_signal(int signal_number)
{
	(void)signal_number;
	for (int i = 0; i < opt.procs; i++)
		if (self < 0 || self == i)
			atomic_store(&shared->proc[i].stop, 1);
}

/*
 * With --verify, page p of both halves is written by thread p % threads only.
 * Other threads may read it at that moment: what they see is then not judged.
 */
static uint64_t compare_and_write(const struct worker *w, size_t offset, size_t bytes,
				  uint64_t pass)
{
	uint64_t bad = 0;

	for (size_t at = offset; at < offset + bytes; at += PATTERN_PAGE) {
		size_t page = at / PATTERN_PAGE;
		bool own = page % nr_threads == (size_t)w->index;

		if (own)
			bad += write_pattern(lower, upper, page, pass);
		if (memcmp(lower + at, upper + at, PATTERN_PAGE) && own)
			bad++;
	}
	return bad;
}

static uint64_t compare(const struct worker *w, size_t offset, size_t bytes, uint64_t pass)
{
	if (opt.verify)
		return compare_and_write(w, offset, bytes, pass);
	return !!memcmp(lower + offset, upper + offset, bytes);
}

static void check_own_pages(struct worker *w, uint64_t full_passes, size_t stopped_at)
{
	for (size_t page = w->index; page < half_bytes / PATTERN_PAGE; page += nr_threads) {
		bool written_again = page * PATTERN_PAGE < stopped_at;

		w->bad_words += check_pattern(lower, upper, page,
					      full_passes + written_again);
	}
}

/* Compares with a pause now and then, which in the lab's guests is a rest for the machine. */
static uint64_t compare_and_rest(const struct worker *w, size_t offset, size_t bytes,
				 uint64_t pass)
{
	uint64_t bad = 0;

	for (size_t at = offset; at < offset + bytes; at += REST_BYTES) {
		size_t left = offset + bytes - at;

		bad += compare(w, at, left < REST_BYTES ? left : REST_BYTES, pass);
		__builtin_ia32_pause();
	}
	return bad;
}

/* The measured part: ends after the passes, the seconds, or a stop signal. */
static void compare_halves(struct worker *w)
{
	atomic_int *stop = &shared->proc[self].stop;
	double begin = seconds_of(CLOCK_MONOTONIC);
	double cpu_before = seconds_of(CLOCK_THREAD_CPUTIME_ID);
	size_t first = opt.own_part ? part_begin(half_bytes, w->index, nr_threads) : 0;
	size_t end = opt.own_part ? part_begin(half_bytes, w->index + 1, nr_threads) : half_bytes;
	uint64_t full_passes = 0, compared = 0, late = 0;
	size_t offset = first;

	while (first < end) {
		size_t bytes = end - offset < CHUNK_BYTES ? end - offset : CHUNK_BYTES;
		unsigned int cpu, node;
		double cpu_now, now;

		if (opt.rest)
			w->bad_words += compare_and_rest(w, offset, bytes, full_passes + 1);
		else
			w->bad_words += compare(w, offset, bytes, full_passes + 1);

		cpu_now = seconds_of(CLOCK_THREAD_CPUTIME_ID);
		if (!getcpu(&cpu, &node) && node < MAX_NODES)
			w->cpu_seconds[node] += cpu_now - cpu_before;
		cpu_before = cpu_now;

		offset += bytes;
		compared += 2 * bytes;
		if (offset == end) {
			offset = first;
			full_passes++;
		}
		now = seconds_of(CLOCK_MONOTONIC) - begin;
		if (opt.seconds && now >= opt.seconds * 2 / 3)
			late += 2 * bytes;
		if (atomic_load(stop))
			break;
		if (opt.seconds ? now >= opt.seconds : full_passes >= opt.passes)
			break;
	}
	w->seconds = seconds_of(CLOCK_MONOTONIC) - begin;
	w->passes = full_passes + (first < end ? (double)(offset - first) / (end - first) : 0);
	w->compared_mb = compared / 1048576.0;
	w->late_mb = late / 1048576.0;
	if (opt.verify)
		check_own_pages(w, full_passes, offset);
}

static void *worker_main(void *argument)
{
	struct worker *w = argument;

	/* Not bound while others fill: who watches would take a start for a binding. */
	atomic_fetch_add(&shared->filled, 1);
	pthread_barrier_wait(&shared->start);
	bind_thread(w->index);
	atomic_fetch_add(&shared->waiting, 1);
	pthread_barrier_wait(&shared->start);
	if (opt.placement->is_start)
		release_thread();
	atomic_fetch_add(&shared->released, 1);
	compare_halves(w);
	return NULL;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void summarise(const struct worker *workers, struct proc_result *result)
{
	double seconds[MAX_THREADS];

	for (int t = 0; t < nr_threads; t++) {
		const struct worker *w = &workers[t];

		seconds[t] = w->seconds;
		result->passes += w->passes / nr_threads;
		result->compared_mb += w->compared_mb;
		result->late_mb += w->late_mb;
		result->bad_words += w->bad_words;
		for (int node = 0; node < MAX_NODES; node++)
			result->cpu_seconds[node] += w->cpu_seconds[node];
	}
	qsort(seconds, nr_threads, sizeof(seconds[0]), by_value);
	result->median_seconds = (seconds[(nr_threads - 1) / 2] + seconds[nr_threads / 2]) / 2;
	result->max_seconds = seconds[nr_threads - 1];
}

static void process_main(int index, pid_t parent)
{
	static struct worker workers[MAX_THREADS];
	struct proc_result *result = &shared->proc[index];
	char comm[MAX_NAME + 4];

	self = index;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	snprintf(comm, sizeof(comm), "%s-%d", opt.name, index);
	prctl(PR_SET_NAME, comm);

	nr_threads = opt.threads[index];
	lower = place_buffer(fill_pattern);
	half_bytes = opt.size_bytes[index] / 2;
	upper = lower + half_bytes;
	for (int t = 0; t < nr_threads; t++) {
		int error;

		workers[t].index = t;
		error = pthread_create(&workers[t].thread, NULL, worker_main, &workers[t]);
		if (error)
			die("cannot start thread %d: %s", t, strerror(error));
	}
	for (int t = 0; t < nr_threads; t++)
		pthread_join(workers[t].thread, NULL);
	while (opt.hold && !atomic_load(&result->stop))
		nanosleep(&(struct timespec){ .tv_nsec = POLL_NS }, NULL);
	summarise(workers, result);
	count_pages(lower, result);
	_exit(0);
}

/* Reaps one process; a failed one ends all the others and this run. */
static void reap(int flags)
{
	int status;
	pid_t pid;

	do {
		pid = waitpid(-1, &status, flags);
	} while (pid < 0 && errno == EINTR);
	if (pid <= 0)
		return;
	if (WIFEXITED(status) && !WEXITSTATUS(status)) {
		procs_ended++;
		return;
	}
	for (int i = 0; i < opt.procs; i++)
		if (shared->proc[i].pid != pid)
			kill(shared->proc[i].pid, SIGKILL);
	if (WIFSIGNALED(status))
		die("process %d was killed by signal %d%s", pid, WTERMSIG(status),
		    WTERMSIG(status) == SIGKILL ? "; is there too little memory on its node?" : "");
	die("process %d failed, the reason is above", pid);
}

static int all_threads(void)
{
	int sum = 0;

	for (int i = 0; i < opt.procs; i++)
		sum += opt.threads[i];
	return sum;
}

/* Only fast things are waited for; a process that cannot get there has exited. */
static void wait_for_all_threads(atomic_int *counter)
{
	while (atomic_load(counter) < all_threads()) {
		reap(WNOHANG);
		nanosleep(&(struct timespec){ .tv_nsec = POLL_NS }, NULL);
	}
}

/* Renamed into place, so that whoever waits for the file never sees half of it. */
static void write_pid_file(void)
{
	char aside[4096];
	FILE *file;

	if (snprintf(aside, sizeof(aside), "%s.new", opt.pid_file) >= (int)sizeof(aside))
		die("--pid-file: the name is too long");
	file = fopen(aside, "w");
	if (!file)
		die("cannot write %s: %s", aside, strerror(errno));
	for (int i = 0; i < opt.procs; i++)
		fprintf(file, "%d\n", shared->proc[i].pid);
	if (fclose(file) || rename(aside, opt.pid_file))
		die("cannot write %s: %s", opt.pid_file, strerror(errno));
}

static void send_mark(enum meter_op op, const char *label)
{
	int error = meter_mark(op, label);

	if (error)
		die("cannot mark a region of the meter: %s", strerror(-error));
}

static void start_processes(void)
{
	pthread_barrierattr_t attr;
	pid_t parent = getpid();

	pthread_barrierattr_init(&attr);
	pthread_barrierattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_barrier_init(&shared->start, &attr, all_threads() + 1);
	for (int i = 0; i < opt.procs; i++) {
		pid_t pid = fork();

		if (pid < 0)	/* those started die with us */
			die("cannot fork process %d: %s", i, strerror(errno));
		if (!pid)
			process_main(i, parent);
		shared->proc[i].pid = pid;
	}
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = on_stop_signal, .sa_flags = SA_RESTART };
	uint64_t bad_words = 0;

	opt = parse_options(argc, argv);
	find_nodes();
	check_memory_suffices();
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		die("cannot map shared memory: %s", strerror(errno));
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);

	start_processes();
	wait_for_all_threads(&shared->filled);
	pthread_barrier_wait(&shared->start);
	wait_for_all_threads(&shared->waiting);
	if (opt.mark)
		send_mark(METER_START, opt.mark);
	pthread_barrier_wait(&shared->start);
	wait_for_all_threads(&shared->released);
	if (opt.pid_file)
		write_pid_file();
	while (procs_ended < opt.procs)
		reap(0);
	if (opt.mark)
		send_mark(METER_STOP, "");

	print_report(&opt, shared->proc, nodes, nr_nodes);
	for (int i = 0; i < opt.procs; i++)
		bad_words += shared->proc[i].bad_words;
	if (bad_words) {
		fprintf(stderr, "remote_ram: memory differs from what was written, in %" PRIu64 " words\n",
			bad_words);
		return 1;
	}
	return 0;
}
