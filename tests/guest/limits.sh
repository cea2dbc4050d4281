#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What an operator has limited stays so while memory comes home on full nodes: memory.max
# is not run into and nothing is reclaimed for it; memory that a cpuset, a memory policy,
# mlock or hugetlb keeps where it is is no partner for an exchange.
# Time limit: 200 s
. "$(dirname "$0")/lib.sh"

readonly HUGETLB=/sys/devices/system/node/node0/hugepages/hugepages-2048kB/nr_hugepages

restore() {
	cleanup
	echo 0 >"$HUGETLB"
	rmdir "$GROUPS_DIR"/knumad-* 2>/dev/null || true
}
trap restore EXIT

group_event() {
	awk -v name="$3" '$1 == name { print $2 }' "$GROUPS_DIR/knumad-$1/memory.$2"
}

# all_at PID NODE: all its anonymous pages are there.
all_at() {
	(($(anon_pages "$1" $((1 - $2))) == 0 && $(anon_pages "$1" "$2") > 0))
}

# memory.max: two processes crossed, each in a group that may not have a page more.
memory_max() {
	in_group full start_load load --start crossed --threads 1 --size 160M --seconds 250 --verify
	local a=${PIDS[0]} b=${PIDS[1]} away=0 before
	memory_home "$a" 1 || away=1
	pin "$a" $away
	pin "$b" $((1 - away))
	# So much that nobody gets below the low watermark while a batch is under way.
	fill_up low 6
	load mode=off min_rss_mb=100 scan_period_ms=300
	cat "$GROUPS_DIR/knumad-full/memory.current" >"$GROUPS_DIR/knumad-full/memory.max"
	before=$(cat "$GROUPS_DIR/knumad-full/memory.events"; group_event full stat pgscan)
	echo full >"$PARAMS/mode"
	if within 40 memory_home "$a" $away "$b" $((1 - away)); then
		pass "memory.max: at it, memory comes home"
	else
		fail "memory.max: at it, memory comes home" "$(state)"
	fi
	at_least "memory.max: by exchange (pages)" 20000 "$(stat_of exchange_pages)"
	is "memory.max: it was never run into, nothing was scanned for reclaim" "$before" \
		"$(cat "$GROUPS_DIR/knumad-full/memory.events"; group_event full stat pgscan)"
	unload
	echo max >"$GROUPS_DIR/knumad-full/memory.max"
	stop_load
	is "memory.max: all memory is right" 0 "$LOAD_STATUS"
	empty "${FILL[@]}"
}

# Processes on node 0 that run on node 1, but may not be moved, and one that may, which is
# exempt at first. Who wants from node 1 to node 0 has only that one for a partner.
partners() {
	local set fixed other mover kind name
	echo 16 >"$HUGETLB"
	mkdir -p "$GROUPS_DIR/knumad-set"
	cat /sys/devices/system/node/node1/cpulist >"$GROUPS_DIR/knumad-set/cpuset.cpus"
	echo 0 >"$GROUPS_DIR/knumad-set/cpuset.mems"
	in_group set start_hold set 0 1x1 plain:96
	set=$HOLD_PID
	start_hold fixed 0 1x1 bound:32 interleaved:32 mlocked:32 hugetlb:32
	fixed=$HOLD_PID
	start_hold other 0 - plain:160
	other=$HOLD_PID
	start_hold mover 1 0x1 plain:128
	mover=$HOLD_PID
	fill_up low 4
	load mode=off min_rss_mb=48 scan_period_ms=300
	echo "$other" >"$PARAMS/exempt"
	echo full >"$PARAMS/mode"
	check "cpuset: the process is looked after" within 10 grep -q "^$set " "$DEBUG/processes"
	sleep 6
	# What free pages there are on node 0 may be used.
	at_least "no partner: memory stays (pages)" 28000 "$(anon_pages "$mover" 1)"
	is "no partner: nothing was exchanged" 0 "$(stat_of exchange_pages)"
	diag "$(state | head -n 8)"
	echo "-$other" >"$PARAMS/exempt"
	if within 30 memory_home "$mover" 0; then
		pass "a partner that may be moved is found"
	else
		fail "a partner that may be moved is found" "$(state; grep -E "^Node|count:|high:|  pages free|cpu:" /proc/zoneinfo)"
	fi
	at_least "it gave way (pages)" 20000 "$(anon_pages "$other" 1)"
	check "cpuset: all memory is on its node" all_at "$set" 0
	for kind in bound interleaved mlocked hugetlb; do
		is "$kind: all pages are where they were" 8192 "$(anon_pages "$fixed" 0 "$(start_of fixed $kind)")"
	done
	at_least "they are known to stay (MB)" 120 "$(process_field "$fixed" bound_mb)"
	unload
	for name in set fixed other mover; do
		stop_hold "${!name}"
		is "all memory of $name is right" 0 "$HOLD_STATUS"
	done
	empty "${FILL[@]}"
	echo 0 >"$HUGETLB"
}

echo 0 >"$NUMAB"
echo +memory +cpuset >"$GROUPS_DIR/cgroup.subtree_control"
memory_max
partners
finish
