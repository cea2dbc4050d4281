// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm_guest: a virtual machine whose vCPUs write all their memory over and over and
 * check it, through /dev/kvm itself. User space; run by tests/guest/kvm.sh.
 *
 *   kvm_guest MEMORY_NODE RUN_NODE MB PINNED_MB VCPUS
 *
 * MB of memory in huge pages, and PINNED_MB behind that which a device could write to at
 * any time: registered with io_uring, so pinned for long as VFIO pins. All is put on
 * MEMORY_NODE by a policy that is undone; threads begin on RUN_NODE, and are bound to
 * nothing then. Prints "memory ADDRESS", "pinned ADDRESS", then "passes N", the passes of
 * the slowest vCPU, twice a second. On SIGTERM the vCPUs stop at the end of a pass, and
 * every word of the memory is checked: status 0 if it is right, 1 if not, 3 if a vCPU
 * does not stop.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <linux/kvm.h>
#include <numa.h>
#include <numaif.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define MEMORY_ADDRESS	0x200000000000UL
#define PINNED_ADDRESS	0x300000000000UL
#define MAX_VCPUS	4
#define STOP_SECONDS	30

/* Guest physical: the program, a line of status for each vCPU, then what they write. */
#define CODE_GPA	0x1000
#define STATUS_GPA	0x2000
#define DATA_GPA	0x200000
#define LINE		64

struct status {
	uint32_t passes;
	uint32_t wrong_at;	/* guest physical, 0 if all was right */
	uint32_t stop;		/* set from outside */
	uint32_t unused[LINE / 4 - 3];
};

struct vcpu {
	int fd;
	uint32_t start, end;	/* its part of the memory, guest physical */
	struct kvm_run *run;
	pthread_t thread;
};

static struct vcpu vcpus[MAX_VCPUS];
static int nr_vcpus;
static size_t memory_bytes, pinned_bytes;

/*
 * Protected mode, no paging. esi, edi: the vCPU's part, ebp: its status, ebx: the pass.
 * The first word of each line becomes its own address, xor the pass.
 */
asm(".pushsection .rodata\n"
	".code32\n"
	"guest_code:\n"
	"1:	movl %esi, %ecx\n"
	"2:	movl %ecx, %eax\n"
	"	xorl %ebx, %eax\n"
	"	movl %eax, (%ecx)\n"
	"	addl $64, %ecx\n"
	"	cmpl %edi, %ecx\n"
	"	jb 2b\n"
	"	movl %esi, %ecx\n"
	"3:	movl %ecx, %eax\n"
	"	xorl %ebx, %eax\n"
	"	cmpl %eax, (%ecx)\n"
	"	jne 4f\n"
	"	addl $64, %ecx\n"
	"	cmpl %edi, %ecx\n"
	"	jb 3b\n"
	"	movl %ebx, (%ebp)\n"
	"	cmpl $0, 8(%ebp)\n"
	"	jne 5f\n"
	"	incl %ebx\n"
	"	jmp 1b\n"
	"4:	movl %ecx, 4(%ebp)\n"
	"5:	hlt\n"
	"guest_code_end:\n"
	".code64\n"
	".popsection\n");

static void die(const char *what)
{
	fprintf(stderr, "kvm_guest: %s: %s\n", what, strerror(errno));
	exit(2);
}

static char *host(uint32_t gpa)
{
	return gpa < memory_bytes ? (char *)MEMORY_ADDRESS + gpa :
				    (char *)PINNED_ADDRESS + (gpa - memory_bytes);
}

static volatile struct status *status_of(int i)
{
	return (struct status *)host(STATUS_GPA + i * LINE);
}

static uint64_t pattern(uint32_t gpa)
{
	return gpa * 0x9e3779b97f4a7c15UL + 1;
}

