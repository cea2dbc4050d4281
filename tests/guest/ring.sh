#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Three processes on three full nodes, the threads of each on the next one's: no two can
# change places so that both come home, yet all are home within 10 s of mode=cpu.
# Time limit: 120 s
. "$(dirname "$0")/lib.sh"

echo 0 >"$NUMAB"
# By luck the stock scheduler may put some in place before knumad comes: then again.
for try in 1 2 3 4 5; do
	start_load load --start crossed --processes 3 --threads 2 --size 96M --seconds 200
	a=${PIDS[0]} b=${PIDS[1]} c=${PIDS[2]}
	home=$(home_permille 2 "$a" 1 "$b" 2 "$c" 0)
	diag "without knumad, per mille of the running threads at home: $home"
	((home > 100)) || break
	((try == 5)) || stop_load
done
load mode=off
echo cpu >"$PARAMS/mode"
if within 10 all_home "$a" 1 "$b" 2 "$c" 0; then
	pass "all threads are home within 10 s ($WAITED s)"
else
	fail "all threads are home within 10 s" "$(cat "$DEBUG/processes" "$DEBUG/stats")"
fi
at_least "and stay there for 5 s (per mille at home)" 950 "$(home_permille 5 "$a" 1 "$b" 2 "$c" 0)"
at_least "some changed places (threads)" 2 "$(stat_of threads_swapped)"
is "no page was migrated" 0 "$(stat_of migrate_pages_ok)"
stop_load
unload
finish
