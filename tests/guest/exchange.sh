#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Both nodes full down to about their low watermark, two bound processes crossed: their
# memory changes places while they write it, and no node's free memory falls by more than
# one batch. The kernel's own NUMA balancing does not get there. Then a process whose
# partner is idle, one whose partner runs little at home, a partner whose memory cannot move,
# and one that exits half-way.
# Time limit: 350 s
. "$(dirname "$0")/lib.sh"

readonly SIZE_MB=192 BATCH_PAGES=1024
trace=/sys/kernel/tracing

# leg_moved PID FROM TO: pages of the process that the last exchange moved, by debugfs.
leg_moved() {
	sed -n "s/.*[ ,]$1:$2>$3:\([0-9]*\):.*/\1/p" "$DEBUG/exchanges" | tail -n 1
}

moves_some() {
	local moved
	moved=$(leg_moved "$@")
	((${moved:-0} > 0))
}

echo 0 >"$NUMAB"
start_load load --start crossed --threads 1 --size ${SIZE_MB}M --seconds 280 --verify
a=${PIDS[0]} b=${PIDS[1]}
away=0
memory_home "$a" 1 || away=1
pin "$a" $away
pin "$b" $((1 - away))
load mode=off min_rss_mb=100 scan_period_ms=300
echo 1 >"$trace/events/knumad/knumad_exchange/enable"
fill_up low 3
diag "free above low: $(free_above low 0) and $(free_above low 1) pages, above high: $(free_above high 0) and $(free_above high 1)"
at_most "no node has room for a batch of a migration (MiB)" 3 "$(awk 'NR > 1 { print $6 }' "$DEBUG/nodes" | sort -n | tail -n 1)"

echo 1 >"$NUMAB"
sleep 8
at_most "NUMA balancing has not brought the memory (per mille)" 500 "$(memory_permille "$a" $away)"
echo 0 >"$NUMAB"

killed=$(event oom_kill)
echo full >"$PARAMS/mode"
if within 60 memory_home "$a" $away "$b" $((1 - away)); then
	pass "both have 95 % of their memory at home"
	diag "after $WAITED s"
else
	fail "both have 95 % of their memory at home" \
		"$(cat "$DEBUG/processes" "$DEBUG/exchanges" "$DEBUG/nodes"; grep -E 'exch|migrate|skip' "$DEBUG/stats")"
fi
at_most "no node was ever short of more than a batch by it, at any moment (pages)" $BATCH_PAGES "$(most_put_on)"
at_least "debugfs shows the exchange, and why" 1 "$(grep -cE "^[0-9.]+ [0-9.-]+ pair [a-z]+ [0-9]+ .*$a:$((1 - away))>$away:[0-9]+:[0-9]+>[0-9]+" "$DEBUG/exchanges")"
diag "$(tail -n +2 "$DEBUG/exchanges" | head -n 3)"
is "nobody was killed for memory" "$killed" "$(event oom_kill)"
moved=$(stat_of exchange_pages)
sleep 4
at_most "then it rests (pages)" $((moved + 256)) "$(stat_of exchange_pages)"
unload
stop_load
is "all memory is right" 0 "$LOAD_STATUS"
empty "${FILL[@]}"

# The process whose memory is in the way hardly runs.
echo 0 >"$trace/events/enable"
start_hold idle 0 - plain:$SIZE_MB
idle=$HOLD_PID
start_hold busy 1 0x1 plain:$SIZE_MB
busy=$HOLD_PID
fill_up low 3
load min_rss_mb=100 scan_period_ms=300
# As far as there was no free memory, which newer kernels have more of on per-CPU lists.
if within 60 memory_home "$busy" 0; then
	pass "the memory of a busy one comes home to where that of an idle one is"
else
	fail "the memory of a busy one comes home to where that of an idle one is" "$(state)"
fi
at_least "which gives way (pages)" $((SIZE_MB * 256 * 2 / 3)) "$(anon_pages "$idle" 1)"
at_least "debugfs says so" 1 "$(grep -c ' give-way ' "$DEBUG/exchanges")"
unload
stop_hold "$idle"
is "its memory is right" 0 "$HOLD_STATUS"
stop_hold "$busy"
is "that of the busy one is right, too" 0 "$HOLD_STATUS"
empty "${FILL[@]}"

# It runs at home, with all its memory, but an eighth as much as the one that would gain.
HOLD_BUSY=12 start_hold little 0 0x1 plain:$SIZE_MB
little=$HOLD_PID
start_hold busy 1 0x1 plain:$SIZE_MB
busy=$HOLD_PID
fill_up low 3
load min_rss_mb=100 scan_period_ms=300
if within 60 memory_home "$busy" 0; then
	pass "nor is one in the way that runs little"
	diag "after $WAITED s"
else
	fail "nor is one in the way that runs little" "$(state)"
fi
at_least "it gives way, though it is at home (pages)" $((SIZE_MB * 256 * 2 / 3)) "$(anon_pages "$little" 1)"
is "and keeps its home" 0 "$(process_field "$little" home)"
sleep 4
at_most "what changed places was moved once (pages)" $((SIZE_MB * 256 * 2 + 8192)) "$(stat_of migrate_pages_ok)"
moved=$(stat_of exchange_pages)
sleep 6
at_most "then both rest (pages)" $((moved + 256)) "$(stat_of exchange_pages)"
unload
stop_hold "$little"
is "its memory is right, too" 0 "$HOLD_STATUS"
empty "$busy" "${FILL[@]}"

# The partner's pages cannot be moved, as they are in a pipe, which nobody knows before it
# is tried: its node must not be drained by the other half.
start_hold stuck 0 1x1 spliced:$SIZE_MB
stuck=$HOLD_PID
start_hold free 1 0x1 plain:$SIZE_MB
free=$HOLD_PID
fill_up high 12
room=$(room_of 0) before=$(left_for_others 0)
load min_rss_mb=100 scan_period_ms=300
check "a batch is tried" within 30 moves_some "$free" 1 0
sleep 5
# What is free above the high watermark, anything may fill; half a batch is for what others use. An
# exchange that does not stop goes two batches below it.
at_most "where one half fails the other does not drain its node (pages)" \
	$((room + BATCH_PAGES * 3 / 2)) $((before - $(left_for_others 0)))
diag "above the high watermark there were $room"
at_least "the failures are counted" 1 "$(stat_of migrate_pages_failed)"
kill -KILL "$stuck"
wait "$stuck" 2>/dev/null || true
# What it frees is partly on per-CPU lists, and of zone DMA nothing is taken: room for the last of it.
empty "${FILL[2]}"
if within 30 memory_home "$free" 0; then
	pass "when it has exited, the other's memory comes home"
else
	fail "when it has exited, the other's memory comes home" \
		"$(cat "$DEBUG/processes" "$DEBUG/nodes" "$DEBUG/exchanges"; grep -E 'exch|migrate|skip' "$DEBUG/stats")"
fi
unload
stop_hold "$free"
is "and is right" 0 "$HOLD_STATUS"
empty "${FILL[@]}"
for node in 0 1; do
	is "no page of node $node is left isolated" 0 \
		"$(awk '$1 == "nr_isolated_anon" { print $2 }' "/sys/devices/system/node/node$node/vmstat")"
done
finish