static void map(unsigned long address, size_t bytes, bool huge)
{
	char *start = mmap((char *)address, bytes, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	if (start != (char *)address)
		die("mmap");
	if (madvise(start, bytes, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE))
		die("madvise");
}

static void pin(void)
{
	struct io_uring_params params = { 0 };
	struct iovec iov = { .iov_base = (char *)PINNED_ADDRESS, .iov_len = pinned_bytes };
	int ring = syscall(__NR_io_uring_setup, 1, &params);

	if (ring < 0)
		die("io_uring_setup");
	if (syscall(__NR_io_uring_register, ring, IORING_REGISTER_BUFFERS, &iov, 1))
		die("io_uring_register");
}

static void load_program(void)
{
	const char *start, *end;

	asm("leaq guest_code(%%rip), %0\n"
	    "	leaq guest_code_end(%%rip), %1" : "=r" (start), "=r" (end));
	memcpy(host(CODE_GPA), start, end - start);
}

static void make_memory(int nid)
{
	unsigned long mask = 1UL << nid;

	if (set_mempolicy(MPOL_BIND, &mask, 8 * sizeof(mask)))
		die("set_mempolicy");
	map(MEMORY_ADDRESS, memory_bytes, true);
	if (pinned_bytes)
		map(PINNED_ADDRESS, pinned_bytes, false);
	for (uint32_t gpa = DATA_GPA; gpa < memory_bytes + pinned_bytes; gpa += 8)
		*(uint64_t *)host(gpa) = pattern(gpa);
	memset(host(0), 0, DATA_GPA);
	if (set_mempolicy(MPOL_DEFAULT, NULL, 0))
		die("set_mempolicy");
	load_program();
	if (pinned_bytes)
		pin();
}

static void add_slot(int vm, int slot, uint32_t gpa, unsigned long address, size_t bytes)
{
	struct kvm_userspace_memory_region region = {
		.slot = slot,
		.guest_phys_addr = gpa,
		.memory_size = bytes,
		.userspace_addr = address,
	};

	if (bytes && ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region))
		die("KVM_SET_USER_MEMORY_REGION");
}

static void set_registers(int i)
{
	const struct kvm_segment flat = {
		.limit = 0xffffffff, .selector = 0x10, .type = 3, .present = 1, .db = 1, .s = 1,
		.g = 1,
	};
	const struct vcpu *v = &vcpus[i];
	struct kvm_regs regs = {
		.rip = CODE_GPA, .rflags = 2, .rbx = 1, .rsi = v->start, .rdi = v->end,
		.rbp = STATUS_GPA + i * LINE,
	};
	struct kvm_sregs sregs;

	if (ioctl(v->fd, KVM_GET_SREGS, &sregs))
		die("KVM_GET_SREGS");
	sregs.ds = sregs.es = sregs.fs = sregs.gs = sregs.ss = flat;
	sregs.cs = flat;
	sregs.cs.type = 11;
	sregs.cs.selector = 8;
	sregs.cr0 |= 1;
	if (ioctl(v->fd, KVM_SET_SREGS, &sregs) || ioctl(v->fd, KVM_SET_REGS, &regs))
		die("setting a vCPU's registers");
}

static void make_machine(void)
{
	int kvm = open("/dev/kvm", O_RDWR), vm, run_bytes;
	uint32_t part = (memory_bytes + pinned_bytes - DATA_GPA) / nr_vcpus / 4096 * 4096;

	if (kvm < 0)
		die("/dev/kvm");
	vm = ioctl(kvm, KVM_CREATE_VM, 0);
	if (vm < 0)
		die("KVM_CREATE_VM");
	ioctl(vm, KVM_SET_TSS_ADDR, 0xfffbd000);
	add_slot(vm, 0, 0, MEMORY_ADDRESS, memory_bytes);
	add_slot(vm, 1, memory_bytes, PINNED_ADDRESS, pinned_bytes);
	run_bytes = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
	for (int i = 0; i < nr_vcpus; i++) {
		struct vcpu *v = &vcpus[i];

		v->fd = ioctl(vm, KVM_CREATE_VCPU, i);
		if (v->fd < 0)
			die("KVM_CREATE_VCPU");
		v->run = mmap(NULL, run_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, v->fd, 0);
		if (v->run == MAP_FAILED)
			die("mapping a vCPU");
		v->start = DATA_GPA + i * part;
		v->end = v->start + part;
		set_registers(i);
	}
}

