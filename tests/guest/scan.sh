#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Scanning: what it counts is what numa_maps says; huge pages are one entry each;
# small processes and kernel threads are left out; the rate and the time an mmap
# lock is held are bounded; a big process is scanned in slices; what moves meanwhile is
# counted where it is.
# Time limit: 270 s
. "$(dirname "$0")/lib.sh"

# off_by_mb PID NODE: knumad's figure against numa_maps.
off_by_mb() {
	local mb seen
	mb=$(process_field "$1" mb_per_node | cut -d, -f$(($2 + 1)))
	seen=$(($(anon_pages "$1" "$2") / 256))
	echo $((mb > seen ? mb - seen : seen - mb))
}

scanned() {
	[[ -n $(process_field "$1" pid) && $(process_field "$1" state) != new ]]
}

echo 0 >"$NUMAB"
start_hold big 0 - plain:48 thp:64
big=$HOLD_PID
start_hold small 1 - plain:16
small=$HOLD_PID
load mode=observe scan_period_ms=300
check "a process of 112 MB is found and scanned" within 10 scanned "$big"
at_most "node 0: difference to numa_maps (MB)" 2 "$(off_by_mb "$big" 0)"
at_most "node 1: difference to numa_maps (MB)" 2 "$(off_by_mb "$big" 1)"
is "one of 16 MB is not looked after" "" "$(process_field "$small" pid)"
is "no kernel thread is" "" "$(awk 'NR > 1 { print $1 }' "$DEBUG/processes" | while read -r pid; do readlink -q "/proc/$pid/exe" >/dev/null || echo "$pid"; done)"
entries=$(stat_of scan_entries) pages=$(stat_of scan_pages)
at_most "huge pages are one entry each (entries per 100 pages)" 60 $((entries * 100 / pages))
at_least "scanned in slices (pages per slice at most 16384, so slices)" $((pages / 16384)) "$(stat_of scan_slices)"
at_least "the longest mmap-lock hold is measured (us)" 1 $(($(stat_of mmap_lock_hold_ns_max) / 1000))
# A slice aims at 100 us; here the host may preempt an emulated CPU in the middle of one.
at_most "a slice is short, scanning itself included (us on average)" 20000 $(($(stat_of scan_time_ns) / 1000 / $(stat_of scan_slices)))

echo 10 >"$PARAMS/min_rss_mb"
check "with min_rss_mb=10 the small one is found" within 10 scanned "$small"

# 1 MB/s is 256 pages a second and thread: two threads, 4 s, and a full bucket each.
echo 1 >"$PARAMS/scan_mb_per_sec"
sleep 2
from=$(stat_of scan_entries)
sleep 4
at_most "scan_mb_per_sec=1 is kept (entries of 4 KiB in 4 s)" 4096 $(($(stat_of scan_entries) - from))
kill "$big" "$small"
wait || true
gone() {
	[[ $(stat_of processes) == 0 ]]
}
check "processes that end are forgotten" within 10 gone

# Memory moves while a slow scan is a quarter through it: what the scan had counted where it was before
# is where it is now when the scan ends.
ended() {
	(($(stat_of scan_passes) > passes))
}
quarter_through() {
	(($(stat_of scan_entries) >= entries + 8192))
}
start_load moved --processes 1 --thp off --start crossed --threads 1 --size 128M --seconds 110
moved=${PIDS[0]}
pin "$moved" 0
echo 64 >"$PARAMS/min_rss_mb"
echo 1024 >"$PARAMS/scan_mb_per_sec"
check "a process of 128 MB is found and scanned" within 10 scanned "$moved"
echo 6 >"$PARAMS/scan_mb_per_sec"
passes=$(stat_of scan_passes)
check "a slow scan ends" within 40 ended
entries=$(stat_of scan_entries) passes=$(stat_of scan_passes)
check "the next one is a quarter through" within 25 quarter_through
echo memory >"$PARAMS/mode"
check "its memory moves" within 10 memory_home "$moved" 0
is "before the scan's end" "$passes" "$(stat_of scan_passes)"
check "the scan ends" within 25 ended
at_most "node 1: difference to numa_maps (MB)" 12 "$(off_by_mb "$moved" 1)"
at_most "node 0: difference to numa_maps (MB)" 12 "$(off_by_mb "$moved" 0)"
stop_load
finish
