/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Regions: stretches of a run between two marks, and the files of results about them.
 * All may be called in any thread; counting (and pacing) is on while a region is open.
 */
#ifndef METER_REGIONS_H
#define METER_REGIONS_H

/* Creates the files; from now on regions may begin. */
void regions_open(void);
void regions_start(const char *label);
void regions_stop(const char *why);
void regions_snapshot(const char *note);
/* QEMU ends: closes what is open. */
void regions_close(void);

#endif
