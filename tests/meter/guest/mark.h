/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How a guest program speaks to the meter (../meter.c): by an instruction that does
 * nothing, a 7-byte nop with a magic displacement. A message is a run of them, one for
 * each character of its text and the last one for the operation. It is written to a
 * page and called; as straight-line code it is translated, and runs, in one piece, so
 * two threads' messages cannot mix. Without a meter it does nothing.
 *
 * Included by user programs in the guest, and by the meter for the encoding.
 */
#ifndef METER_MARK_H
#define METER_MARK_H

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

/* nopl DISPLACEMENT(%rax), its displacement MAGIC | operation << 8 | argument. */
#define METER_NOP		"\x0f\x1f\x80"
#define METER_NOP_BYTES		7
#define METER_MAGIC		0x4b4d0000u
#define METER_TEXT_MAX		96

enum meter_op {
	METER_TEXT = 1,		/* argument: a character. All others: the text's length */
	METER_MAP = 16,		/* text "NODE BASE LENGTH", the numbers hexadecimal */
	METER_PROBE,		/* text "NODE": only that node's memory is used now */
	METER_PROBED,
	METER_READY,		/* the map is complete, each node has been probed */
	METER_START = 32,	/* begins a region, text: its label; ends one that is open */
	METER_STOP,
	METER_SNAPSHOT,		/* a row in the time series, text: its note */
};

static inline void meter_emit(unsigned char *code, size_t index, enum meter_op op,
			      unsigned char argument)
{
	uint32_t displacement = METER_MAGIC | (uint32_t)op << 8 | argument;

	memcpy(code + index * METER_NOP_BYTES, METER_NOP, 3);
	memcpy(code + index * METER_NOP_BYTES + 3, &displacement, 4);
}

/* Returns 0 or a negative error number. */
static inline int meter_mark(enum meter_op op, const char *text)
{
	const size_t page = 4096;
	size_t length = strlen(text);
	unsigned char *code;

	if (length > METER_TEXT_MAX)
		return -EINVAL;
	code = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (code == MAP_FAILED)
		return -errno;
	for (size_t i = 0; i < length; i++)
		meter_emit(code, i, METER_TEXT, text[i]);
	meter_emit(code, length, op, length);
	code[(length + 1) * METER_NOP_BYTES] = 0xc3;	/* ret */
	if (mprotect(code, page, PROT_READ | PROT_EXEC)) {
		int error = errno;

		munmap(code, page);
		return -error;
	}
	((void (*)(void))code)();
	munmap(code, page);
	return 0;
}

#endif
