// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's messages: read when a block is translated, acted on when it runs. First
 * come those by which the meter is set up: the map of nodes as the guest's firmware
 * gives it, then a probe of each node, in which a thread bound to that node's CPUs
 * writes memory bound to that node. Only if all of it was seen on that vCPU and in
 * that node's memory may regions begin. Runs in the vCPUs' threads.
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "marks.h"
#include "pace.h"
#include "regions.h"

#define MAX_MARKS	4096
/* Of a probe's misses, this share must be where it was to be. */
#define PROBE_PERCENT	99
/* The guest's probe writes 65536 lines, all new; fewer: it has not run. */
#define PROBE_MISSES	60000

/* Different messages seen, kept for ever: blocks refer to them. */
struct mark {
	enum meter_op op;
	bool complete;
	char text[METER_TEXT_MAX + 1];
};

struct nodemap nodemap;

/* Protects all below but probing, which is only written under it. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct mark marks[MAX_MARKS];
static unsigned int nr_marks;
static unsigned int nr_ranges;
static unsigned int probed;		/* a bit for each node */
static bool probing;
static struct {
	unsigned long node;
	unsigned int vcpu;
	uint64_t misses[MAX_NODES];
} probe;

bool marks_is_probing(void)
{
	return __atomic_load_n(&probing, __ATOMIC_ACQUIRE);
}

static void add_range(const char *text)
{
	unsigned long node;
	uint64_t base, length;
	const char *wrong;

	if (sscanf(text, "%lx %" SCNx64 " %" SCNx64, &node, &base, &length) != 3)
		meter_fail("expected a range 'NODE BASE LENGTH' from the guest, found '%s'", text);
	if (!nr_ranges++)
		nodemap_clear(&nodemap);
	wrong = node < cfg.nr_nodes ? nodemap_add(&nodemap, node, base, length) :
				      "the guest was given fewer nodes";
	if (wrong)
		meter_fail("the guest's SRAT has 0x%" PRIx64 " bytes at 0x%" PRIx64 " on node %lu: %s",
			   length, base, node, wrong);
}

static void begin_probe(unsigned int vcpu, const char *text)
{
	probe.node = strtoul(text, NULL, 16);
	probe.vcpu = vcpu;
	if (probe.node >= cfg.nr_nodes || !nr_ranges)
		meter_fail("expected a probe of node 0 to %u after the map, found one of node '%s' after %u ranges",
			   cfg.nr_nodes - 1, text, nr_ranges);
	if (vcpu / cfg.cpus_per_node != probe.node)
		meter_fail("expected the guest's node %lu to have vCPUs %lu to %lu, found it on vCPU %u; the guest numbers its CPUs otherwise",
			   probe.node, probe.node * cfg.cpus_per_node,
			   (probe.node + 1) * cfg.cpus_per_node - 1, vcpu);
	memcpy(probe.misses, vcpus[vcpu].misses, sizeof(probe.misses));
	__atomic_store_n(&probing, true, __ATOMIC_RELEASE);
}

static void end_probe(unsigned int vcpu)
{
	uint64_t all = 0, right;

	__atomic_store_n(&probing, false, __ATOMIC_RELEASE);
	if (vcpu / cfg.cpus_per_node != probe.node)
		meter_fail("expected the probe of node %lu to end there, found it on vCPU %u",
			   probe.node, vcpu);
	for (unsigned int node = 0; node < cfg.nr_nodes; node++)
		all += vcpus[probe.vcpu].misses[node] - probe.misses[node];
	right = vcpus[probe.vcpu].misses[probe.node] - probe.misses[probe.node];
	if (all < PROBE_MISSES || right * 100 < all * PROBE_PERCENT)
		meter_fail("expected %d misses or more, %d %% of them in node %lu's memory, while the guest wrote there; found %" PRIu64 ", %" PRIu64 " of them there: this QEMU's addresses are not understood",
			   PROBE_MISSES, PROBE_PERCENT, probe.node, all, right);
	probed |= 1u << probe.node;
}

static void become_ready(void)
{
	if (probed != (1u << cfg.nr_nodes) - 1)
		meter_fail("expected a probe of each of %u nodes, found the set 0x%x",
			   cfg.nr_nodes, probed);
	if (qemu_plugin_num_vcpus() != (int)(cfg.nr_nodes * cfg.cpus_per_node))
		meter_fail("expected %u vCPUs, found %d", cfg.nr_nodes * cfg.cpus_per_node,
			   qemu_plugin_num_vcpus());
	regions_open();
}

static void on_mark(unsigned int vcpu, void *data)
{
	const struct mark *mark = data;

	if (!mark->complete)
		meter_fail("expected a whole message from the guest, found only '%s' of it",
			   mark->text);
	pthread_mutex_lock(&lock);
	switch (mark->op) {
	case METER_MAP:
		add_range(mark->text);
		break;
	case METER_PROBE:
		begin_probe(vcpu, mark->text);
		break;
	case METER_PROBED:
		end_probe(vcpu);
		break;
	case METER_READY:
		become_ready();
		break;
	case METER_START:
		regions_start(mark->text);
		break;
	case METER_STOP:
		regions_stop("stop");
		break;
	case METER_SNAPSHOT:
		regions_snapshot(mark->text);
		break;
	default:
		meter_fail("the guest sent operation %d, which this meter does not know",
			   mark->op);
	}
	pthread_mutex_unlock(&lock);
}

static struct mark *intern(enum meter_op op, bool complete, const char *text)
{
	struct mark *mark = NULL;

	pthread_mutex_lock(&lock);
	for (unsigned int i = 0; i < nr_marks && !mark; i++)
		if (marks[i].op == op && marks[i].complete == complete &&
		    !strcmp(marks[i].text, text))
			mark = &marks[i];
	if (!mark) {
		if (nr_marks == MAX_MARKS)
			meter_fail("the guest sent more than %d different marks", MAX_MARKS);
		mark = &marks[nr_marks++];
		mark->op = op;
		mark->complete = complete;
		snprintf(mark->text, sizeof(mark->text), "%s", text);
	}
	pthread_mutex_unlock(&lock);
	return mark;
}

void marks_read(struct mark_reader *reader, struct qemu_plugin_insn *insn)
{
	unsigned char code[METER_NOP_BYTES];
	uint32_t displacement;
	enum meter_op op;
	unsigned char argument;

	if (qemu_plugin_insn_size(insn) != sizeof(code) ||
	    qemu_plugin_insn_data(insn, code, sizeof(code)) != sizeof(code) ||
	    memcmp(code, METER_NOP, 3))
		return;
	memcpy(&displacement, code + 3, sizeof(displacement));
	if ((displacement & 0xffff0000) != METER_MAGIC)
		return;
	op = displacement >> 8 & 0xff;
	argument = displacement & 0xff;
	if (op == METER_TEXT) {
		if (reader->length < METER_TEXT_MAX)
			reader->text[reader->length++] = argument;
		return;
	}
	reader->text[reader->length] = '\0';
	qemu_plugin_register_vcpu_insn_exec_cb(insn, on_mark, QEMU_PLUGIN_CB_NO_REGS,
					       intern(op, reader->length == argument, reader->text));
	reader->length = 0;
}
