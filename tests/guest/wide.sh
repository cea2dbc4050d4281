#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A process that wants more CPU than a node has gets a home of two nodes of four, and its
# threads and its memory are spread over just those.
# Time limit: 120 s
. "$(dirname "$0")/lib.sh"

readonly MB=48

home_is_two() {
	[[ $(process_field "$pid" home) =~ ^[0-9],[0-9]$ ]]
}

# home_permille_of_memory: how much of its memory is on the nodes of its home.
memory_is_home() {
	local node sum=0
	home_is_two || return 1
	for node in ${home//,/ }; do
		sum=$((sum + $(memory_permille "$pid" "$node")))
	done
	((sum >= 950))
}

running_home() {
	local node here=0
	for node in ${home//,/ }; do
		running_on "$pid" "$node"
		here=$((here + HERE))
	done
	((ALL == 2 && here == ALL))
}

echo 0 >"$NUMAB"
# Its affinity is taken off when it runs: it may go anywhere.
start_hold wide 3 0x2 thp:$MB plain:8
pid=$HOLD_PID
taskset -acp 0-3 "$pid" >/dev/null
load min_rss_mb=24 scan_period_ms=300
check "its home are two nodes of the four" within 30 home_is_two
home=$(process_field "$pid" home)
if within 60 memory_is_home; then
	pass "its memory is on these two ($WAITED s)"
else
	fail "its memory is on these two" "$(cat "$DEBUG/processes" "$DEBUG/nodes" "$DEBUG/decisions")"
fi
check "its threads are, too" within 10 running_home
sleep 5
is "the home stays" "$home" "$(process_field "$pid" home)"
check "so does the memory" memory_is_home
stop_hold "$pid"
is "its content is right" 0 "$HOLD_STATUS"
diag "$(tail -n 1 "$DEBUG/processes")"
unload
finish
