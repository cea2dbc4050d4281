// SPDX-License-Identifier: GPL-2.0-only
/*
 * hold: a process with memory of chosen kinds on one node and, if wanted, threads
 * that never leave another. User space; run by the guest tests.
 *
 *   hold MEMORY_NODE SPIN_NODE[xTHREADS]|- KIND:MB...
 *
 * Threads: one for each of the node's CPUs if not said otherwise; they run $HOLD_BUSY percent
 * of the time, all of it if that is not set.
 *
 * On SIGTERM all memory is checked: the exit status is 0 only if it is as it was filled.
 *
 * Prints "KIND ADDRESS" for each mapping, then "ready". Each mapping is at an
 * address of its own, far from the others, so that it has its own line in
 * /proc/PID/numa_maps. Memory is placed by a policy that is undone before "ready";
 * the threads' affinity stays.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <numa.h>
#include <numaif.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define FIRST_ADDRESS	0x100000000000UL
#define ADDRESS_STEP	0x000100000000UL
#define MAX_REGIONS	16
#define REST_BYTES	(128UL << 10)
#define MOST_REST_NS	500000000L
#define IN_PIPE_SECONDS	3
#define FREE_SECONDS	1
#define RACED_STEP	(1UL << 20)

#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT	21
#endif

/*
 * MEMFD is a memfd of its own; TMPFS a shared mapping of the file that $HOLD_FILE names, for
 * several processes to share.  Threads do not touch COLD and what follows it.  SWAPPED is
 * paged out and then left alone.  The others have a thread of their own that goes on and on:
 * CHURNED is paged out and touched again; FILE, a shared mapping of the file or device that
 * $HOLD_FILE names, is written and written back; RACED is in a pipe most of the time, as if for
 * some I/O, and then some of its pages are given back and filled again.
 */
enum kind {
	PLAIN, THP, MLOCKED, PINNED, HUGETLB, KSM, SHARED, SHMEM, MEMFD, TMPFS, BOUND,
	INTERLEAVED, SPLICED, COLD, SWAPPED, CHURNED, FILE_BACKED, RACED, NR_KINDS
};

static const char * const kind_names[NR_KINDS] = {
	"plain", "thp", "mlocked", "pinned", "hugetlb", "ksm", "shared", "shmem", "memfd", "tmpfs",
	"bound", "interleaved", "spliced", "cold", "swapped", "churned", "file",
	"raced",
};

struct region {
	enum kind kind;
	char *start;
	size_t bytes;
};

static struct region regions[MAX_REGIONS];
static int nr_regions;
static int busy_percent = 100;

/* Held while a page of a RACED region is not filled. */
static pthread_mutex_t filling = PTHREAD_MUTEX_INITIALIZER;

static void die(const char *what)
{
	fprintf(stderr, "hold: %s: %s\n", what, strerror(errno));
	exit(1);
}

static struct region parse_region(const char *text)
{
	struct region r = { .start = (char *)FIRST_ADDRESS + nr_regions * ADDRESS_STEP };

	for (r.kind = 0; r.kind < NR_KINDS; r.kind++) {
		size_t len = strlen(kind_names[r.kind]);

		if (!strncmp(text, kind_names[r.kind], len) && text[len] == ':') {
			r.bytes = strtoul(text + len + 1, NULL, 10) << 20;
			break;
		}
	}
	if (!r.bytes || nr_regions == MAX_REGIONS) {
		fprintf(stderr, "hold: expected KIND:MB, got '%s'\n", text);
		exit(2);
	}
	return r;
}

/* The file behind a mapping, with room for it; -1 for anonymous memory. */
static int open_region(const struct region *r)
{
	const char *name = getenv("HOLD_FILE");
	int file;

	if (r->kind != MEMFD && r->kind != TMPFS && r->kind != FILE_BACKED)
		return -1;
	file = r->kind == MEMFD ? memfd_create("hold", 0) :
	       open(name ?: "", O_RDWR | (r->kind == TMPFS ? O_CREAT : 0), 0600);
	if (file < 0)
		die("opening $HOLD_FILE");
	if (r->kind != FILE_BACKED && ftruncate(file, r->bytes))
		die("ftruncate");
	return file;
}

static void map_region(const struct region *r)
{
	int flags = MAP_FIXED_NOREPLACE, file = open_region(r);

	flags |= r->kind == SHMEM || file >= 0 ? MAP_SHARED : MAP_PRIVATE;
	if (file < 0)
		flags |= MAP_ANONYMOUS;
	if (r->kind == HUGETLB)
		flags |= MAP_HUGETLB;
	if (mmap(r->start, r->bytes, PROT_READ | PROT_WRITE, flags, file, 0) != r->start)
		die(kind_names[r->kind]);
	if (r->kind != HUGETLB && r->kind != FILE_BACKED &&
	    madvise(r->start, r->bytes, r->kind == THP ? MADV_HUGEPAGE : MADV_NOHUGEPAGE))
		die("madvise");
	/* Only one kind is to be shared with the child. */
	if (r->kind != SHARED && madvise(r->start, r->bytes, MADV_DONTFORK))
		die("madvise");
}

