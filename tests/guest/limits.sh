#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What an operator has limited stays so while memory comes home on full nodes: memory.max
# is not run into and nothing is reclaimed for it; memory that a cpuset, a memory policy,
# mlock or hugetlb keeps where it is is no partner for an exchange; what is swapped out,
# to a disk or into zswap, stays out, and nothing else is swapped for it; and pages under
# writeback to a slow disk hold nobody up.
# Time limit: 300 s
. "$(dirname "$0")/lib.sh"

readonly GROUPS_DIR=/sys/fs/cgroup HUGETLB=/sys/devices/system/node/node0/hugepages/hugepages-2048kB/nr_hugepages
readonly NULLB=/sys/kernel/config/nullb ZSWAP=/sys/module/zswap/parameters/enabled

restore() {
	local dir
	cleanup
	echo 0 >"$HUGETLB"
	swapoff -a || true
	[[ ! -e $ZSWAP ]] || echo N >"$ZSWAP"
	for dir in "$NULLB"/nullb*; do
		[[ ! -d $dir ]] || rmdir "$dir"
	done
	rmmod null_blk 2>/dev/null || true
	rmdir "$GROUPS_DIR"/knumad-* 2>/dev/null || true
}
trap restore EXIT

# in_group NAME COMMAND…: what COMMAND starts is in the cgroup of that name.
in_group() {
	local group=$GROUPS_DIR/knumad-$1
	mkdir -p "$group"
	echo $$ >"$group/cgroup.procs"
	"${@:2}"
	echo $$ >"$GROUPS_DIR/cgroup.procs"
}

group_event() {
	awk -v name="$3" '$1 == name { print $2 }' "$GROUPS_DIR/knumad-$1/memory.$2"
}

# all_at PID NODE [NAME KIND]: all its anonymous pages, or those of a mapping, are there.
all_at() {
	local start=
	[[ -z ${3:-} ]] || start=$(start_of "$3" "$4")
	(($(anon_pages "$1" $((1 - $2)) "$start") == 0 && $(anon_pages "$1" "$2" "$start") > 0))
}

# part_home NAME PID NODE KIND: 95 % of what of the mapping is resident is on the node.
part_home() {
	local start here there
	start=$(start_of "$1" "$4")
	here=$(anon_pages "$2" "$3" "$start")
	there=$(anon_pages "$2" $((1 - $3)) "$start")
	((here > 0 && here * 20 >= (here + there) * 19))
}

both_parts_home() {
	part_home "$1" "$2" "$3" "$4" && part_home "$5" "$6" "$7" "$8"
}

state() {
	cat "$DEBUG/processes" "$DEBUG/nodes" "$DEBUG/exchanges"
	grep -E 'exch|migrate|skip' "$DEBUG/stats"
}

# disk NAME MB MB_PER_SECOND: a block device in memory, as fast as said; 0: as it can.
disk() {
	mountpoint -q /sys/kernel/config || mount -t configfs configfs /sys/kernel/config
	mkdir "$NULLB/$1"
	echo "$2" >"$NULLB/$1/size"
	echo 1 >"$NULLB/$1/memory_backed"
	(($3 == 0)) || echo "$3" >"$NULLB/$1/mbps"
	echo 1024 >"$NULLB/$1/hw_queue_depth"
	echo 1 >"$NULLB/$1/power"
	within 5 test -b "/dev/$1"
	# A request has to fit into what a slow one does in a fiftieth of a second.
	(($3 == 0)) || echo 32 >"/sys/block/$1/queue/max_sectors_kb"
}

