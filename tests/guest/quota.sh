#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A process under a CPU quota wants what the quota gives it, not what its threads would
# use without: being throttled is not waiting for a CPU, be the node busy or not. One that is
# short of CPUs does want more than it gets, also where some of the node's are offline.
# Time limit: 200 s
. "$(dirname "$0")/lib.sh"

group=/sys/fs/cgroup/knumad-quota
drop_group() {
	cleanup
	echo 1 >/sys/devices/system/cpu/cpu3/online
	rmdir "$group" 2>/dev/null || true
}
trap drop_group EXIT

# demand: what debugfs says the process wants, averaged over some seconds.
demand() {
	local i sum=0
	for ((i = 0; i < 8; i++)); do
		nap 0.5
		sum=$((sum + $(process_field "$1" cpu_mcpu)))
	done
	echo $((sum / 8))
}

echo 0 >"$NUMAB"
echo +cpu >/sys/fs/cgroup/cgroup.subtree_control
mkdir "$group"
echo "100000 100000" >"$group/cpu.max"
start_load load --processes 1 --start node0 --threads 3 --size 128M --seconds 300
pid=${PIDS[0]}
load mode=observe scan_period_ms=300
sleep 3
at_least "three threads want three CPUs (mCPU)" 2400 "$(demand "$pid")"
echo "$pid" >"$group/cgroup.procs"
# A CPU of the guest's that stalls keeps the others waiting: not in each of some tries.
wants_one() {
	wanted=$(demand "$pid")
	((wanted <= 1600))
}
sleep 4
within 30 wants_one || true
at_most "with a quota of one CPU they want one (mCPU)" 1600 "$wanted"
at_least "and not nothing" 600 "$wanted"

# The same where others leave no CPU idle, and lose each one to the group while it may run.
echo 10000 >"$group/cpu.weight"
busy=()
for cpu in 0 1 2 3; do
	taskset -c "$cpu" perl -e '1 while 1' &
	busy+=("$!")
done
sleep 4
within 30 wants_one || true
diag "throttled, in periods: $(grep nr_ "$group/cpu.stat" | paste -sd' ')"
at_most "on busy nodes, too, they want one (mCPU)" 1600 "$wanted"
at_least "and there, too, not nothing (mCPU)" 500 "$wanted"
empty "${busy[@]}"
echo 100 >"$group/cpu.weight"
echo "max 100000" >"$group/cpu.max"
taskset -acp "$(<"/sys/devices/system/node/node0/cpulist")" "$pid" >/dev/null
sleep 4
at_least "three on a node of two CPUs wait, and want more than they get (mCPU)" 2400 "$(demand "$pid")"

# A CPU that is offline is not idle: nobody can use it.
taskset -acp "$(<"/sys/devices/system/node/node1/cpulist")" "$pid" >/dev/null
echo 0 >/sys/devices/system/cpu/cpu3/online
sleep 4
wanted=$(demand "$pid")
echo 1 >/sys/devices/system/cpu/cpu3/online
at_least "three on the one CPU that is left of a node want more than they get (mCPU)" 2400 "$wanted"
echo "$pid" >/sys/fs/cgroup/cgroup.procs
unload
finish
