#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# An exempted process is left alone while its neighbour is looked after; taken off
# the list it is looked after too; a bad pid is refused.
# Time limit: 150 s
. "$(dirname "$0")/lib.sh"

error_of() {
	{ printf '%s\n' "$1" >"$PARAMS/exempt"; } 2>&1 | sed 's/.*: //'
}

echo 0 >"$NUMAB"
# One thread each, so that both find room at home without an exchange.
start_load load --start crossed --threads 1 --size 96M --seconds 300
a=${PIDS[0]} b=${PIDS[1]}
load mode=off
echo "$a" >"$PARAMS/exempt"
is "the parameter lists it" "$a" "$(<"$PARAMS/exempt")"
is "debugfs lists it" "$a" "$(<"$DEBUG/exempt")"
is "only root may read PIDs there" "600 root" "$(stat -c '%a %U' "$PARAMS/exempt")"
before=$(cpus_allowed "$a")
echo 1 >/sys/kernel/tracing/events/knumad/enable
echo full >"$PARAMS/mode"
# Only the threads are polled: asking for the memory takes processes, and these take
# from the other process the very CPUs that it shall come home to.
if within 20 all_home "$b" 0; then
	pass "the other process's threads come home ($WAITED s)"
elif memory_home "$b" 1; then
	pass "the other process's memory comes to its threads"
else
	fail "the other process converges" "$(cat "$DEBUG/processes" "$DEBUG/decisions" "$DEBUG/nodes"; grep -E 'threads|plan_|mode' "$DEBUG/stats")"
fi
check "the tracepoints tell of the other" within 10 grep -qE ": pid=$b " /sys/kernel/tracing/trace
diag "the exempted one's threads, per mille on its memory's node: $(home_permille 3 "$a" 1)"
is "none of its threads was moved" "" "$(grep -E "knumad_thread_move: pid=$a " /sys/kernel/tracing/trace || true)"
is "it is not even scanned" "" "$(grep -E "knumad_scan: pid=$a " /sys/kernel/tracing/trace || true)"
at_least "the exempted one's memory is left" 950 "$(memory_permille "$a" 1)"
is "debugfs says so" exempt "$(process_field "$a" state)"
is "it has no home" - "$(process_field "$a" home)"

echo 0 >/sys/kernel/tracing/events/knumad/enable
echo "-$a" >"$PARAMS/exempt"
is "taken off, the list is empty" "" "$(<"$DEBUG/exempt")"
looked_after() {
	[[ $(process_field "$a" home) =~ ^[01] ]]
}
check "then it is looked after" within 20 looked_after

# Exempted in the middle of its life, and between two passes: from now on, not from the
# next pass on.
echo 60000 >"$PARAMS/scan_period_ms"
echo "$a" >"$PARAMS/exempt"
let_go() {
	[[ $(process_field "$a" state) == exempt && $(process_field "$a" home) == - ]]
}
check "exempted again it loses its home at once" within 5 let_go
echo "-$a" >"$PARAMS/exempt"
is "its affinity was never touched" "$before" "$(cpus_allowed "$a")"

is "no such process" "No such process" "$(error_of 4194303)"
is "not on the list" "No such process" "$(error_of "-$b")"
is "zero" "Invalid argument" "$(error_of 0)"
is "no number" "Invalid argument" "$(error_of nonsense)"
is "the least number" "Invalid argument" "$(error_of -2147483648)"
klog_mark
error_of nonsense >"$SCRATCH/error" || true
check "the log has one line for it" test "$(klog_since)" = "knumad: exempt: expected the PID of a process, or -PID of an exempt one, in a loaded knumad, got 'nonsense' (-22): nothing changed"

# More than a page of text: cut after a line.  debugfs has all.
sleepers=()
echo 4194304 >/proc/sys/kernel/pid_max
echo 1000000 >/proc/sys/kernel/ns_last_pid
for ((i = 0; i < 600; i++)); do
	sleep 300 &
	sleepers+=($!)
	echo $! >"$PARAMS/exempt"
done
all=$(<"$DEBUG/exempt")
some=$(<"$PARAMS/exempt")
kill "${sleepers[@]}"
is "six hundred are listed" 600 "$(wc -l <<<"$all")"
is "those of the parameter are the first of them, as many as fit into a page" "$(head -n 511 <<<"$all")" "$some"
unload
klog_mark
is "not at load" "" "$(load "exempt=$a" 2>/dev/null && echo loaded)"
check "the log says so" grep -q "exempt: expected the PID of a process" <<<"$(klog_since)"
finish
