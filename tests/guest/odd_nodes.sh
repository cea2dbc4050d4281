#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A machine whose nodes are not alike: two ordinary ones, node 2 with CPUs only, node 3
# with memory only. Memory is fetched from node 3; nobody's home is a node without CPUs or
# without memory, and none of their memory is left there by an exchange. Then node 3's memory
# goes offline in the middle of an exchange, and comes back; then it is unplugged.
# Time limit: 240 s
. "$(dirname "$0")/lib.sh"

readonly NODES=/sys/devices/system/node
put_back() {
	cleanup
	online
}
trap put_back EXIT

# blocks STATE: has all of node 3's memory go into it; fails where some does not.
blocks() {
	local file failed=0
	for file in "$NODES"/node3/memory*/state; do
		[[ -e $file && $(<"$file") != offline || $1 != offline ]] || continue
		echo "$1" >"$file" || failed=1
	done
	return $failed
}

online() {
	[[ ! -e $NODES/node3 ]] || blocks online_movable 2>/dev/null || true
}

node_mb() {
	awk '/MemTotal/ { print int($4 / 1024) }' "$NODES/node$1/meminfo"
}

# homes: all that any process has had for a home, by the decisions, each once.
homes() {
	awk 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "to") at = i; next } { print $at }' \
		"$DEBUG/decisions" | sort -u | xargs
}

exchange_runs() {
	grep -q ' running ' "$DEBUG/exchanges" && (($(stat_of exchange_pages) > 0))
}

echo 0 >"$NUMAB"
blocks online_movable 2>/dev/null || true
if [[ ! -e $NODES/node2 || -n $(<"$NODES/node3/cpulist") ]]; then
	skip "nodes that are not alike" "expected a memory node 3 and a CPU node 2"
	finish
	exit
fi
is "node 2 has CPUs and no memory" 0 "$(node_mb 2)"
at_least "node 3 has memory and no CPUs (MiB)" 400 "$(node_mb 3)"

load min_rss_mb=48 scan_period_ms=300
start_hold far 3 0x1 plain:96
far=$HOLD_PID
start_hold lone 1 2x1 plain:64
lone=$HOLD_PID
if within 30 memory_home "$far" 0; then
	pass "memory comes home from the node without CPUs"
else
	fail "memory comes home from the node without CPUs" "$(state)"
fi
start_load load --start crossed --threads 1 --size 96M --seconds 200 --verify
sleep 6
is "nobody's home is a node without CPUs or without memory" "" \
	"$(homes | tr -s ' ,-' '\n' | grep -xE '2|3' || true)"
diag "homes: $(homes); the process with its CPU on node 2: $(grep "^$lone " "$DEBUG/processes")"
at_least "memory of a process with its CPU on node 2 has a place (pages)" 16000 \
	$(($(anon_pages "$lone" 0) + $(anon_pages "$lone" 1)))
# What it had before it said where memory is to be came from the nearest node.
at_most "it is not on node 3 (pages)" 256 "$(anon_pages "$lone" 3)"
unload
empty "$far" "$lone"

# Exchange on full nodes, with room on node 3.
a=${PIDS[0]} b=${PIDS[1]} away=0
(($(anon_pages "$a" 1) > $(anon_pages "$a" 0))) || away=1
pin "$a" $away
pin "$b" $((1 - away))
fill_up low 4
load min_rss_mb=48 scan_period_ms=300
if within 40 memory_home "$a" $away "$b" $((1 - away)); then
	pass "beside such nodes two processes exchange their memory"
else
	fail "beside such nodes two processes exchange their memory" "$(state)"
fi
at_most "and leave none on the node without CPUs (pages)" 256 \
	$(($(anon_pages "$a" 3) + $(anon_pages "$b" 3)))
unload
stop_load
is "all memory is right" 0 "$LOAD_STATUS"
empty "${FILL[@]}"

# Node 0 is full, and what is in the way there changes places with memory of node 3, when
# that goes offline. Node 1 takes what the kernel has to move away.
start_hold idle 0 - plain:160
idle=$HOLD_PID
start_hold mover 3 0x1 plain:160
mover=$HOLD_PID
fill_up low 4
kill -KILL "${FILL[1]}" "${FILL[3]}"
load mode=off min_rss_mb=48 scan_period_ms=300 migrate_mb_per_sec=16
echo full >"$PARAMS/mode"
if within 20 exchange_runs; then
	pass "an exchange with node 3 is under way"
else
	fail "an exchange with node 3 is under way" "$(state)"
fi
now_ds start
check "its memory goes offline" blocks offline
now_ds end
is "all of it" 0 "$(node_mb 3)"
diag "in $(((end - start) / 10)) s, at $(stat_of exchange_pages) pages exchanged"
passes=$(stat_of scan_passes) plans=$(stat_of plan_passes)
echo 512 >"$PARAMS/migrate_mb_per_sec"
empty "${FILL[0]}" "${FILL[2]}"
if within 30 memory_home "$mover" 0; then
	pass "the rest comes home from where the kernel has put it"
else
	fail "the rest comes home from where the kernel has put it" "$(state)"
fi
at_least "knumad goes on scanning (passes)" 1 $(($(stat_of scan_passes) - passes))
at_least "and planning (passes)" 3 $(($(stat_of plan_passes) - plans))
check "its memory comes online again" blocks online_movable
sleep 1
at_least "all of it (MiB)" 400 "$(node_mb 3)"
start_hold again 3 1x1 plain:64
again=$HOLD_PID
check "and is fetched from, as before" within 20 memory_home "$again" 1
# Not later: counts that CPUs keep for a node that has gone are in /proc/vmstat for ever.
check "nothing is left isolated" within 8 none_isolated

# Unplugged, the whole node goes; knumad has a thread for it.
eject=
for dir in /sys/bus/acpi/devices/PNP0C80:*; do
	[[ ! -e $dir/eject ]] || eject=$dir/eject
done
if [[ -n $eject ]]; then
	blocks offline || true
	echo 1 >"$eject" || true
	check "unplugged, the node goes" within 20 test ! -e "$NODES/node3"
	sleep 1
	plans=$(stat_of plan_passes)
	check "knumad goes on" within 10 eval '(($(stat_of plan_passes) > plans + 2))'
else
	skip "unplugged, the node goes" "this kernel cannot eject memory"
fi
check "rmmod" unload
is "and nothing is left" "" "$(remains)"
for name in idle mover again; do
	stop_hold "${!name}"
	is "all memory of $name is right" 0 "$HOLD_STATUS"
done
finish
