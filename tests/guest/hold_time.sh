#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# How long knumad holds an mmap lock at a time: 100 us at most, while it scans, while it reads
# and clears accessed bits, and while it collects pages to move. For a guest with --icount,
# where time is counted in instructions, 2 ns each: what it finds is the code's doing, and not
# that of the machine below. One CPU: instructions of another would count as well.
# Time limit: 200 s
. "$(dirname "$0")/lib.sh"

readonly MOST_NS=100000

stat_reached() {
	(($(stat_of "$1") >= $2))
}

# lock_is_short WHAT
lock_is_short() {
	local ns
	ns=$(stat_of mmap_lock_hold_ns_max)
	diag "hold $1: $ns ns"
	at_most "$1: the longest hold of an mmap lock (ns)" $MOST_NS "$ns"
}

# Others of the one CPU wait while there is anything else to do.
chrt --idle --pid 0 $$
echo 0 >"$NUMAB"
start_hold still 0 - plain:96 thp:32
still=$HOLD_PID
load mode=observe min_rss_mb=32 scan_period_ms=100
check "observe: three passes over 128 MB" within 30 stat_reached scan_passes 3
lock_is_short observe
unload
load mode=memory min_rss_mb=32 scan_period_ms=100
check "accessed: pages are looked for that were accessed" within 30 stat_reached scan_looks 2
lock_is_short accessed
unload
stop_hold "$still"

start_hold mover 1 0x1 plain:32
load mode=memory min_rss_mb=16 scan_period_ms=100
check "moving: 32 MB come home" within 60 memory_home "$HOLD_PID" 0
lock_is_short moving
unload
stop_hold "$HOLD_PID"
is "the memory is right" 0 "$HOLD_STATUS"
finish
