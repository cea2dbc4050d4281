#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Memory follows CPU: in mode=memory each process's pages come to the node where
# its threads run, small and huge ones; huge pages stay whole, the rate stays below
# migrate_mb_per_sec, nothing is left isolated, no thread is moved.
# Time limit: 150 s
. "$(dirname "$0")/lib.sh"

huge_kb() {
	awk '/^AnonHugePages:/ { print $2 }' "/proc/$1/smaps_rollup"
}

# The kernel folds its per-CPU counters once a second, and others isolate pages, too.
none_isolated() {
	(($(awk '/^nr_isolated_(anon|file) / { sum += $2 } END { print sum }' /proc/vmstat) == 0))
}

# run_case KIND MB SECONDS: two processes, each with its memory on the other's node and one thread
# that its affinity keeps where it is, so that memory has to follow.
run_case() {
	local kind=$1 mb=$2 limit=$3 a b huge
	start_hold a 1 0x1 "$kind:$mb"
	a=$HOLD_PID
	start_hold b 0 1x1 "$kind:$mb"
	b=$HOLD_PID
	huge=$(huge_kb "$a")
	at_least "$kind: at first process 0's memory is remote" 950 "$(memory_permille "$a" 1)"
	load mode=memory min_rss_mb=16
	if within "$limit" memory_home "$a" 0 "$b" 1; then
		pass "$kind: 95 % of the memory is where the threads run within $limit s ($WAITED s)"
	else
		fail "$kind: 95 % of the memory is where the threads run within $limit s" "$(cat "$DEBUG/processes" "$DEBUG/stats")"
	fi
	sleep 3
	at_least "$kind: and stays there" 950 "$(memory_permille "$a" 0)"
	at_least "$kind: pages migrated by knumad's count" $((mb * 2 * 256 * 95 / 100)) "$(stat_of migrate_pages_ok)"
	at_most "$kind: and not moved twice" $((mb * 2 * 256 * 105 / 100)) "$(stat_of migrate_pages_ok)"
	at_least "$kind: the copiers' share (per mille)" 100 \
		$(($(stat_of migrate_pages_copier) * 1000 / $(stat_of migrate_pages_ok)))
	is "$kind: none came from another node" 0 "$(stat_of migrate_wrong_node)"
	is "$kind: no thread was moved" 0 $(($(stat_of threads_moved) + $(stat_of threads_swapped)))
	if [[ $kind == thp ]]; then
		at_least "huge pages are used (kB)" 100000 "$huge"
		is "huge pages stayed whole (kB)" "$huge" "$(huge_kb "$a")"
		at_least "huge pages migrated whole" 120 "$(stat_of migrate_thp_ok)"
	else
		is "$kind: no huge page came (kB)" "$huge" "$(huge_kb "$a")"
	fi
	unload
	check "$kind: nothing is left isolated" within 8 none_isolated
	kill "$a" "$b"
	wait "$a" "$b" || true
}

echo 0 >"$NUMAB"
# Small pages take their time in an emulated guest: a TLB flush each.
run_case plain 16 60
run_case thp 128 30

# The rate: 2 MB/s into each of two nodes; an emulated guest can do some ten times that.
start_hold a 1 0x1 thp:128
start_hold b 0 1x1 thp:128
load mode=memory migrate_mb_per_sec=2
arrived() {
	(($(stat_of migrate_pages_ok) > 0))
}
check "with migrate_mb_per_sec=2 pages begin to move" within 20 arrived
from=$(stat_of migrate_pages_ok)
now_ds start
sleep 6
moved=$(($(stat_of migrate_pages_ok) - from))
now_ds now
at_least "and go on" 256 "$moved"
# A bucket may be full at the start of the interval: one batch more for each node.
at_most "no more than that goes into each node (MB in $((now - start)) tenths of a second)" \
	$((2 * 2 * (now - start) / 10 + 2 * 4 + 1)) $((moved / 256))
unload
finish
