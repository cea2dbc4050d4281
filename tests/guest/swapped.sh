#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Swap and writeback: what is swapped out, to a disk or into zswap, stays out while the rest
# changes places on full nodes, and nothing else is swapped for it; pages under writeback to
# a slow disk are left for later and hold nobody up.
# Time limit: 200 s
. "$(dirname "$0")/lib.sh"

readonly ZSWAP=/sys/module/zswap/parameters/enabled

restore() {
	[[ ! -e $ZSWAP ]] || echo N >"$ZSWAP"
	cleanup
}
trap restore EXIT

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

swap_kb() {
	awk '/^VmSwap/ { print $2 }' "/proc/$1/status"
}

# Swap: each of two processes has a part of its memory out, one on a disk, one in zswap.
swap() {
	local a b stored before out
	swap_disk nullb0 192 0
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
	swap_disk nullb1 64 3
	disk nullb2 16 3
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

if ! has_disks; then
	skip "swap and writeback" "the kernel has no null_blk"
	finish
	exit
fi
echo 0 >"$NUMAB"
swap
writeback
finish
