#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The bpftrace scripts of scripts/bpf under load: each attaches, and sees the hooked
# functions called, threads moved, plans changed, scans finished, memory migrated.
# All run at once; bpftrace needs its time in an emulated guest.
# Time limit: 240 s
. "$(dirname "$0")/lib.sh"

readonly BPF=/knumad/scripts/bpf

attached() {
	local name
	for name in "$@"; do
		[[ -s $SCRATCH/$name.bpf ]] || return 1
	done
}

# value NAME MAP: the sum of what the script's map (or its keys) holds at the end.
value() {
	awk -v map="@$2" '
		index($0, map) == 1 && /: -?[0-9]+$/ { sum += $NF }
		END { print sum + 0 }' "$SCRATCH/$1.bpf"
}

names=(hooks moves plans migrations scan)
echo 0 >"$NUMAB"
load mode=off scan_period_ms=500
declare -A tracer=()
for name in "${names[@]}"; do
	bpftrace "$BPF/$name.bt" >"$SCRATCH/$name.bpf" 2>"$SCRATCH/$name.errors" &
	tracer[$name]=$!
done
if within 90 attached "${names[@]}"; then
	pass "all scripts attach"
	diag "after $WAITED s"
else
	fail "all scripts attach" "$(cat "$SCRATCH"/*.errors)"
fi
# BEGIN prints before the probes are in.
sleep 3
start_load load --start crossed --threads 2 --size 96M --seconds 300
storm 300 2 4 >/dev/null &
echo cpu >"$PARAMS/mode"
within 20 all_home "${PIDS[0]}" 1 "${PIDS[1]}" 0 || diag "threads not home in time"
echo off >"$PARAMS/mode"
for pid in "${PIDS[@]}"; do
	taskset -acp "$(<"/sys/devices/system/node/node0/cpulist")" "$pid" >/dev/null
done
echo memory >"$PARAMS/mode"
within 20 memory_home "${PIDS[0]}" 0 "${PIDS[1]}" 0 || diag "memory not home in time"
asked=$(($(stat_of balance_calls) + $(stat_of wake_calls)))
for name in "${names[@]}"; do
	kill -INT "${tracer[$name]}"
done
for name in "${names[@]}"; do
	wait "${tracer[$name]}" || true
	diag "$name: $(grep '^@' "$SCRATCH/$name.bpf" | head -n 6 | paste -sd' ')"
	is "$name.bt has no error" "" "$(grep -iE 'error|failed' "$SCRATCH/$name.errors" || true)"
done
at_least "hooks.bt sees can_migrate_task asked" 1 "$(value hooks balance_asked)"
at_least "hooks.bt sees its answers" 1 "$(value hooks balance_answer)"
at_least "hooks.bt sees select_task_rq_fair asked" 1 "$(value hooks wake_asked)"
check "hooks.bt shows knumad's counts" grep -qE '^wake_calls [1-9]' "$SCRATCH/hooks.bpf"
at_least "knumad's hooks were called no more than bpftrace saw" "$asked" \
	$(($(value hooks balance_asked) + $(value hooks wake_asked)))
at_least "moves.bt sees threads moved" 2 "$(value moves moves)"
is "moves.bt and debugfs count the same" $(($(stat_of threads_moved) + $(stat_of threads_swapped))) "$(value moves moves)"
at_least "plans.bt sees homes given" 2 "$(value plans plans)"
at_least "scan.bt sees passes" 2 "$(value scan passes)"
at_least "migrations.bt sees batches" 1 "$(value migrations batches)"
at_least "migrations.bt sees the memory (MB)" 80 "$(value migrations mb_to_node)"
unload
finish
