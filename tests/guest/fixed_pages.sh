#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Pages that may not move are left and counted, each by its reason, while ordinary
# pages of the same process move: pinned for DMA by io_uring, mlocked, hugetlb,
# merged by KSM, shared with another process, bound by mbind.  Shared memory that
# nobody else maps moves.  Pages that only turn out to be immovable are put back; where they are
# most of a process, they count as bound after two tries, and there are no more.
# Time limit: 240 s
. "$(dirname "$0")/lib.sh"

readonly MB=8 PLAIN_MB=16
readonly HUGETLB=/sys/devices/system/node/node0/hugepages/hugepages-2048kB/nr_hugepages
restore() {
	cleanup
	echo 0 >"$HUGETLB"
	echo 2 >/sys/kernel/mm/ksm/run
}
trap restore EXIT

merged() {
	(($(</sys/kernel/mm/ksm/pages_sharing) >= MB * 256 * 9 / 10))
}

echo 0 >"$NUMAB"
echo $((MB / 2)) >"$HUGETLB"
echo 100 >/sys/kernel/mm/ksm/sleep_millisecs 2>/dev/null || true
echo 5000 >/sys/kernel/mm/ksm/pages_to_scan
echo 1 >/sys/kernel/mm/ksm/run
# Ordinary pages come last: a pass goes by address, and ends where nothing is left to move.
start_hold hold 0 1x1 pinned:$MB mlocked:$MB hugetlb:$MB ksm:$MB shared:$MB bound:$MB shmem:$MB spliced:1 plain:$PLAIN_MB
pid=$HOLD_PID
pass "a process with memory of all kinds on node 0 runs on node 1"
check "KSM has merged its part" within 30 merged
declare -A before=()
for kind in pinned mlocked hugetlb ksm shared bound; do
	before[$kind]=$(anon_pages "$pid" 0 "$(start_of hold "$kind")")
done

load mode=memory min_rss_mb=32 scan_period_ms=200
# The plan is content when 95 % of the process are at home, and those that fail count for it.
moved() {
	(($(anon_pages "$pid" 1 "$(start_of hold plain)") >= PLAIN_MB * 256 * 90 / 100))
}
check "ordinary pages follow the threads within 30 s" within 30 moved
# The passes that found the others have ended by then.
sleep 2
for kind in pinned mlocked hugetlb ksm shared bound; do
	start=$(start_of hold "$kind")
	is "$kind: all pages are where they were" "${before[$kind]} and 0" \
		"$(anon_pages "$pid" 0 "$start") and $(anon_pages "$pid" 1 "$start")"
	at_least "$kind: some there at all" 1 "${before[$kind]}"
	counter=skip_${kind/bound/policy}
	least=$((MB * 256 * 9 / 10))
	at_least "$kind: counted in $counter" "$least" "$(stat_of "$counter")"
done
is "spliced: pages in a pipe stay" 256 "$(anon_pages "$pid" 0 "$(start_of hold spliced)")"
at_least "spliced: counted in migrate_pages_failed" 256 "$(stat_of migrate_pages_failed)"
shmem=$(awk -v start="$(start_of hold shmem)" '$1 == start' "/proc/$pid/numa_maps")
check "shared memory that nobody else maps is moved" grep -q 'N1=2048' <<<"$shmem"
at_least "debugfs shows what is bound (MB)" $((MB * 4)) "$(process_field "$pid" bound_mb)"
at_least "and what is shared or merged by KSM, apart (MB)" $((MB * 2 * 9 / 10)) \
	"$(process_field "$pid" shared_mb_per_node | cut -d, -f1)"
stop_hold "$pid"

readonly STUCK_MB=48
stuck_before=$(stat_of migrate_stuck)
start_hold stuck 0 1x1 spliced:$STUCK_MB plain:1
pid=$HOLD_PID
is_stuck() {
	(($(process_field "$pid" bound_mb) >= STUCK_MB * 9 / 10))
}
check "pages of which nothing says why they stay count as bound" within 30 is_stuck
sleep 1
tries=$(stat_of migrate_pages_failed)
sleep 8
is "it is not tried again for a while (pages that failed)" "$tries" "$(stat_of migrate_pages_failed)"
is "migrate_stuck counts it" $((stuck_before + 1)) "$(stat_of migrate_stuck)"
unload
check "nothing is left isolated" within 8 none_isolated
finish
