#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Loaded and unloaded 25 times while processes run, move and come and go: each time
# everything is as before. Two of three unloads come while it has just begun to work,
# the third once hooks are in.
# Time limit: 400 s
. "$(dirname "$0")/lib.sh"

readonly CYCLES=25
start_load load --start crossed --threads 1 --size 64M --seconds 1000
storm 1000 2 4 >/dev/null &
masks=$(for pid in "${PIDS[@]}"; do cpus_allowed "$pid"; done)
bad='' hooks_seen=0
now_ds start
for ((cycle = 1; cycle <= CYCLES; cycle++)); do
	load scan_period_ms=100 min_rss_mb=16
	if ((cycle % 3 == 0)); then
		if within 10 hooked; then
			hooks_seen=$((hooks_seen + 1))
		fi
	fi
	unload
	left=$(remains)
	[[ -z $left && $(<"$NUMAB") == 1 ]] || bad+="cycle $cycle: numa_balancing $(<"$NUMAB") $left"$'\n'
done
now_ds now
pass "loaded and unloaded $CYCLES times"
diag "a cycle took $(((now - start) / CYCLES)) tenths of a second"
is "nothing was left behind, any time" "" "$bad"
at_least "hooks were in before every third unload" $((CYCLES / 3)) "$hooks_seen"
is "affinity masks are as before" "$masks" "$(for pid in "${PIDS[@]}"; do cpus_allowed "$pid"; done)"
is "the load lives" "" "$(for pid in "${PIDS[@]}"; do [[ -e /proc/$pid ]] || echo "$pid is gone"; done)"
finish
