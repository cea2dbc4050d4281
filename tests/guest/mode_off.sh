#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# mode=off is inert: no hook, no process known, no CPU time used, nothing moved;
# and switching to it takes back what the other modes did.
# Time limit: 150 s
. "$(dirname "$0")/lib.sh"

# Clock ticks that knumad's threads have used.
ticks() {
	local comm sum=0 time name
	for comm in /proc/[0-9]*/comm; do
		{ read -r name <"$comm"; } 2>/dev/null || continue
		[[ $name == knumad* ]] || continue
		time=$(sed 's/^.*) //' "${comm%comm}stat" | awk '{ print $12 + $13 }')
		sum=$((sum + time))
	done
	echo "$sum"
}

idle() {
	[[ $(stat_of processes) == 0 ]] && ! hooked
}

echo 0 >"$NUMAB"
load mode=off
start_load load --start crossed --threads 2 --size 64M --seconds 100
sleep 3
is "no process is known" 0 "$(stat_of processes)"
is "nothing is scanned" 0 "$(stat_of scan_pages)"
is "no hook is in" "" "$(cat "$HOOKS")"
is "no home is given" 0 "$(stat_of plan_changes)"
before=$(ticks)
sleep 3
at_most "its threads use no CPU time (clock ticks in 3 s)" 0 $(($(ticks) - before))
is "no thread was moved" 0 $(($(stat_of threads_moved) + $(stat_of threads_swapped)))
at_least "nor any memory" 950 "$(memory_permille "${PIDS[0]}" 1)"

echo 1 >"$NUMAB"
echo full >"$PARAMS/mode"
check "mode=full hooks the scheduler" within 20 hooked
echo off >"$PARAMS/mode"
check "back to off: no hook, no process within 5 s" within 5 idle
is "kernel.numa_balancing is as before" 1 "$(<"$NUMAB")"
before=$(ticks)
sleep 3
at_most "its threads use no CPU time again" 0 $(($(ticks) - before))
finish
