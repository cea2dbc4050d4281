#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# An idle CPU never waits long beside a queued thread: a process with more threads
# than its home has CPUs still uses all CPUs of the machine; and one whose home gets
# crowded leaves it for idle CPUs at once, without waiting for a new plan.
# Time limit: 150 s
. "$(dirname "$0")/lib.sh"

# Clock ticks of CPU time of a process.
ticks() {
	sed 's/^.*) //' "/proc/$1/stat" | awk '{ print $12 + $13 }'
}

# The kernel's own balancer would take the memory elsewhere before knumad comes.
echo 0 >"$NUMAB"
start_load wide --processes 1 --start node0 --threads 4 --size 128M --seconds 300
pid=${PIDS[0]}
load mode=cpu
sleep 5
from=$(ticks "$pid")
now_ds start
sleep 10
used=$(($(ticks "$pid") - from))
now_ds now
took=$((now - start))
# 100 ticks a second and CPU: 10 a decisecond.
at_least "four threads use four CPUs, not only home's two (per cent of one CPU)" 340 $((used * 10 / took))
running_on "$pid" 0
diag "running: $ALL, of these on node 0: $HERE; home $(process_field "$pid" home)"
stop_load
unload

start_load two --processes 1 --start node0 --threads 2 --size 128M --seconds 300
pid=${PIDS[0]}
at_node_0() {
	running_on "$pid" 0
	[[ $ALL -gt 0 && $ALL == "$HERE" && $(process_field "$pid" home) == 0 ]]
}
load mode=cpu
check "two threads fit their home, node 0, and go there" within 15 at_node_0
echo 60000 >"$PARAMS/scan_period_ms"
sleep 1
cpus=$(<"/sys/devices/system/node/node0/cpulist")
for cpu in ${cpus/-/ }; do
	timeout 30 taskset -c "$cpu" bash -c 'while :; do :; done' &
done
sleep 2
from=$(ticks "$pid")
now_ds start
sleep 8
used=$(($(ticks "$pid") - from))
now_ds now
took=$((now - start))
at_least "with home's CPUs busy they use the idle node (per cent of one CPU)" 150 $((used * 10 / took))
at_least "since the hook let them go" 1 "$(stat_of balance_released)"
finish
