#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Three processes on three full nodes, the threads of each on the next one's: no two can
# change places so that both come home, yet all are home within 10 s, by changing places.
# Time limit: 120 s
. "$(dirname "$0")/lib.sh"

echo 0 >"$NUMAB"
start_load load --start crossed --processes 3 --threads 2 --size 96M --seconds 200
a=${PIDS[0]} b=${PIDS[1]} c=${PIDS[2]}
load mode=cpu
if within 20 all_home "$a" 1 "$b" 2 "$c" 0; then
	pass "all threads are home within 20 s"
else
	fail "all threads are home within 20 s" "$(state)"
fi
# Sent around by force and let go again; in between there is no plan, which would take the
# force for its user's wish.
for try in 1 2 3; do
	echo 60000 >"$PARAMS/scan_period_ms"
	sleep 1
	pin "$a" 0
	pin "$b" 1
	pin "$c" 2
	within 5 all_home "$a" 0 "$b" 1 "$c" 2 || true
	swapped=$(stat_of threads_swapped)
	for pid in "$a" "$b" "$c"; do
		taskset -acp "$(</sys/devices/system/cpu/online)" "$pid" >/dev/null
	done
	echo 1000 >"$PARAMS/scan_period_ms"
	check "sent around by force, all come home again within 10 s ($try)" \
		within 10 all_home "$a" 1 "$b" 2 "$c" 0
	diag "threads that changed places: $(($(stat_of threads_swapped) - swapped))"
	rings=$((${rings:-0} + $(stat_of threads_swapped) - swapped))
done
at_least "by changing places (threads)" 8 "$rings"
is "no page was migrated" 0 "$(stat_of migrate_pages_ok)"
stop_load
unload
finish
