// SPDX-License-Identifier: GPL-2.0-only
/*
 * hold: a process with memory of chosen kinds on one node and, if wanted, threads
 * that never leave another. User space; run by the guest tests.
 *
 *   hold MEMORY_NODE SPIN_NODE[xTHREADS]|- KIND:MB...
 *
 * Threads: one for each of the node's CPUs if not said otherwise.
 *
 * Prints "KIND ADDRESS" for each mapping, then "ready". Each mapping is at an
 * address of its own, far from the others, so that it has its own line in
 * /proc/PID/numa_maps. Memory is placed by a policy that is undone before "ready";
 * the threads' affinity stays. "file" is a shared mapping of the file $HOLD_FILE. Threads do not touch "cold" memory; on SIGUSR1 all of it
 * is verified, and "right" or "wrong" printed.
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
#include <unistd.h>

#define FIRST_ADDRESS	0x100000000000UL
#define ADDRESS_STEP	0x000100000000UL
#define MAX_REGIONS	16

enum kind {
	PLAIN, COLD, THP, MLOCKED, PINNED, HUGETLB, KSM, SHARED, SHMEM, MEMFD, FILE_OF_TMPFS,
	BOUND, SPLICED, NR_KINDS
};

static const char * const kind_names[NR_KINDS] = {
	"plain", "cold", "thp", "mlocked", "pinned", "hugetlb", "ksm", "shared", "shmem", "memfd", "file",
	"bound", "spliced",
};

struct region {
	enum kind kind;
	char *start;
	size_t bytes;
};

static struct region regions[MAX_REGIONS];
static int nr_regions;

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

/* "file" is the one that $HOLD_FILE names, for several processes to share. */
static int open_region(const struct region *r)
{
	const char *path = getenv("HOLD_FILE");
	int fd = r->kind == MEMFD ? memfd_create("hold", 0) :
		 path ? open(path, O_RDWR | O_CREAT, 0600) : -1;

	if (fd < 0 || ftruncate(fd, r->bytes))
		die(kind_names[r->kind]);
	return fd;
}

static void map_region(const struct region *r)
{
	bool file = r->kind == MEMFD || r->kind == FILE_OF_TMPFS;
	int flags = MAP_FIXED_NOREPLACE | (file ? 0 : MAP_ANONYMOUS);
	int fd = file ? open_region(r) : -1;

	flags |= r->kind == SHMEM || file ? MAP_SHARED : MAP_PRIVATE;
	if (r->kind == HUGETLB)
		flags |= MAP_HUGETLB;
	if (mmap(r->start, r->bytes, PROT_READ | PROT_WRITE, flags, fd, 0) != r->start)
		die(kind_names[r->kind]);
	if (r->kind != HUGETLB &&
	    madvise(r->start, r->bytes, r->kind == THP ? MADV_HUGEPAGE : MADV_NOHUGEPAGE))
		die("madvise");
	/* Only one kind is to be shared with the child. */
	if (r->kind != SHARED && madvise(r->start, r->bytes, MADV_DONTFORK))
		die("madvise");
}

static size_t content(const struct region *r, size_t at)
{
	return r->kind == KSM ? 42 : (size_t)r->start + at;
}

/* Every page different, but for the mapping that is to be merged. */
static void fill_region(const struct region *r)
{
	for (size_t at = 0; at < r->bytes; at += 4096)
		*(size_t *)(r->start + at) = content(r, at);
}

static bool region_is_right(const struct region *r)
{
	for (size_t at = 0; at < r->bytes; at += 4096)
		if (*(size_t *)(r->start + at) != content(r, at))
			return false;
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

/* Pages in a pipe have one more user that nobody can move: migrating them fails. */
static void splice_region(const struct region *r)
{
	struct iovec iov = { .iov_base = r->start, .iov_len = r->bytes };
	int ends[2];

	if (pipe(ends) || fcntl(ends[1], F_SETPIPE_SZ, (int)r->bytes) < 0)
		die("pipe");
	if (vmsplice(ends[1], &iov, 1, SPLICE_F_NONBLOCK) != (ssize_t)r->bytes)
		die("vmsplice");
}

static void bind_region(const struct region *r, int nid)
{
	unsigned long mask = 1UL << nid;

	if (mbind(r->start, r->bytes, MPOL_BIND, &mask, 8 * sizeof(mask), 0))
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
	if (r->kind == BOUND)
		bind_region(r, nid);
	if (r->kind == SPLICED)
		splice_region(r);
	if (r->kind == SHARED)
		share_regions();
}

/* Reads all memory over and over: a load that belongs where the memory is. */
static void *spin(void *unused)
{
	(void)unused;
	for (;;)
		for (int i = 0; i < nr_regions; i++)
			for (size_t at = 0; at < regions[i].bytes && regions[i].kind != COLD; at += 64)
				(void)*(volatile char *)(regions[i].start + at);
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
}

static void wait_and_verify(void)
{
	bool right = true;
	sigset_t set;
	int got;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	if (sigwait(&set, &got))
		die("sigwait");
	for (int i = 0; i < nr_regions; i++)
		right &= region_is_right(&regions[i]);
	puts(right ? "right" : "wrong");
	fflush(stdout);
}

static void block_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	if (sigprocmask(SIG_BLOCK, &set, NULL))
		die("sigprocmask");
}

int main(int argc, char **argv)
{
	unsigned long mask;
	int nid;

	if (argc < 4) {
		fprintf(stderr, "usage: hold MEMORY_NODE SPIN_NODE[xTHREADS]|- KIND:MB...\n");
		return 2;
	}
	block_signals();
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
	if (argv[2][0] != '-')
		start_threads(argv[2]);
	puts("ready");
	fflush(stdout);
	for (;;)
		wait_and_verify();
}
