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

# spare_pages NODE: free pages above the sum of its zones' high watermarks.
spare_pages() {
	awk -v node="$1," '
		$1 == "Node" { on = $2 == node }
		on && $1 == "pages" && $2 == "free" { spare += $3 }
		on && $1 == "high" { spare -= $2 }
		END { print spare + 0 }' /proc/zoneinfo
}

# listed_pages NODE: free pages on CPUs' lists, which /proc/zoneinfo does not count as free.
listed_pages() {
	awk -v node="$1," '
		$1 == "Node" { on = $2 == node }
		on && $1 == "count:" { listed += $2 }
		END { print listed + 0 }' /proc/zoneinfo
}

# Since 6.7 the allocator hands a CPU up to 63 << 5 small pages at a time, which are not free any
# more, though the next pages come from there: so much less may be seen for a moment.
plain_least=0
(($(uname -r | awk -F. '{ print $1 * 100 + $2 }') < 607)) || plain_least=-3072

# run_case KIND MB LEAVE_MB LEAST: a process of so much, where so much is left for it.
run_case() {
	local kind=$1 mb=$2 leave_mb=$3 bound=$4 pid fill room listed gave more least now here i
	start_hold mover 0 1x1 "$kind:$mb"
	pid=$HOLD_PID
	start_hold fill 1 - mlocked:$(($(spare_pages 1) / 256 - leave_mb))
	fill=$HOLD_PID
	room=$(spare_pages 1) listed=$(listed_pages 1)
	at_most "$kind: node 1 has less room than wants to come (pages)" $((mb * 256 * 3 / 4)) "$room"

	load mode=off min_rss_mb=$((mb / 2)) scan_period_ms=200
	echo 1 >"$trace/events/knumad/knumad_migrate/enable"
	echo memory >"$PARAMS/mode"
	least=$(spare_pages 1)
	for ((i = 0; i < 120; i++)); do
		now=$(spare_pages 1)
		((now >= least)) || least=$now
		sleep 0.05
	done
	here=$(anon_pages "$pid" 1)
	gave=$(($(stat_of cache_pages_moved) + $(stat_of cache_pages_dropped)))
	diag "pages that came: $here of $((mb * 256)) to $room and $listed on lists, $gave gave way;" \
		"least spare seen: $least; no_room $(stat_of migrate_no_room)"
	at_least "$kind: some memory came (pages)" $((room / 4)) "$here"
	at_least "$kind: node 1's free pages above the high watermark, at the least" "$bound" "$least"
	at_least "$kind: the tracepoint tells of the pages that came" $((here * 9 / 10)) \
		"$(sed -n 's/.* migrated=\([0-9]*\) .*/\1/p' "$trace/trace" | awk '{ sum += $1 } END { print sum + 0 }')"
	# Others free and use some pages meanwhile; before the second case those of the first lie on
	# CPUs' lists.
	more=$((3072 - plain_least))
	[[ $kind == thp ]] || more=$((listed + 1024))
	at_most "$kind: no more memory came than there was room for" $((room + gave + more)) "$here"
	echo 0 >"$trace/events/knumad/knumad_migrate/enable"
	echo >"$trace/trace"
	at_least "$kind: the filling was not pushed out (per mille still there)" 990 \
		"$(memory_permille "$fill" 1)"
	unload
	kill "$pid" "$fill"
	wait "$pid" "$fill" || true
}

echo 0 >"$NUMAB"
run_case thp 192 72 0
run_case plain 96 40 $plain_least
finish
