#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What its user has bound stays bound, in mode=full: affinity masks are never
# written, a thread never runs outside its own, a memory policy and a cpuset are
# respected.
# Time limit: 240 s
. "$(dirname "$0")/lib.sh"

echo 0 >"$NUMAB"
group=/sys/fs/cgroup/knumad-test
part_group=/sys/fs/cgroup/knumad-part
drop_group() {
	cleanup
	rmdir "$group" "$part_group" 2>/dev/null || true
}
trap drop_group EXIT

start_load free --start crossed --threads 2 --size 96M --seconds 300
free=("${PIDS[@]}")
before=$(for pid in "${free[@]}"; do cpus_allowed "$pid"; done)
load mode=full
check "each is at home within 20 s" within 20 all_home "${free[0]}" 1 "${free[1]}" 0
# The kernel may have brought them there, by luck.
send_away "${free[0]}" 0 "${free[1]}" 1
sleep 5
during=$(for pid in "${free[@]}"; do cpus_allowed "$pid"; done)
is "affinity masks of moved threads are the same while it acts" "$before" "$during"
at_least "and it did act" 1 $(($(stat_of threads_moved) + $(stat_of threads_swapped) + $(stat_of migrate_pages_ok)))
unload
is "and after rmmod" "$before" "$(for pid in "${free[@]}"; do cpus_allowed "$pid"; done)"
stop_load

# Threads bound to one node, memory bound to the other: all is as its user wants it.
start_load bound --placement remote --threads 2 --size 96M --seconds 300
a=${PIDS[0]} b=${PIDS[1]}
before=$(cpus_allowed "$a")
load mode=full
at_least "threads bound by affinity stay (per mille in 8 s)" 1000 "$(home_permille 8 "$a" 0 "$b" 1)"
at_least "memory bound by policy stays: process 0" 950 "$(memory_permille "$a" 1)"
at_least "memory bound by policy stays: process 1" 950 "$(memory_permille "$b" 0)"
is "affinity is as it was" "$before" "$(cpus_allowed "$a")"
# For the few pages that nobody bound, home is where the threads are.
is "it is looked after all the same: process 0" 0 "$(process_field "$a" home)"
is "it is looked after all the same: process 1" 1 "$(process_field "$b" home)"
is "no page was migrated" 0 "$(stat_of migrate_pages_ok)"
unload
stop_load

# A cpuset: CPUs of node 1, memory of node 0.
mkdir "$group"
echo +cpuset >/sys/fs/cgroup/cgroup.subtree_control
cat /sys/devices/system/node/node1/cpulist >"$group/cpuset.cpus"
echo 0 >"$group/cpuset.mems"
(
	echo "$BASHPID" >"$group/cgroup.procs"
	exec hold 0 - plain:96
) >"$SCRATCH/hold" &
check "a process starts in a cpuset" within 20 grep -q ready "$SCRATCH/hold"
pid=$(<"$group/cgroup.procs")
load mode=full min_rss_mb=32 scan_period_ms=200
sleep 5
check "it is looked after all the same" within 10 grep -q "^$pid " "$DEBUG/processes"
at_least "memory stays on the cpuset's node" 950 "$(memory_permille "$pid" 0)"
is "no page was migrated out of the cpuset" 0 "$(stat_of migrate_pages_ok)"

# A policy of the process as a whole, as most users bind.
numactl --membind=0 --cpunodebind=1 perl -e '$m = "x" x (96 << 20); $| = 1; print "ready\n"; 1 while 1' \
	>"$SCRATCH/whole" &
whole=$!
check "a process starts whose memory is bound as a whole, away from its threads" \
	within 20 grep -q ready "$SCRATCH/whole"
whole_known() {
	local mb
	mb=$(process_field "$whole" bound_mb)
	((${mb:-0} >= 96))
}
check "debugfs says that it may not be moved" within 10 whole_known
sleep 5
at_least "it stays (per mille)" 990 "$(memory_permille "$whole" 0)"
is "no page was migrated out of it" 0 "$(stat_of migrate_pages_ok)"
kill "$whole"

# Workers of io_uring are threads, too; where the kernel keeps them its user has bound nothing.
HOLD_ASYNC=0 hold 1 1 plain:96 >"$SCRATCH/async" &
async=$!
check "a process starts that has a worker of io_uring on the other node" within 20 grep -q ready "$SCRATCH/async"
for task in "/proc/$async/task"/*; do
	[[ $(<"$task/comm") != iou* ]] || diag "$(<"$task/comm"): $(taskset -cp "${task##*/}")"
done
async_home() {
	[[ $(process_field "$async" home) == 1 ]]
}
check "its home is where its threads and memory are" within 10 async_home
kill "$async"

# A cpuset with one CPU of node 0, where the memory is, and all of node 1: two threads have room on
# node 1 alone.
start_load part --processes 1 --start node0 --threads 2 --size 96M --seconds 300
part=${PIDS[0]}
mkdir "$part_group"
cpus=$(<"/sys/devices/system/node/node0/cpulist")
echo "${cpus%%[-,]*},$(<"/sys/devices/system/node/node1/cpulist")" >"$part_group/cpuset.cpus"
echo "$part" >"$part_group/cgroup.procs"
part_home() {
	[[ $(process_field "$part" home) == 1 ]]
}
check "one CPU of a node is no home for two threads, two of another are" within 20 part_home
check "and the memory comes there" within 30 memory_home "$part" 1
at_least "and so do the threads (per mille)" 950 "$(home_permille 4 "$part" 1)"
stop_load

# A real-time thread is not moved, and stays where it is while its CPU has nothing more urgent.
start_load rt --processes 1 --start node0 --threads 1 --size 96M --seconds 300
rt=${PIDS[0]}
chrt --all-tasks --fifo --pid 10 "$rt"
send_away "$rt" 1
rt_home() {
	[[ $(process_field "$rt" home) == 1 ]]
}
check "the home of a real-time thread is where it runs" within 20 rt_home
check "and the memory comes there" within 30 memory_home "$rt" 1
at_least "it was not moved (per mille)" 1000 "$(home_permille 2 "$rt" 1)"
stop_load
unload
finish