static void *run(void *arg)
{
	struct vcpu *v = arg;

	for (;;) {
		if (ioctl(v->fd, KVM_RUN, 0) && errno != EINTR && errno != EAGAIN)
			die("KVM_RUN");
		if (v->run->exit_reason == KVM_EXIT_HLT)
			return NULL;
		if (v->run->exit_reason != KVM_EXIT_INTR) {
			fprintf(stderr, "kvm_guest: expected the vCPU to halt, got exit %u\n",
				v->run->exit_reason);
			exit(2);
		}
	}
}

static uint32_t least_passes(void)
{
	uint32_t least = UINT32_MAX;

	for (int i = 0; i < nr_vcpus; i++)
		if (status_of(i)->passes < least)
			least = status_of(i)->passes;
	return least;
}

static bool is_right(int i)
{
	const struct vcpu *v = &vcpus[i];
	uint32_t passes = status_of(i)->passes;

	if (status_of(i)->wrong_at) {
		fprintf(stderr, "kvm_guest: vCPU %d found a wrong word at %x in pass %u\n", i,
			status_of(i)->wrong_at, passes + 1);
		return false;
	}
	for (uint32_t gpa = v->start; gpa < v->end; gpa += 8) {
		uint64_t expected = pattern(gpa), found = *(uint64_t *)host(gpa);

		if (gpa % LINE == 0)
			expected = (expected & ~0xffffffffUL) | (gpa ^ passes);
		if (found != expected) {
			fprintf(stderr, "kvm_guest: expected %lx at %x, found %lx\n", expected, gpa,
				found);
			return false;
		}
	}
	return true;
}

static void hung(int unused)
{
	(void)unused;
	_exit(3);
}

static bool stop_and_check(void)
{
	bool right = true;

	signal(SIGALRM, hung);
	alarm(STOP_SECONDS);
	for (int i = 0; i < nr_vcpus; i++)
		status_of(i)->stop = 1;
	for (int i = 0; i < nr_vcpus; i++) {
		pthread_join(vcpus[i].thread, NULL);
		right &= is_right(i);
	}
	return right;
}

int main(int argc, char **argv)
{
	const struct timespec half_second = { .tv_nsec = 500000000 };
	cpu_set_t anywhere;
	sigset_t term;

	if (argc != 6) {
		fprintf(stderr, "usage: kvm_guest MEMORY_NODE RUN_NODE MB PINNED_MB VCPUS\n");
		return 2;
	}
	memory_bytes = strtoul(argv[3], NULL, 10) << 20;
	pinned_bytes = strtoul(argv[4], NULL, 10) << 20;
	nr_vcpus = atoi(argv[5]);
	if (memory_bytes <= DATA_GPA || nr_vcpus < 1 || nr_vcpus > MAX_VCPUS) {
		fprintf(stderr, "kvm_guest: expected more than 2 MB and 1 to 4 vCPUs\n");
		return 2;
	}
	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, NULL);
	if (numa_run_on_node(atoi(argv[2])))
		die("running on the node");
	make_memory(atoi(argv[1]));
	make_machine();
	printf("memory %lx\npinned %lx\n", MEMORY_ADDRESS, PINNED_ADDRESS);
	for (int i = 0; i < nr_vcpus; i++)
		if (pthread_create(&vcpus[i].thread, NULL, run, &vcpus[i]))
			die("pthread_create");
	while (!least_passes())
		usleep(10000);
	memset(&anywhere, 0xff, sizeof(anywhere));
	sched_setaffinity(0, sizeof(anywhere), &anywhere);
	for (int i = 0; i < nr_vcpus; i++)
		if (pthread_setaffinity_np(vcpus[i].thread, sizeof(anywhere), &anywhere))
			die("running anywhere");
	do {
		printf("passes %u\n", least_passes());
		fflush(stdout);
	} while (sigtimedwait(&term, NULL, &half_second) < 0);
	return !stop_and_check();
}
