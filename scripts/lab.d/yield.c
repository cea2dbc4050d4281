// SPDX-License-Identifier: GPL-2.0-only
/*
 * A plugin for QEMU's TCG: emulated CPUs that wait for each other let each other run.
 *
 * Where a machine has fewer CPUs than the guest, or others use them, a guest's CPU that
 * spins until another one has answered an interrupt, or has let a lock go, keeps a CPU of the
 * machine that the other one needs, for a whole time slice of some milliseconds. So a page's
 * migration, which interrupts other CPUs, takes milliseconds, too. A CPU that executes PAUSE,
 * as every wait of the kernel does, yields here; and the threads of CPUs ask for short slices,
 * which a host from 6.12 on gives them.
 *
 * In user mode PAUSE is how a load says that it need only be seen running: with the argument
 * rest=on its CPU sleeps for a moment, and still runs by the guest's clock.
 *
 * Measured with three busy CPUs of six on one of the machine's: migratepages(8) of 24 MiB
 * there and back 39 to 133 s without, 4.2 s with yielding and short slices.
 */
#include <sched.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "../../tests/meter/qemu_plugin_api.h"

/* The shortest slice there is. */
#define SLICE_NS	100000

/* An interrupt waits for the end of a rest. */
#define REST_NS		100000

METER_EXPORT int qemu_plugin_version = METER_PLUGIN_VERSION;

static bool may_rest;

/* sched_setattr(2)'s, in its first version; the C library has none before 2.41. */
struct attributes {
	uint32_t size;
	uint32_t policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime_ns;
	uint64_t deadline_ns;
	uint64_t period_ns;
};

static void yield(unsigned int vcpu, void *data)
{
	(void)vcpu;
	(void)data;
	sched_yield();
}

static void rest(unsigned int vcpu, void *data)
{
	(void)vcpu;
	(void)data;
	nanosleep(&(struct timespec){ .tv_nsec = REST_NS }, NULL);
}

static bool is_pause(const struct qemu_plugin_insn *insn)
{
	unsigned char code[2];

	return qemu_plugin_insn_data(insn, code, sizeof(code)) == sizeof(code) &&
	       code[0] == 0xf3 && code[1] == 0x90;
}

/* The kernel's addresses are the upper half. */
static bool is_user(const struct qemu_plugin_tb *tb)
{
	return !(qemu_plugin_tb_vaddr(tb) >> 63);
}

static void translate(uint64_t id, struct qemu_plugin_tb *tb)
{
	size_t i, n = qemu_plugin_tb_n_insns(tb);
	bool rests = may_rest && is_user(tb);

	(void)id;
	for (i = 0; i < n; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);

		if (is_pause(insn))
			qemu_plugin_register_vcpu_insn_exec_cb(insn, rests ? rest : yield,
							       QEMU_PLUGIN_CB_NO_REGS, NULL);
	}
}

/*
 * Called in the thread of the CPU. A host that knows no slices does nothing, or refuses; a
 * sleep would be longer by the timer slack, 50 us.
 */
static void prepare_thread(uint64_t id, unsigned int vcpu)
{
	const struct attributes attributes = {
		.size = sizeof(attributes), .policy = SCHED_OTHER, .runtime_ns = SLICE_NS,
	};

	(void)id;
	(void)vcpu;
	syscall(SYS_sched_setattr, 0, &attributes, 0);
	prctl(PR_SET_TIMERSLACK, 1);
}

METER_EXPORT int qemu_plugin_install(uint64_t id, const struct qemu_info *info, int argc,
				     char **argv)
{
	(void)info;
	for (int i = 0; i < argc; i++)
		may_rest |= !strcmp(argv[i], "rest=on");
	qemu_plugin_register_vcpu_init_cb(id, prepare_thread);
	qemu_plugin_register_vcpu_tb_trans_cb(id, translate);
	return 0;
}
