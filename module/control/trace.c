// SPDX-License-Identifier: GPL-2.0-only
/*
 * Instantiates knumad's tracepoints.  No code of its own.
 */
#define CREATE_TRACE_POINTS
#include "../../include/knumad_trace.h"
