/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which memory of a process the threads on which node use: what the code that a thread was
 * seen at reads or writes next, and what many such samples say together.
 *
 * Pure: builds in user space, locks nothing, allocates nothing.
 */
#ifndef KNUMAD_POLICY_USES_H
#define KNUMAD_POLICY_USES_H

#include <linux/types.h>

/* x86-64's general registers, by their number in an instruction. */
#define POLICY_REGS		16

/* Code of a process, from address @start on. */
struct policy_code {
	u64 start;
	u32 len;
	const u8 *bytes;
};

u32 policy_operands(const struct policy_code *code, u64 ip, const u64 *regs, u64 *addrs, u32 max);

/* Samples that are kept of a process: the latest ones. */
#define POLICY_MAX_USES		2048

/* Threads whose node is followed; of others the node of each sample counts. */
#define POLICY_MAX_USERS	128

/* Thread @who was about to use @addr; @time is in whatever unit the caller counts. */
struct policy_use {
	u64 addr;
	u32 time;
	u32 who;
	u32 nid;		/* where that thread belongs now; below POLICY_MAX_NODES */
};

/* A thread: it belongs on @nid, and was seen @times times in a row on @seen, elsewhere. */
struct policy_user {
	u32 who;		/* 0: none */
	u32 nid;
	u32 seen;
	u32 times;
};

struct policy_uses {
	u32 nr;
	struct policy_use use[POLICY_MAX_USES];	/* by address */
	struct policy_user user[POLICY_MAX_USERS];
};

/* Memory from @start up to @end that, by all samples, only threads of node @nid use, or will. */
struct policy_span {
	u64 start;
	u64 end;
	u32 nid;
};

u32 policy_uses_seen(struct policy_uses *u, u32 who, u32 nid);
bool policy_uses_home(const struct policy_uses *u, u32 who, u32 *nid);
void policy_uses_add(struct policy_uses *u, u64 addr, u32 who, u32 nid, u32 time);
void policy_uses_expire(struct policy_uses *u, u32 oldest);
u32 policy_uses_spans(const struct policy_uses *u, u64 most, struct policy_span *spans, u32 max);

#endif /* KNUMAD_POLICY_USES_H */
