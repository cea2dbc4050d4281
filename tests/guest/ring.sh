#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Three processes on three full nodes, the threads of each on the next one's: no two can
# change places so that both come home, yet all are home within 10 s, for some change places
# with one that stays away.
# Time limit: 120 s
. "$(dirname "$0")/lib.sh"

echo 0 >"$NUMAB"
start_load load --start crossed --processes 3 --threads 2 --size 96M --seconds 200
a=${PIDS[0]} b=${PIDS[1]} c=${PIDS[2]}
load mode=cpu
echo 1 >/sys/kernel/tracing/events/knumad/knumad_thread_move/enable
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
	for pid in "$a" "$b" "$c"; do
		taskset -acp "$(</sys/devices/system/cpu/online)" "$pid" >/dev/null
	done
	echo 1000 >"$PARAMS/scan_period_ms"
	check "sent around by force, all come home again within 10 s ($try)" \
		within 10 all_home "$a" 1 "$b" 2 "$c" 0
done
# Who changed places and has not come home by it.
still_away=$(awk -v a="$a" -v b="$b" -v c="$c" '
	BEGIN { home[a] = 1; home[b] = 2; home[c] = 0 }
	/knumad_thread_move: / {
		for (i = 1; i <= NF; i++)
			if (split($i, kv, "=") == 2)
				f[kv[1]] = kv[2]
		sub(/.*->/, "", f["node"])
		n += f["pid"] in home && f["partner"] != 0 && f["ret"] == 0 && f["node"] != home[f["pid"]]
	} END { print n + 0 }' /sys/kernel/tracing/trace)
at_least "some changed places though only one came home by it" 1 "$still_away"
is "no page was migrated" 0 "$(stat_of migrate_pages_ok)"
stop_load
unload
finish
