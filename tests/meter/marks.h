/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guest's messages to the meter, encoded as guest/mark.h says.
 */
#ifndef METER_MARKS_H
#define METER_MARKS_H

#include "guest/mark.h"
#include "meter.h"
#include "qemu_plugin_api.h"

/* What the reader knows at one instruction of a block. */
struct mark_reader {
	unsigned int length;
	char text[METER_TEXT_MAX + 1];
};

/*
 * Called for each instruction of a block as it is translated, with a reader that was
 * zero at the block's begin. Where a message is complete, its execution is asked for.
 */
void marks_read(struct mark_reader *reader, struct qemu_plugin_insn *insn);

/* Whether accesses are counted though no region is open. */
bool marks_is_probing(void);

extern struct nodemap nodemap;

#endif
