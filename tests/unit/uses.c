// SPDX-License-Identifier: GPL-2.0-only
/*
 * Test of what samples of who uses what say together.
 *
 * User space, called by main.c.
 */
#include <stdlib.h>
#include <string.h>
#include "tests.h"
#include "uses.h"

static struct policy_uses uses;

/* Which node the spans give @addr to; -1 for none. */
static int node_of(const struct policy_span *spans, u32 nr, u64 addr)
{
	u32 k;

	for (k = 0; k < nr; k++)
		if (addr >= spans[k].start && addr < spans[k].end)
			return spans[k].nid;
	return -1;
}

#define MB	(1UL << 20)
#define EVERYWHERE	(~0UL)

static bool uses_parts(char *message)
{
	struct policy_span spans[16];
	u32 i, nr, known = 0;

	uses.nr = 0;
	for (i = 0; i < 200; i++) {
		u64 at = random() % 320;

		policy_uses_add(&uses, 4096 * MB + at * MB + random() % MB, 1, at / 80 % 2, i);
	}
	nr = policy_uses_spans(&uses, EVERYWHERE, spans, 16);
	for (i = 0; i < 320; i++) {
		int nid = node_of(spans, nr, 4096 * MB + i * MB);

		/* Where two parts meet is known to about what lies between two samples. */
		if (nid >= 0 && nid != (int)(i / 80 % 2) && i % 80 >= 4 && i % 80 < 76) {
			snprintf(message, SIM_MESSAGE, "expected MB %u on node %u, got %d", i, i / 80 % 2, nid);
			return false;
		}
		known += nid >= 0;
	}
	if (known > 310)
		return true;
	snprintf(message, SIM_MESSAGE, "expected most of four parts to be known, got %u of 320 MB", known);
	return false;
}

/* Two mappings, half the address space apart: what is between them is nobody's. */
static bool uses_apart(char *message)
{
	const u64 far = 0x550000000000, size = 320 * MB;
	struct policy_span spans[16];
	u32 i, k, nr;

	uses.nr = 0;
	for (i = 0; i < 100; i++) {
		policy_uses_add(&uses, 4096 * MB + random() % size, 1, 1, i);
		policy_uses_add(&uses, far + random() % size, 1, 1, i);
	}
	nr = policy_uses_spans(&uses, 2 * size, spans, 16);
	for (k = 0; k < nr; k++)
		if (spans[k].end - spans[k].start > size + size / 8)
			break;
	if (nr == 2 && k == nr)
		return true;
	snprintf(message, SIM_MESSAGE, "expected two mappings, got %u, one of %lu MB", nr,
		 k < nr ? (unsigned long)((spans[k].end - spans[k].start) / MB) : 0);
	return false;
}

/* What lies behind the last samples belongs to them, but not if they are few. */
static bool uses_reach(char *message)
{
	const u64 first = 4096 * MB, apart = 4096 * MB;
	struct policy_span spans[16];
	u32 i, nr;

	uses.nr = 0;
	for (i = 0; i < 40; i++)
		policy_uses_add(&uses, first + i * 2 * MB, 1, 1, 0);
	for (i = 0; i < 16; i++)
		policy_uses_add(&uses, first + (1 + i / 4) * apart + i % 4 * 2 * MB, 1, 0, 0);
	nr = policy_uses_spans(&uses, 1024 * MB, spans, 16);
	if (nr == 5 && spans[0].start == first - 2 * MB && spans[0].end == first + 80 * MB + 4096 &&
	    spans[1].start == first + apart && spans[1].end == first + apart + 6 * MB + 4096)
		return true;
	snprintf(message, SIM_MESSAGE, "expected 5 spans, the first with 2 MB on each side, got %u", nr);
	return false;
}

/* Samples of a thread on its way. */
static void walk(u64 from, s64 step, u32 steps, u32 who, u32 nid)
{
	u32 i;

	for (i = 0; i < steps; i++)
		policy_uses_add(&uses, from + i * step, who, nid, i);
}

/* What is ahead of a thread is its own, up to where others are. */
static bool uses_ahead(char *message)
{
	struct policy_span spans[16];
	u64 up, far, down;
	u32 nr;

	/* Up from 1000 MB, nobody near; 20 steps, of which the last 15 count. */
	uses.nr = 0;
	walk(1000 * MB, MB, 20, 1, 1);
	walk(2000 * MB, MB, 20, 2, 0);
	nr = policy_uses_spans(&uses, 512 * MB, spans, 16);
	up = nr == 2 ? spans[0].end : 0;
	/* Down, toward another one that comes up: they meet half way. */
	uses.nr = 0;
	walk(1000 * MB, MB, 20, 1, 1);
	walk(1044 * MB, -MB, 20, 2, 0);
	nr = policy_uses_spans(&uses, 512 * MB, spans, 16);
	far = nr == 2 ? spans[0].end : 0;
	down = nr == 2 ? spans[1].start : 0;
	if (up != 1034 * MB + 4096 || far != 1022 * MB || down != far) {
		snprintf(message, SIM_MESSAGE, "expected what is ahead up to 1034 MB, and half way to 1025 MB, got %llu, %llu and %llu",
			 (unsigned long long)(up / MB), (unsigned long long)(far / MB),
			 (unsigned long long)(down / MB));
		return false;
	}
	/* It has gone elsewhere since. */
	uses.nr = 0;
	walk(1000 * MB, MB, 20, 1, 1);
	walk(2000 * MB, MB, 20, 2, 0);
	policy_uses_add(&uses, 3000 * MB, 1, 1, 30);
	nr = policy_uses_spans(&uses, 512 * MB, spans, 16);
	if (nr == 2 && spans[0].end <= 1021 * MB)
		return true;
	snprintf(message, SIM_MESSAGE, "expected nothing ahead of a thread that has gone elsewhere, got up to %llu MB",
		 nr ? (unsigned long long)(spans[0].end / MB) : 0);
	return false;
}

