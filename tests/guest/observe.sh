#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# mode=observe says what it would do and does none of it: nothing is hooked, no
# setting changed, and the kernel's functions that move threads and memory are never
# called by it. (Where the threads are proves nothing: the stock scheduler moves them
# as well, and now and then to where they belong.)
# Time limit: 150 s
. "$(dirname "$0")/lib.sh"

decided() {
	[[ $(process_field "$1" home) == "$2" ]]
}

# What knumad's threads called of them, by kprobes.
readonly TRACE=/sys/kernel/tracing
moving_calls() {
	grep -oE 'knumad.* (task_to|swap|pages): ' "$TRACE/trace" || true
}
drop_probes() {
	cleanup
	echo 0 >"$TRACE/events/observe/enable"
	echo >"$TRACE/kprobe_events"
}

echo 0 >"$NUMAB"
printf 'p:observe/%s\n' 'task_to migrate_task_to' 'swap migrate_swap' 'pages migrate_pages' >"$TRACE/kprobe_events"
trap drop_probes EXIT
echo 1 >"$TRACE/events/observe/enable"
start_load load --start crossed --threads 2 --size 128M --seconds 300
a=${PIDS[0]} b=${PIDS[1]}
load mode=observe
check "it reports where process 0 belongs" within 15 decided "$a" 1
check "it reports where process 1 belongs" within 15 decided "$b" 0
sleep 5
is "it calls nothing that moves threads or memory" "" "$(moving_calls)"
at_least "the memory is where it was" 950 "$(memory_permille "$a" 1)"
is "no thread was moved by its own count" 0 $(($(stat_of threads_moved) + $(stat_of threads_swapped)))
is "no page was migrated by its own count" 0 "$(stat_of migrate_pages_isolated)"
is "no hook is in, but for the probes" "" \
	"$(grep -vE '^(migrate_task_to|migrate_swap|migrate_pages) ' "$HOOKS" || true)"
is "kernel.numa_balancing is as it was" 0 "$(<"$NUMAB")"
at_least "decisions has the reason in numbers" 1 \
	"$(awk -v pid="$a" 'NR > 1 && $2 == pid && $5 == "observe" && $8 > 0' "$DEBUG/decisions" | wc -l)"
mb=$(process_field "$a" mb_per_node)
seen=$(($(anon_pages "$a" 1) / 256))
at_most "MB per node agree with numa_maps (difference in MB)" 4 $((${mb#*,} > seen ? ${mb#*,} - seen : seen - ${mb#*,}))
stop_load

# The probes would have told: memory away from bound threads makes mode=memory act.
start_hold away 1 0x1 plain:80
called() {
	[[ -n $(moving_calls) ]]
}
echo memory >"$PARAMS/mode"
check "in mode=memory the same probes see it act" within 20 called
finish
