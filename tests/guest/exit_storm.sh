#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Processes that exit while they are scanned, all the time: none is leaked, none
# delayed; the module still works afterwards, and goes.
# Time limit: 150 s
. "$(dirname "$0")/lib.sh"

# Address spaces in use, by the slab allocator.
address_spaces() {
	echo 1 >/sys/kernel/slab/mm_struct/shrink
	awk '$1 == "mm_struct" { print $2 }' /proc/slabinfo
}

forgotten() {
	[[ $(stat_of processes) == 0 ]]
}

mms() {
	(($(address_spaces) <= $1))
}

storm 3 6 12 >/dev/null
before=$(address_spaces)
load mode=full min_rss_mb=8 scan_period_ms=100 scan_mb_per_sec=64
now_ds start
started=$(storm 20 8 12)
now_ds now
took=$((now - start))
at_least "processes came and went in 20 s" 40 "$started"
at_most "the last one was not held up (tenths of a second for all)" 260 "$took"
at_least "they were scanned (slices)" 100 "$(stat_of scan_slices)"
check "all are forgotten within 10 s" within 10 forgotten
is "no zombie is left" "" "$(grep -ls '^State:.*zombie' /proc/[0-9]*/status || true)"
start_load load --start crossed --threads 2 --size 64M --seconds 300
check "it still works: a process is looked after" within 10 grep -q load-0 "$DEBUG/processes"
stop_load
unload
check "no address space was leaked (at most 20 more than $before)" within 10 mms $((before + 20))
diag "address spaces: $before before, $(address_spaces) after"
finish
