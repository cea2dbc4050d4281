#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A node full of page cache takes a process's memory nevertheless: the cache goes to a node
# with room, and only where there is none it is dropped; as much of it as is needed, and
# nothing is swapped out.
# Where memory comes from a full node, page cache takes its place there; to a node that a cpuset
# keeps somebody from it does not go.
# Time limit: 300 s
. "$(dirname "$0")/lib.sh"

readonly MB=128 DISK=/dev/nullb0 SWAPPINESS=/proc/sys/vm/swappiness

restore() {
	[[ -z ${READER:-} ]] || kill "$READER" || true
	[[ -z ${swappiness:-} ]] || echo "$swappiness" >$SWAPPINESS
	exec 9<&-
	cleanup
	rmdir "$GROUPS_DIR"/knumad-* 2>/dev/null || true
}
trap restore EXIT

# file_pages NODE: page cache and buffers.
file_pages() {
	awk '$3 == "FilePages:" { print int($4 / 4) }' "/sys/devices/system/node/node$1/meminfo"
}

# read_into NODE: reads the disk, whose pages come to the node, until that has less than a
# batch above its high watermark, which kswapd brings it above now and then.
read_into() {
	local at=$((1024 * $1)) end=$((1024 * ($1 + 1))) mb=$(($(free_above high "$1") / 256))
	for ((; at + mb <= end && $(free_above high "$1") >= 512; at += mb, mb = 2)); do
		numactl --membind="$1" dd if=$DISK of=/dev/null bs=1M skip=$at count=$mb status=none
	done
	diag "node $1: $(free_above high "$1") pages above the high watermark, $(file_pages "$1") of page cache"
}

facts() {
	cat "$DEBUG/processes" "$DEBUG/nodes"
	grep -E 'cache|migrate|skip' "$DEBUG/stats"
}

# read_on NODE: reads the disk over and over, so that the node stays full.
read_on() {
	while :; do
		numactl --membind="$1" dd if=$DISK of=/dev/null bs=1M skip=$((1024 * $1)) count=1024 status=none
	done
}

# comes_home WHAT PID
comes_home() {
	if within 30 memory_home "$2" 0; then
		pass "$1 ($WAITED s)"
	else
		fail "$1" "$(facts)"
	fi
}

modprobe null_blk nr_devices=1 gb=2 # what is read from it are zeros
within 5 test -b $DISK
exec 9<$DISK # while somebody has it open, its page cache stays
echo 0 >"$NUMAB"
# Memory could be swapped out, but the kernel does so only in need.
swap_disk nullb1 128 0
swappiness=$(<$SWAPPINESS)
echo 0 >$SWAPPINESS
swapped=$(event pswpout)

# Node 0 is full of page cache, node 1 has room.
start_hold first 1 0x1 plain:$MB
pid=$HOLD_PID
read_into 0
at_most "node 0 has little room at first (pages)" $((MB * 256 / 4)) "$(free_above high 0)"
cached=$(($(file_pages 0) + $(file_pages 1)))
load mode=memory min_rss_mb=64 scan_period_ms=200
comes_home "memory comes to a node that is full of page cache" "$pid"
at_least "page cache went to the other node (pages)" $((MB * 256 / 4)) "$(stat_of cache_pages_moved)"
is "none was dropped (pages)" 0 "$(stat_of cache_pages_dropped)"
at_least "nor did it get less (pages)" $((cached - MB * 256 / 8)) $(($(file_pages 0) + $(file_pages 1)))
at_most "no more gave way than was needed (pages)" $((MB * 256 + 8192)) "$(stat_of cache_pages_moved)"
unload
stop_hold "$pid"
is "its content is right" 0 "$HOLD_STATUS"

# The same, but somebody may not use node 1: it is not filled with what may be theirs.
echo 1 >/proc/sys/vm/drop_caches
echo +cpuset >"$GROUPS_DIR/cgroup.subtree_control"
mkdir -p "$GROUPS_DIR/knumad-tenant"
echo 0 >"$GROUPS_DIR/knumad-tenant/cpuset.mems"
in_group tenant start_hold tenant 0 - plain:72
tenant=$HOLD_PID
start_hold apart 1 0x1 plain:$MB
pid=$HOLD_PID
read_into 0
at_most "node 0 has little room again (pages)" $((MB * 256 / 4)) "$(free_above high 0)"
load mode=memory min_rss_mb=64 scan_period_ms=200
comes_home "memory comes where page cache may not go to the other node" "$pid"
check "who may not use that node is looked after" grep -q "^$tenant " "$DEBUG/processes"
is "no page cache went there (pages)" 0 "$(stat_of cache_pages_moved)"
at_least "it was dropped (pages)" $((MB * 256 / 4)) "$(stat_of cache_pages_dropped)"
unload
all_right "$pid" "$tenant"

# Both are full of it, and node 1 remains so, whatever leaves it. What is read a second time
# would not give way.
echo 1 >/proc/sys/vm/drop_caches
start_hold second 1 0x1 plain:$MB
pid=$HOLD_PID
read_into 0
read_into 1
at_most "node 0 has little room (pages)" $((MB * 256 / 4)) "$(free_above high 0)"
at_most "node 1 has none (pages)" $((MB * 256 / 4)) "$(free_above high 1)"
read_on 1 &
READER=$!
load mode=memory min_rss_mb=64 scan_period_ms=200
comes_home "memory comes where both are full of page cache" "$pid"
dropped=$(stat_of cache_pages_dropped) moved=$(stat_of cache_pages_moved)
at_least "page cache was dropped while no node had room (pages)" 1024 "$dropped"
at_least "it gave way to most of it (pages)" $((MB * 256 / 2)) $((dropped + moved))
at_most "and no more than was needed (pages)" $((MB * 256 + 8192)) $((dropped + moved))
kill "$READER"
READER=
unload
stop_hold "$pid"
is "its content is right, too" 0 "$HOLD_STATUS"
check "nothing is left isolated" within 8 none_isolated
is "nothing was swapped out (pages)" "$swapped" "$(event pswpout)"
finish
