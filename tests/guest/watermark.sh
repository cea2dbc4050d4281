#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A node is never filled below its high watermark by migration: memory that wants
# to come to a nearly full node comes as far as there is room, and no further.
# The memory in the way is mlocked, or it would give way (see exchange.sh). Free
# pages are sampled from /proc/zoneinfo, and taken from the knumad_migrate
# tracepoint's own figures.
# Time limit: 150 s
. "$(dirname "$0")/lib.sh"

readonly LEAVE_MB=72 PROCESS_MB=192
trace=/sys/kernel/tracing

# spare_pages NODE: free pages above the sum of its zones' high watermarks.
spare_pages() {
	awk -v node="$1," '
		$1 == "Node" { on = $2 == node }
		on && $1 == "pages" && $2 == "free" { spare += $3 }
		on && $1 == "high" { spare -= $2 }
		END { print spare + 0 }' /proc/zoneinfo
}

echo 0 >"$NUMAB"
start_hold mover 0 1x1 thp:$PROCESS_MB
pid=$HOLD_PID
fill_mb=$(($(spare_pages 1) / 256 - LEAVE_MB))
start_hold fill 1 - mlocked:"$fill_mb"
fill=$HOLD_PID
room=$(spare_pages 1)
at_most "node 1 has less room than wants to come (pages)" $((PROCESS_MB * 256 * 3 / 4)) "$room"

load mode=off min_rss_mb=100 scan_period_ms=200
echo 1 >"$trace/events/knumad/knumad_migrate/enable"
echo memory >"$PARAMS/mode"
least=$(spare_pages 1)
for ((i = 0; i < 120; i++)); do
	now=$(spare_pages 1)
	((now >= least)) || least=$now
	sleep 0.05
done
here=$(anon_pages "$pid" 1)
diag "pages that came: $here of $((PROCESS_MB * 256)); least spare seen: $least; no_room $(stat_of migrate_no_room)"
at_least "node 1's free pages above the high watermark, at the least" 0 "$least"
at_least "the tracepoint says the same, at the least" 0 \
	"$(sed -n 's/.*headroom_after=\([0-9]*\).*/\1/p' "$trace/trace" | sort -n | head -n 1)"
# Others free and use some pages meanwhile.
at_most "no more memory came than there was room for" $((room + 1024)) "$here"
echo 0 >"$trace/events/knumad/knumad_migrate/enable"
echo >"$trace/trace"
at_least "the filling was not pushed out (per mille still there)" 990 "$(memory_permille "$fill" 1)"
unload
finish
