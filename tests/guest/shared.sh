#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Shared memory: a memfd that one process maps comes home like private memory; one that
# two map counts apart, and comes home if both have the same home, not if they differ; memory
# that a fork shares counts apart and comes home where one of the two runs and the other sleeps.
# Time limit: 400 s
. "$(dirname "$0")/lib.sh"

readonly MB=32 PLAIN_MB=8
export HOLD_FILE=/dev/shm/knumad-shared
restore() {
	cleanup
	rm -f "$HOLD_FILE"
}
trap restore EXIT

# map_is_on PID START NODE: 95 % of the mapping.
map_is_on() {
	(($(map_pages "$1" "$3" "$2") >= MB * 256 * 95 / 100))
}

shared_mb() {
	process_field "$1" shared_mb_per_node | cut -d, -f$(($2 + 1))
}

counts() {
	local mb
	mb=$(shared_mb "$1" "$2")
	((${mb:-0} >= MB * 95 / 100))
}

facts() {
	cat "$DEBUG/processes" "$DEBUG/nodes"
	grep -E 'migrate|skip' "$DEBUG/stats"
}

# two_map RUN_FIRST RUN_SECOND: two processes that map the same file, at the same address;
# sets a, b and start.
two_map() {
	start_hold first 0 "$1" tmpfs:$MB plain:$PLAIN_MB
	a=$HOLD_PID
	start_hold second 0 "$2" tmpfs:$MB plain:$PLAIN_MB
	b=$HOLD_PID
	start=$(start_of second tmpfs)
}

# comes_home WHAT PID START
comes_home() {
	if within 90 map_is_on "$2" "$3" 1; then
		pass "$1 ($WAITED s)"
	else
		fail "$1" "$(facts)"
	fi
}

[[ -d /dev/shm ]] || mkdir /dev/shm
mountpoint -q /dev/shm || mount -t tmpfs tmpfs /dev/shm
echo 0 >"$NUMAB"

start_hold alone 0 1x1 memfd:$MB plain:$PLAIN_MB
a=$HOLD_PID
start=$(start_of alone memfd)
load mode=memory min_rss_mb=24 scan_period_ms=200
comes_home "a memfd that one process maps comes home" "$a" "$start"
is "it is not counted as shared (MB)" 0,0 "$(process_field "$a" shared_mb_per_node)"
stop_hold "$a"
is "its content is right" 0 "$HOLD_STATUS"
unload

# Two on the same node.
two_map 1x1 1x1
load mode=observe min_rss_mb=24 scan_period_ms=200
check "what two map is counted apart" within 10 counts "$a" 0
check "for the other one, too" within 10 counts "$b" 0
echo memory >"$PARAMS/mode"
comes_home "and comes home where both have the same home" "$a" "$start"
sleep 2
at_most "nothing moved to and fro (pages)" $(((MB + 3 * PLAIN_MB) * 256)) "$(stat_of migrate_pages_ok)"
unload
stop_hold "$a"
is "the first one's memory is right" 0 "$HOLD_STATUS"
stop_hold "$b"
is "the second one's memory is right" 0 "$HOLD_STATUS"
rm "$HOLD_FILE"

# One on each node: private memory comes, the shared stays, until one of them has ended.
two_map 0x1 1x1
load mode=memory min_rss_mb=24 scan_period_ms=200
check "the private memory comes home" within 30 memory_home "$b" 1
sleep 5
is "what a process of another home maps as well stays (pages)" $((MB * 256)) "$(map_pages "$b" 0 "$start")"
# How many are met depends on when the private memory is complete.
at_least "counted in skip_shared (pages)" 1024 "$(stat_of skip_shared)"
kill -KILL "$a"
wait "$a" || true
comes_home "when that one has ended, it comes home" "$b" "$start"
stop_hold "$b"
is "its content is right, too" 0 "$HOLD_STATUS"
unload
rm "$HOLD_FILE"

# A fork's: the child sleeps and has no home, so it is all the parent's.
start_hold parent 0 1x1 shared:$MB plain:$PLAIN_MB
a=$HOLD_PID
start=$(start_of parent shared)
load mode=observe min_rss_mb=24 scan_period_ms=200
check "what a fork shares is counted apart" within 10 counts "$a" 0
echo memory >"$PARAMS/mode"
comes_home "and comes home where one of them runs alone" "$a" "$start"
stop_hold "$a"
is "its content is right" 0 "$HOLD_STATUS"
unload
finish
