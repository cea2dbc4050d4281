/* SPDX-License-Identifier: GPL-2.0-only */
/* What the test of engine/frames.h takes from it in the kernel: nothing. */
#ifndef SHIM_LINUX_MM_TYPES_H
#define SHIM_LINUX_MM_TYPES_H
#endif
