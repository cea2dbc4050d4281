#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Memory that is migrated while its owner writes it keeps every word: remote_ram
# --verify writes a pattern to each page and checks it word by word at its end.
# Time limit: 150 s
. "$(dirname "$0")/lib.sh"

# Makes the memory move back and forth all the time: where it goes follows from
# where its threads are, and those are moved here.
chase() {
	local pid=$1 rounds=$2 node=1 task
	while ((rounds-- > 0)); do
		for task in "/proc/$pid"/task/*; do
			taskset -cp "$(<"/sys/devices/system/node/node$node/cpulist")" "${task##*/}" >/dev/null
		done
		within 25 memory_home "$pid" "$node" || diag "round $rounds: $(memory_permille "$pid" "$node") per mille arrived"
		node=$((1 - node))
	done
}

echo 0 >"$NUMAB"
# Small pages take their time in an emulated guest: a TLB flush each.
for row in 'off 24' 'on 64'; do
	read -r thp mb <<<"$row"
	start_load load --processes 1 --start node0 --threads 1 --size "${mb}M" --thp "$thp" --verify --seconds 300
	pid=${PIDS[0]}
	load mode=memory scan_period_ms=200 min_rss_mb=16
	chase "$pid" 4
	moved=$(stat_of migrate_pages_ok)
	at_least "thp $thp: the memory moved, at least three times over (pages)" $((mb * 256 * 3)) "$moved"
	stop_load
	is "thp $thp: every word is what was written" 0 "$LOAD_STATUS"
	diag "$(tail -n 3 "$SCRATCH/load.out")"
	unload
done
finish
