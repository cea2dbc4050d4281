// SPDX-License-Identifier: GPL-2.0-only
/*
 * The meter: a QEMU TCG plugin that counts the guest's user-mode memory accesses and
 * the misses of a small modelled cache, by vCPU and by the memory's node, and makes
 * misses cost time (pace.c); and counts instructions, user and kernel. What QEMU calls
 * is here, in the vCPUs' threads. Loaded by scripts/lab run --meter.
 */
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "marks.h"
#include "pace.h"
#include "qemu_plugin_api.h"
#include "regions.h"

/* Code without misses settles its account each so many instructions. */
#define SETTLE_INSNS	20000

int qemu_plugin_version = METER_PLUGIN_VERSION;
struct config cfg;
struct vcpu vcpus[MAX_VCPUS];

/* Counted by translated code itself. */
struct insns {
	uint64_t user;
	uint64_t kernel;
	uint64_t unsettled;
};

static struct qemu_plugin_u64 count_user, count_kernel, count_unsettled;

uint64_t insns_user(unsigned int vcpu)
{
	return qemu_plugin_u64_get(count_user, vcpu);
}

uint64_t insns_kernel(unsigned int vcpu)
{
	return qemu_plugin_u64_get(count_kernel, vcpu);
}

void meter_fail(const char *format, ...)
{
	char path[sizeof(cfg.dir) + 16], text[512];
	va_list args;
	FILE *file;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	fprintf(stderr, "meter: %s\n", text);
	snprintf(path, sizeof(path), "%s/error", cfg.dir);
	file = cfg.dir[0] ? fopen(path, "we") : NULL;
	if (file) {
		fprintf(file, "%s\n", text);
		fclose(file);
	}
	/* No clean-up of QEMU's: it would wait for this very thread. */
	_exit(1);
}

static void on_access(unsigned int vcpu, uint32_t info, uint64_t vaddr, void *data)
{
	bool paced = pace_is_on();
	struct vcpu *v = &vcpus[vcpu];
	struct qemu_plugin_hwaddr *hwaddr;
	unsigned int node;
	uint64_t phys;

	(void)data;
	if (!paced && !marks_is_probing())
		return;
	hwaddr = qemu_plugin_get_hwaddr(info, vaddr);
	if (!hwaddr || qemu_plugin_hwaddr_is_io(hwaddr)) {
		count(&v->elsewhere);
		return;
	}
	phys = qemu_plugin_hwaddr_phys_addr(hwaddr);
	node = nodemap_node(&nodemap, phys);
	if (node == NODEMAP_NONE) {
		count(&v->elsewhere);
		return;
	}
	count(&v->accesses[node]);
	if (cache_access(&v->cache, phys))
		return;
	count(&v->misses[node]);
	if (paced)
		pace_charge(vcpu, cfg.miss_ns[vcpu / cfg.cpus_per_node][node]);
}

static void on_many_insns(unsigned int vcpu, void *data)
{
	(void)data;
	qemu_plugin_u64_set(count_unsettled, vcpu, 0);
	if (pace_is_on())
		pace_settle(vcpu);
}

/* By address: the kernel's is the upper half, and it runs nothing below once it is up. */
static bool is_user(const struct qemu_plugin_tb *tb)
{
	return !(qemu_plugin_tb_vaddr(tb) >> 63);
}

static void on_translate(uint64_t id, struct qemu_plugin_tb *tb)
{
	size_t nr = qemu_plugin_tb_n_insns(tb);
	struct mark_reader reader = { 0 };

	(void)id;
	qemu_plugin_register_vcpu_tb_exec_inline_per_vcpu(tb, QEMU_PLUGIN_INLINE_ADD_U64,
							  is_user(tb) ? count_user : count_kernel,
							  nr);
	qemu_plugin_register_vcpu_tb_exec_inline_per_vcpu(tb, QEMU_PLUGIN_INLINE_ADD_U64,
							  count_unsettled, nr);
	qemu_plugin_register_vcpu_tb_exec_cond_cb(tb, on_many_insns, QEMU_PLUGIN_CB_NO_REGS,
						  QEMU_PLUGIN_COND_GE, count_unsettled,
						  SETTLE_INSNS, NULL);
	if (!is_user(tb))
		return;
	for (size_t i = 0; i < nr; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);

		qemu_plugin_register_vcpu_mem_cb(insn, on_access, QEMU_PLUGIN_CB_NO_REGS,
						 QEMU_PLUGIN_MEM_RW, NULL);
		marks_read(&reader, insn);
	}
}

static void on_idle(uint64_t id, unsigned int vcpu)
{
	(void)id;
	pace_idle(vcpu);
}

static void on_resume(uint64_t id, unsigned int vcpu)
{
	(void)id;
	pace_resume(vcpu);
}

static void on_exit(uint64_t id, void *data)
{
	(void)id;
	(void)data;
	regions_close();
}

int qemu_plugin_install(uint64_t id, const struct qemu_info *info, int argc, char **argv)
{
	const char *wrong = parse_options(&cfg, argc, argv);
	struct qemu_plugin_scoreboard *score;

	if (!wrong && (!info->system_emulation ||
		       info->system.max_vcpus != (int)(cfg.nr_nodes * cfg.cpus_per_node)))
		wrong = "expected a whole system, with nodes x cpus vCPUs";
	if (wrong)
		meter_fail("%s", wrong);
	score = qemu_plugin_scoreboard_new(sizeof(struct insns));
	count_user = (struct qemu_plugin_u64){ score, offsetof(struct insns, user) };
	count_kernel = (struct qemu_plugin_u64){ score, offsetof(struct insns, kernel) };
	count_unsettled = (struct qemu_plugin_u64){ score, offsetof(struct insns, unsettled) };
	qemu_plugin_register_vcpu_tb_trans_cb(id, on_translate);
	qemu_plugin_register_vcpu_idle_cb(id, on_idle);
	qemu_plugin_register_vcpu_resume_cb(id, on_resume);
	qemu_plugin_register_atexit_cb(id, on_exit, NULL);
	return 0;
}