/* Every cache line different, but for the mapping that is to be merged. */
static size_t word_at(const struct region *r, size_t at)
{
	return r->kind == KSM ? 42 : (size_t)r->start + at;
}

static void fill_region(const struct region *r)
{
	for (size_t at = 0; at < r->bytes; at += 64)
		*(volatile size_t *)(r->start + at) = word_at(r, at);
}

static bool region_is_right(const struct region *r)
{
	for (size_t at = 0; at < r->bytes; at += 64) {
		size_t word = *(volatile size_t *)(r->start + at);

		if (word != word_at(r, at)) {
			fprintf(stderr, "hold: %s: expected %zx at %p, found %zx\n",
				kind_names[r->kind], word_at(r, at), r->start + at, word);
			return false;
		}
	}
	return true;
}

/* Buffers registered with io_uring stay pinned for DMA until the ring goes. */
static void pin_region(const struct region *r)
{
	struct io_uring_params params = { 0 };
	struct iovec iov = { .iov_base = r->start, .iov_len = r->bytes };
	int ring = syscall(__NR_io_uring_setup, 1, &params);

	if (ring < 0)
		die("io_uring_setup");
	if (syscall(__NR_io_uring_register, ring, IORING_REGISTER_BUFFERS, &iov, 1))
		die("io_uring_register");
}

/*
 * Has the kernel start a worker of io_uring on the node, which stays: before 6.3 it is bound to
 * that node's CPUs.
 */
static void start_async_worker(int nid)
{
	struct io_uring_params params = { 0 };
	int ring = syscall(__NR_io_uring_setup, 1, &params), prot = PROT_READ | PROT_WRITE;
	struct io_uring_sqe *sqe;
	char *queue;

	if (ring < 0)
		die("io_uring_setup");
	queue = mmap(NULL, params.sq_off.array + sizeof(unsigned int), prot, MAP_SHARED, ring,
		     IORING_OFF_SQ_RING);
	sqe = mmap(NULL, sizeof(*sqe), prot, MAP_SHARED, ring, IORING_OFF_SQES);
	if (queue == MAP_FAILED || sqe == MAP_FAILED || numa_run_on_node(nid))
		die("mapping a ring");
	sqe->opcode = IORING_OP_NOP;
	sqe->flags = IOSQE_ASYNC;
	__atomic_store_n((unsigned int *)(queue + params.sq_off.tail), 1, __ATOMIC_RELEASE);
	if (syscall(__NR_io_uring_enter, ring, 1, 0, 0, NULL, 0) != 1)
		die("io_uring_enter");
}

/* Pages in a pipe have one more user that nobody can move: migrating them fails. */
static void splice_region(const struct region *r, int pipe_in)
{
	struct iovec iov = { .iov_base = r->start, .iov_len = r->bytes };

	if (vmsplice(pipe_in, &iov, 1, SPLICE_F_NONBLOCK) != (ssize_t)r->bytes)
		die("vmsplice");
}

/* A pipe with room for the region. */
static void open_pipe(const struct region *r, int *ends)
{
	if (pipe(ends) || fcntl(ends[1], F_SETPIPE_SZ, (int)r->bytes) < 0)
		die("pipe");
}

static void bind_region(const struct region *r, int nid)
{
	unsigned long mask = r->kind == BOUND ? 1UL << nid : 3;
	int mode = r->kind == BOUND ? MPOL_BIND : MPOL_INTERLEAVE;

	if (mbind(r->start, r->bytes, mode, &mask, 8 * sizeof(mask), 0))
		die("mbind");
}

static void share_regions(void)
{
	pid_t child = fork();

	if (child < 0)
		die("fork");
	if (child)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, "hold-child");
	for (;;)
		pause();
}

static void settle_region(const struct region *r, int nid)
{
	if (r->kind == MLOCKED && mlock(r->start, r->bytes))
		die("mlock");
	if (r->kind == KSM && madvise(r->start, r->bytes, MADV_MERGEABLE))
		die("MADV_MERGEABLE");
	if (r->kind == PINNED)
		pin_region(r);
	if (r->kind == BOUND || r->kind == INTERLEAVED)
		bind_region(r, nid);
	if (r->kind == SWAPPED && madvise(r->start, r->bytes, MADV_PAGEOUT))
		die("MADV_PAGEOUT");
	if (r->kind == SPLICED) {
		int ends[2];

		open_pipe(r, ends);
		splice_region(r, ends[1]);
	}
	if (r->kind == SHARED)
		share_regions();
}

/* Sleeps as much longer than the thread has run since @begun as busy_percent wants. */
static void sleep_in_turn(struct timespec *begun)
{
	struct timespec now, rest = { 0 };
	long ran;

	if (busy_percent >= 100)
		return;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	ran = (now.tv_sec - begun->tv_sec) * 1000000000L + now.tv_nsec - begun->tv_nsec;
	rest.tv_nsec = ran * (100 - busy_percent) / busy_percent;
	if (rest.tv_nsec > MOST_REST_NS)
		rest.tv_nsec = MOST_REST_NS;
	nanosleep(&rest, NULL);
	*begun = now;
}

