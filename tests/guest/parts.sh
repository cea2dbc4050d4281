#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# One process as wide as the machine, all its memory on one node, and each thread with a part
# of it: each part comes to where its thread runs, and threads sent away come back to their
# parts. Where all threads share all memory nothing is moved, nor where knumad is told not to
# look, or the process may have memory on one node
# only.
# Time limit: 250 s
. "$(dirname "$0")/lib.sh"

readonly MB=240 THREADS=4 CGROUP=/sys/fs/cgroup/knumad-parts
drop_group() {
	cleanup
	rmdir "$CGROUP" 2>/dev/null || true
}
trap drop_group EXIT

# page_nodes PID ADDRESS…: the nodes of these pages, by move_pages(2), which moves nothing
# where it is given no nodes.
page_nodes() {
	perl -e 'my ($pid, @at) = @ARGV;
		my $pages = pack("Q*", @at);
		my $nodes = pack("l*", (-1) x @at);
		syscall(279, 0 + $pid, scalar @at, $pages, 0, $nodes, 0) == 0 or exit 1;
		print join(" ", unpack("l*", $nodes)), "\n"' -- "$@"
}

# memory_of PID: the address of its largest mapping.
memory_of() {
	awk '{ for (i = 2; i <= NF; i++) if (split($i, kv, "=") == 2 && kv[1] == "anon" && kv[2] > most) {
		most = kv[2]; at = $1 } } END { print at }' "/proc/$1/numa_maps"
}

# thread_node TID: where it is.
thread_node() {
	local stat
	stat=$(<"/proc/$pid/task/$1/stat")
	read -ra stat <<<"${stat##*) }"
	echo "${CPU_NODE[${stat[36]}]}"
}

# near_permille: how much of what its thread uses is on the node that the thread is on. Each
# has as much of the lower half as of the upper one.
near_permille() {
	local start=$((16#$(memory_of "$pid"))) half=$((MB << 19)) i k node at near=0 all=0
	local part=$((half / THREADS)) tids addresses
	mapfile -t tids < <(find "/proc/$pid/task" -mindepth 1 -maxdepth 1 -printf '%f\n' | sort -n)
	for ((i = 0; i < THREADS; i++)); do
		node=$(thread_node "${tids[i + 1]}")
		addresses=()
		for k in 10 25 40 60 75 90; do
			at=$((start + i * part + part * k / 100))
			addresses+=($((at & -4096)) $(((at + half) & -4096)))
		done
		for at in $(page_nodes "$pid" "${addresses[@]}"); do
			all=$((all + 1))
			((at != node)) || near=$((near + 1))
		done
	done
	echo $((all ? near * 1000 / all : 0))
}

# Close to where two parts meet nobody knows whose a page is. Before anything moves all threads
# may be seen on one node, with the memory.
parts_are_near() {
	(($(stat_of migrate_pages_by_use) > 0 && $(near_permille) >= 900))
}

explain() {
	echo "near: $(near_permille) per mille"
	cat "$DEBUG/processes"
	grep -E 'uses|by_use|migrate' "$DEBUG/stats"
}

start_parts() {
	start_load load --start node0 --processes 1 --threads $THREADS --size ${MB}M --seconds 180 --own-part
	pid=${PIDS[0]}
}

home_is_both() {
	[[ $(process_field "$pid" home) == 0,1 ]]
}

uses_are_known() {
	(($(stat_of uses_known) >= 200))
}

echo 0 >"$NUMAB"
start_parts
diag "near before: $(near_permille) per mille"
load scan_period_ms=500
if within 60 parts_are_near; then
	pass "each thread's part of the memory comes to its node"
	diag "after $WAITED s"
else
	fail "each thread's part of the memory comes to its node" "$(explain)"
fi
at_least "pages moved for that" 1000 "$(stat_of migrate_pages_by_use)"
at_least "of these, from where threads were" 1000 "$(stat_of migrate_pages_in_use)"
sleep 8
moved=$(stat_of migrate_pages_ok)
sleep 6
at_most "then it rests (pages)" $((moved + MB * 256 / 25)) "$(stat_of migrate_pages_ok)"
check "and all are still near" within 10 parts_are_near

# What runs now and then, as this test and knumad do, makes the balancer look for another place
# for a thread.
# thread_changes SECONDS: how often a thread of the process was found on another node.
thread_changes() {
	local end=$((SECONDS + $1)) tids tid node changes=0
	local -A was=()
	mapfile -t tids < <(find "/proc/$pid/task" -mindepth 1 -maxdepth 1 -printf '%f\n')
	while ((SECONDS < end)); do
		for tid in "${tids[@]}"; do
			node=$(thread_node "$tid")
			[[ $node == "${was[$tid]:=$node}" ]] || changes=$((changes + 1))
			was[$tid]=$node
		done
	done
	echo $changes
}
at_most "the balancer leaves threads at their parts (changes of node in 8 s)" 4 "$(thread_changes 8)"

# Sent away by force and let go again, while there is no plan that sees the force.
echo 60000 >"$PARAMS/scan_period_ms"
sleep 1
moved=$(stat_of migrate_pages_ok)
declare -A away=()
for tid in "/proc/$pid"/task/*; do
	tid=${tid##*/}
	away[$tid]=$((1 - $(thread_node "$tid")))
done
for tid in "${!away[@]}"; do
	taskset -pc "$(<"/sys/devices/system/node/node${away[$tid]}/cpulist")" "$tid" >/dev/null
done
sleep 1
at_most "sent away they are not near (per mille)" 500 "$(near_permille)"
taskset -acp "$(</sys/devices/system/cpu/online)" "$pid" >/dev/null
echo 500 >"$PARAMS/scan_period_ms"
if within 10 parts_are_near; then
	pass "threads that were sent away come back to their parts"
else
	fail "threads that were sent away come back to their parts" "$(explain)"
fi
at_most "without the memory (pages)" $((moved + MB * 256 / 25)) "$(stat_of migrate_pages_ok)"
stop_load
unload

start_parts
load watch_threads=0 scan_period_ms=500
sleep 4
is "with watch_threads=0 no thread is looked at" 0 "$(stat_of uses_sampled)"
unload
stop_load

# A cpuset with the CPUs of both nodes and the memory of one.
mkdir "$CGROUP"
echo +cpuset >/sys/fs/cgroup/cgroup.subtree_control
cat /sys/devices/system/cpu/online >"$CGROUP/cpuset.cpus"
echo 0 >"$CGROUP/cpuset.mems"
echo $BASHPID >"$CGROUP/cgroup.procs"
start_parts
echo $BASHPID >/sys/fs/cgroup/cgroup.procs
load scan_period_ms=500
if within 20 home_is_both; then
	pass "a wide process in a cpuset with one node's memory is looked after"
else
	fail "a wide process in a cpuset with one node's memory is looked after" "$(explain)"
fi
sleep 5
is "but none of its memory is moved" 0 "$(stat_of migrate_pages_ok)"
unload
stop_load

# Until threads have been through all of it, each seems to have a part: it has to be so little that
# they are through before knumad has looked often enough, also on a busy machine.
start_load load --start node0 --processes 1 --threads $THREADS --size 64M --seconds 180
pid=${PIDS[0]}
load scan_period_ms=500 min_rss_mb=32
check "threads that share all memory are seen using it" within 20 uses_are_known
sleep 6
moved=$(stat_of migrate_pages_by_use)
is "and none of it is moved for that" 0 "$moved"
((moved == 0)) || diag "$(cat "$DEBUG/processes"; grep -E 'uses|by_use|migrate' "$DEBUG/stats")"
stop_load
unload
finish
