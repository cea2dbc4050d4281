#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A node is never filled below its high watermark by migration: memory that wants
# to come to a nearly full node, huge pages or small ones, comes as far as there is room, and
# no further. The memory in the way is mlocked, or it would give way (see exchange.sh). Free
# pages are sampled from /proc/zoneinfo; the knumad_migrate tracepoint tells of the same pages.
# Time limit: 200 s
. "$(dirname "$0")/lib.sh"

trace=/sys/kernel/tracing

# spare_pages NODE [LISTED]: free pages above the sum of its zones' high watermarks, with 1 those on
# CPUs' lists among them: since 6.7 a CPU takes up to 63 << 5 at a time, from which its next pages
# come.
spare_pages() {
	awk -v node="$1," -v listed="${2:-0}" '
		$1 == "Node" { on = $2 == node }
		on && $1 == "pages" && $2 == "free" { spare += $3 }
		on && $1 == "count:" { spare += $2 * listed }
		on && $1 == "high" { spare -= $2 }
		END { print spare + 0 }' /proc/zoneinfo
}

# run_case KIND MB LEAVE_MB: a process of so much, where so much is left for it.
run_case() {
	local kind=$1 mb=$2 leave_mb=$3 pid fill room most gave least now here i
	start_hold mover 0 1x1 "$kind:$mb"
	pid=$HOLD_PID
	start_hold fill 1 - mlocked:$(($(spare_pages 1) / 256 - leave_mb))
	fill=$HOLD_PID
	room=$(spare_pages 1) most=$(spare_pages 1 1)
	at_most "$kind: node 1 has less room than wants to come (pages)" $((mb * 256 * 3 / 4)) "$room"

	load mode=off min_rss_mb=$((mb / 2)) scan_period_ms=200
	echo 1 >"$trace/events/knumad/knumad_migrate/enable"
	echo memory >"$PARAMS/mode"
	least=$(spare_pages 1 1)
	for ((i = 0; i < 120; i++)); do
		now=$(spare_pages 1 1)
		((now >= least)) || least=$now
		sleep 0.05
	done
	here=$(anon_pages "$pid" 1)
	gave=$(($(stat_of cache_pages_moved) + $(stat_of cache_pages_dropped)))
	diag "pages that came: $here of $((mb * 256)) to $room, $most with CPUs' lists, $gave gave way;" \
		"least spare seen: $least; no_room $(stat_of migrate_no_room)"
	at_least "$kind: some memory came (pages)" $((room / 4)) "$here"
	at_least "$kind: node 1's free pages above the high watermark, at the least" 0 "$least"
	at_least "$kind: the tracepoint tells of the pages that came" $((here * 9 / 10)) \
		"$(sed -n 's/.* migrated=\([0-9]*\) .*/\1/p' "$trace/trace" | awk '{ sum += $1 } END { print sum + 0 }')"
	# Others free some pages meanwhile.
	at_most "$kind: no more memory came than there was room for" $((most + gave + 1024)) "$here"
	echo 0 >"$trace/events/knumad/knumad_migrate/enable"
	echo >"$trace/trace"
	at_least "$kind: the filling was not pushed out (per mille still there)" 990 \
		"$(memory_permille "$fill" 1)"
	unload
	kill "$pid" "$fill"
	wait "$pid" "$fill" || true
}

echo 0 >"$NUMAB"
run_case thp 192 72
run_case plain 96 40
finish
