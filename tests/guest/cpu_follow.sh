#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# CPU follows memory: two processes, each one's threads on the other's node, are
# home within 10 s of mode=cpu and stay; no memory is moved. The module's own view agrees with /proc.
# Time limit: 150 s
. "$(dirname "$0")/lib.sh"

echo 0 >"$NUMAB"
# By luck the stock scheduler may put all in place before knumad comes: then again.
for try in 1 2 3 4 5; do
	start_load load --start crossed --threads 2 --size 128M --seconds 300
	a=${PIDS[0]} b=${PIDS[1]}
	diag "without knumad, per mille of the running threads at home: $(home_permille 3 "$a" 1 "$b" 0)"
	all_home "$a" 1 "$b" 0 || break
	((try == 5)) || stop_load
done
at_least "the memory of process 0 is on node 1 at first" 950 "$(memory_permille "$a" 1)"

load mode=cpu
if within 10 all_home "$a" 1 "$b" 0; then
	pass "all threads are home within 10 s ($WAITED s)"
else
	fail "all threads are home within 10 s" "$(cat "$DEBUG/processes" "$DEBUG/stats")"
fi
at_least "and stay there for 10 s (per mille at home)" 980 "$(home_permille 10 "$a" 1 "$b" 0)"
at_least "the memory stays where it was: process 0" 950 "$(memory_permille "$a" 1)"
at_least "the memory stays where it was: process 1" 950 "$(memory_permille "$b" 0)"
is "no page was migrated" 0 "$(stat_of migrate_pages_ok)"
is "debugfs agrees: home of process 0" 1 "$(process_field "$a" home)"
is "debugfs agrees: home of process 1" 0 "$(process_field "$b" home)"
at_least "decisions tells of both" 2 "$(awk -v a="$a" -v b="$b" 'NR > 1 && ($2 == a || $2 == b)' "$DEBUG/decisions" | wc -l)"
is "both hooks are in, and no other" 2 "$(wc -l <"$HOOKS")"

# Sent across by force and let go again, each CPU has one thread, and the balancer no
# reason to move any: only knumad's own moves bring them back.
moved=$(($(stat_of threads_moved) + $(stat_of threads_swapped)))
send_away "$a" 0 "$b" 1
check "sent away by force, all come home again within 10 s" within 10 all_home "$a" 1 "$b" 0
at_least "by its own moves" 1 $(($(stat_of threads_moved) + $(stat_of threads_swapped) - moved))
finish