swap_kb() {
	awk '/^VmSwap/ { print $2 }' "/proc/$1/status"
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
	echo "$other" >"$DEBUG/exempt"
	echo full >"$PARAMS/mode"
	check "cpuset: the process is looked after" within 10 grep -q "^$set " "$DEBUG/processes"
	sleep 6
	# What free pages there are on node 0 may be used.
	at_least "no partner: memory stays (pages)" 28000 "$(anon_pages "$mover" 1)"
	is "no partner: nothing was exchanged" 0 "$(stat_of exchange_pages)"
	diag "$(state | head -n 8)"
	echo "-$other" >"$DEBUG/exempt"
	if within 30 memory_home "$mover" 0; then
		pass "a partner that may be moved is found"
	else
		fail "a partner that may be moved is found" "$(state)"
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

# Swap: each of two processes has a part of its memory out, one on a disk, one in zswap.
swap() {
	local a b stored before out
	disk nullb0 192 0
	mkswap /dev/nullb0 >/dev/null
	swapon /dev/nullb0
	start_hold disk 1 0x1 plain:96 swapped:48
	a=$HOLD_PID
	if [[ -w $ZSWAP ]] && echo Y >"$ZSWAP"; then
		stored=$(</sys/kernel/debug/zswap/stored_pages)
	else
		diag "the kernel has no zswap: swapped to the disk, too"
		stored=
	fi
	start_hold zswap 0 1x1 plain:96 swapped:48
	b=$HOLD_PID
	[[ -z $stored ]] ||
		at_least "zswap: it has pages" 4000 $(($(</sys/kernel/debug/zswap/stored_pages) - stored))
	at_least "swap: a part of it is out (KiB): $a" 45000 "$(swap_kb "$a")"
	at_least "swap: a part of it is out (KiB): $b" 45000 "$(swap_kb "$b")"
	out=$(swap_kb "$a")/$(swap_kb "$b")
	fill_up low 6
	load mode=off min_rss_mb=64 scan_period_ms=300
	before="$(event pswpin)/$(event pswpout)"
	echo full >"$PARAMS/mode"
	if within 40 both_parts_home disk "$a" 0 plain zswap "$b" 1 plain; then
		pass "swap: what is resident comes home"
	else
		fail "swap: what is resident comes home" "$(state)"
	fi
	at_least "swap: by exchange (pages)" 10000 "$(stat_of exchange_pages)"
	is "swap: nothing was swapped in or out" "$before" "$(event pswpin)/$(event pswpout)"
	is "swap: what was out is out" "$out" "$(swap_kb "$a")/$(swap_kb "$b")"
	unload
	empty "${FILL[@]}"
	stop_hold "$a"
	is "swap: all memory is right, disk" 0 "$HOLD_STATUS"
	stop_hold "$b"
	is "swap: all memory is right, zswap" 0 "$HOLD_STATUS"
	[[ -z $stored ]] || echo N >"$ZSWAP"
	swapoff /dev/nullb0
}

# For writeback(): at home, and some seconds are over.
home_and_sampled() {
	samples=$((samples + 1))
	(($(event nr_writeback) == 0)) || writeback=$((writeback + 1))
	part_home slow "$pid" 0 plain && ((samples >= 24))
}

# Writeback: swap on a disk so slow that pages are under writeback when they are wanted
# again, and a file mapping that is always being written.
writeback() {
	local pid writeback=0 samples=0 start end
	disk nullb1 64 3
	disk nullb2 16 3
	mkswap /dev/nullb1 >/dev/null
	swapon /dev/nullb1
	HOLD_FILE=/dev/nullb2 start_hold slow 1 0x1 churned:12 file:2 plain:96
	pid=$HOLD_PID
	load mode=off min_rss_mb=64 scan_period_ms=300
	echo full >"$PARAMS/mode"
	if within 40 home_and_sampled; then
		pass "writeback: the rest comes home"
	else
		fail "writeback: the rest comes home" "$(state)"
	fi
	at_least "writeback: was under way meanwhile (samples of $samples)" 1 "$writeback"
	at_least "writeback: pages under it were met, and left for later" 1 "$(stat_of migrate_pages_failed)"
	now_ds start
	unload
	now_ds end
	at_most "writeback: rmmod does not wait for it (tenths of a second)" 20 $((end - start))
	check "writeback: nothing is left isolated" within 8 none_isolated
	stop_hold "$pid"
	is "writeback: all memory is right" 0 "$HOLD_STATUS"
}

echo 0 >"$NUMAB"
echo +memory +cpuset >"$GROUPS_DIR/cgroup.subtree_control"
memory_max
diag "after $SECONDS s"
partners
diag "after $SECONDS s"
if modprobe null_blk nr_devices=0 2>/dev/null; then
	swap
	diag "after $SECONDS s"
	writeback
	diag "after $SECONDS s"
else
	skip "swap: what is out stays out" "the kernel has no null_blk"
	skip "writeback: nobody is held up" "the kernel has no null_blk"
fi
finish