/* One node's threads have been through a part of what all use, and others not yet. */
static bool uses_begun(char *message)
{
	struct policy_span spans[16];
	u32 i, nr;

	uses.nr = 0;
	for (i = 0; i < 400; i++)
		policy_uses_add(&uses, random() % (320 * MB), 1, 0, i);
	for (i = 0; i < 12; i++)
		policy_uses_add(&uses, 330 * MB + i * MB, 2, 1, i);
	nr = policy_uses_spans(&uses, EVERYWHERE, spans, 16);
	for (i = 0; i < nr; i++)
		if (spans[i].nid)
			break;
	if (nr && i == nr)
		return true;
	snprintf(message, SIM_MESSAGE, "expected 12 samples to say nothing of their node, got %u spans", nr);
	return false;
}

static bool uses_nothing(char *message)
{
	struct policy_span spans[16];
	u32 i, k, nr;

	for (k = 0; k < 100; k++) {
		uses.nr = 0;
		for (i = 0; i < 200; i++)
			policy_uses_add(&uses, random() % (320 * MB), 1, random() % 2, i);
		nr = policy_uses_spans(&uses, EVERYWHERE, spans, 16);
		if (nr) {
			snprintf(message, SIM_MESSAGE, "expected no node to have shared memory alone, got %u spans", nr);
			return false;
		}
	}
	uses.nr = 0;
	for (i = 0; i < 31; i++)
		policy_uses_add(&uses, i * MB, 1, 1, i);
	nr = policy_uses_spans(&uses, EVERYWHERE, spans, 16);
	if (!nr)
		return true;
	snprintf(message, SIM_MESSAGE, "expected few samples to say nothing, got %u spans", nr);
	return false;
}

/* Of what all use a node that was seldom seen has nothing for itself, though most samples agree. */
static bool uses_seldom(char *message)
{
	static struct policy_span spans[POLICY_MAX_USES / 3];
	u32 i, k, nr, percent;

	for (percent = 2; percent < 10; percent++) {
		for (k = 0; k < 100; k++) {
			uses.nr = 0;
			for (i = 0; i < 400; i++)
				policy_uses_add(&uses, random() % (320 * MB), 1,
						random() % 100 < percent, i);
			nr = policy_uses_spans(&uses, EVERYWHERE, spans, POLICY_MAX_USES / 3);
			while (nr--)
				if (spans[nr].nid)
					goto wrong;
		}
	}
	return true;
wrong:
	snprintf(message, SIM_MESSAGE, "expected nothing for a node that uses all memory %u %% of the time, got %lu KB",
		 percent, (unsigned long)((spans[nr].end - spans[nr].start) >> 10));
	return false;
}

/* The latest are kept, one of each page, in order. */
static bool uses_kept(char *message)
{
	u32 i;

	uses.nr = 0;
	for (i = 0; i < 4 * POLICY_MAX_USES; i++)
		policy_uses_add(&uses, (u64)(random() % 100000) << 12, 1, 0, i);
	policy_uses_add(&uses, 5 << 12, 1, 1, i);
	policy_uses_add(&uses, (5 << 12) + 8, 1, 2, i);
	policy_uses_expire(&uses, i - 300);
	for (i = 0; i < uses.nr; i++) {
		if (i && uses.use[i].addr <= uses.use[i - 1].addr)
			break;
		if (uses.use[i].time < 4 * POLICY_MAX_USES - 300)
			break;
		if (uses.use[i].addr == 5 << 12 && uses.use[i].nid != 2)
			break;
	}
	if (i == uses.nr && i > 280 && i <= 301)
		return true;
	snprintf(message, SIM_MESSAGE, "expected the latest samples in order, got %u good ones of %u", i, uses.nr);
	return false;
}

/* A thread that is away now and then stays where it was; one that stays away is followed. */
static bool uses_follow(char *message)
{
	u32 i, who;

	memset(&uses, 0, sizeof(uses));
	for (who = 1; who < 3 * POLICY_MAX_USERS; who++)
		policy_uses_seen(&uses, who, who % 4);
	memset(&uses, 0, sizeof(uses));
	for (i = 0; i < 39; i++) {	/* the last time it is away */
		policy_uses_add(&uses, i * MB, 1, policy_uses_seen(&uses, 1, i % 3 == 2), i);
		policy_uses_add(&uses, i * MB + 8192, 2, policy_uses_seen(&uses, 2, 1), i);
	}
	for (i = 0; i < uses.nr; i++)
		if (uses.use[i].nid != uses.use[i].who - 1)
			goto wrong;
	for (i = 0; i < 8; i++)
		policy_uses_seen(&uses, 1, 1);
	for (i = 0; i < uses.nr; i++)
		if (uses.use[i].nid != 1)
			goto wrong;
	return true;
wrong:
	snprintf(message, SIM_MESSAGE, "expected thread %u to be followed when it stays away, sample %u is node %u's",
		 uses.use[i].who, i, uses.use[i].nid);
	return false;
}

bool uses_run(u64 seed, char message[SIM_MESSAGE])
{
	srandom(seed);
	return uses_parts(message) && uses_apart(message) && uses_reach(message) && uses_ahead(message) &&
	       uses_nothing(message) && uses_seldom(message) && uses_begun(message) &&
	       uses_kept(message) && uses_follow(message);
}