/*
 * Reads all memory over and over: a load that belongs where the memory is.  The pause is a rest
 * for the machine that the lab's guest is on.
 */
static void *spin(void *unused)
{
	struct timespec begun;

	(void)unused;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &begun);
	for (;;)
		for (int i = 0; i < nr_regions; i++) {
			if (regions[i].kind >= COLD)
				continue;
			for (size_t at = 0; at < regions[i].bytes; at += 64) {
				(void)*(volatile char *)(regions[i].start + at);
				if (at % REST_BYTES)
					continue;
				__builtin_ia32_pause();
				sleep_in_turn(&begun);
			}
		}
	return NULL;
}

static void *churn(void *region)
{
	const struct region *r = region;

	for (;;) {
		if (r->kind == CHURNED && madvise(r->start, r->bytes, MADV_PAGEOUT))
			die("MADV_PAGEOUT");
		if (r->kind == FILE_BACKED)
			fill_region(r);
		if (r->kind == FILE_BACKED && msync(r->start, r->bytes, MS_SYNC))
			die("msync");
		for (size_t at = 0; at < r->bytes; at += 4096)
			(void)*(volatile char *)(r->start + at);
	}
	return NULL;
}

/* Gives some of the region's pages back and fills others in their place. */
static void renew_some(const struct region *r)
{
	pthread_mutex_lock(&filling);
	for (size_t at = 0; at < r->bytes; at += RACED_STEP) {
		if (madvise(r->start + at, 4096, MADV_DONTNEED))
			die("MADV_DONTNEED");
		for (size_t line = at; line < at + 4096; line += 64)
			*(volatile size_t *)(r->start + line) = word_at(r, line);
	}
	pthread_mutex_unlock(&filling);
}

static void *race(void *region)
{
	static const struct timespec held = { .tv_sec = IN_PIPE_SECONDS };
	static const struct timespec free = { .tv_sec = FREE_SECONDS };
	const struct region *r = region;
	int ends[2], null = open("/dev/null", O_WRONLY);

	if (null < 0)
		die("/dev/null");
	open_pipe(r, ends);
	for (;;) {
		splice_region(r, ends[1]);
		nanosleep(&held, NULL);
		for (size_t left = r->bytes; left;) {
			ssize_t gone = splice(ends[0], NULL, null, NULL, left, 0);

			if (gone <= 0)
				die("splice");
			left -= gone;
		}
		renew_some(r);
		nanosleep(&free, NULL);
	}
	return NULL;
}

static void start_threads(const char *text)
{
	struct bitmask *cpus = numa_allocate_cpumask();
	const char *number = strchr(text, 'x');
	unsigned int nr, nid = atoi(text);
	pthread_t thread;

	if (numa_node_to_cpus(nid, cpus) || numa_run_on_node(nid))
		die("running on the node");
	nr = number ? (unsigned int)atoi(number + 1) : numa_bitmask_weight(cpus);
	for (unsigned int i = 0; i < nr; i++)
		if (pthread_create(&thread, NULL, spin, NULL))
			die("pthread_create");
	for (int i = 0; i < nr_regions; i++)
		if (regions[i].kind > SWAPPED &&
		    pthread_create(&thread, NULL, regions[i].kind == RACED ? race : churn, &regions[i]))
			die("pthread_create");
}

int main(int argc, char **argv)
{
	unsigned long mask;
	int nid, number;
	sigset_t term;

	if (argc < 4) {
		fprintf(stderr, "usage: hold MEMORY_NODE SPIN_NODE[xTHREADS]|- KIND:MB...\n");
		return 2;
	}
	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, NULL);
	nid = atoi(argv[1]);
	mask = 1UL << nid;
	if (set_mempolicy(MPOL_BIND, &mask, 8 * sizeof(mask)))
		die("set_mempolicy");
	for (; nr_regions < argc - 3; nr_regions++) {
		regions[nr_regions] = parse_region(argv[nr_regions + 3]);
		map_region(&regions[nr_regions]);
		fill_region(&regions[nr_regions]);
	}
	if (set_mempolicy(MPOL_DEFAULT, NULL, 0))
		die("set_mempolicy");
	for (int i = 0; i < nr_regions; i++) {
		settle_region(&regions[i], nid);
		printf("%s %lx\n", kind_names[regions[i].kind], (unsigned long)regions[i].start);
	}
	if (getenv("HOLD_BUSY"))
		busy_percent = atoi(getenv("HOLD_BUSY"));
	if (busy_percent < 1) {
		fprintf(stderr, "hold: $HOLD_BUSY: expected 1 to 100, found %s\n", getenv("HOLD_BUSY"));
		return 2;
	}
	if (getenv("HOLD_ASYNC"))
		start_async_worker(atoi(getenv("HOLD_ASYNC")));
	if (argv[2][0] != '-')
		start_threads(argv[2]);
	puts("ready");
	fflush(stdout);
	sigwait(&term, &number);
	pthread_mutex_lock(&filling);
	for (int i = 0; i < nr_regions; i++)
		if (!region_is_right(&regions[i]))
			return 1;
	return 0;
}
