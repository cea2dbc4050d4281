#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# mode=observe says what it would do and does none of it: threads and memory stay
# where they are, nothing is hooked, no setting changed.
# Time limit: 150 s
. "$(dirname "$0")/lib.sh"

decided() {
	[[ $(process_field "$1" home) == "$2" ]]
}

echo 0 >"$NUMAB"
start_load load --start crossed --threads 2 --size 128M --seconds 300
a=${PIDS[0]} b=${PIDS[1]}
load mode=observe
check "it reports where process 0 belongs" within 15 decided "$a" 1
check "it reports where process 1 belongs" within 15 decided "$b" 0
at_most "it brings no threads home (per mille there in 8 s)" 900 "$(home_permille 8 "$a" 1 "$b" 0)"
at_least "it moves no memory either" 950 "$(memory_permille "$a" 1)"
is "no thread was moved by its own count" 0 $(($(stat_of threads_moved) + $(stat_of threads_swapped)))
is "no page was migrated by its own count" 0 "$(stat_of migrate_pages_isolated)"
is "no hook is in" "" "$(cat "$HOOKS")"
is "kernel.numa_balancing is as it was" 0 "$(<"$NUMAB")"
at_least "decisions has the reason in numbers" 1 \
	"$(awk -v pid="$a" 'NR > 1 && $2 == pid && $5 == "observe" && $8 > 0' "$DEBUG/decisions" | wc -l)"
mb=$(process_field "$a" mb_per_node)
seen=$(($(anon_pages "$a" 1) / 256))
at_most "MB per node agree with numa_maps (difference in MB)" 4 $((${mb#*,} > seen ? ${mb#*,} - seen : seen - ${mb#*,}))
finish
