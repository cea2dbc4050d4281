#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Recently used pages first: of a process on the wrong node the part that its threads use
# comes home before the part that they do not, though that has the lower addresses; and
# the kernel's own reclaim still sees what was accessed. debugfs shows what is active.
# Time limit: 300 s
. "$(dirname "$0")/lib.sh"

readonly COLD_MB=96 HOT_MB=24

# referenced_mb PID START: how much of a mapping the kernel takes for accessed.
referenced_mb() {
	awk -v start="$2" '
		/^[0-9a-f]+-[0-9a-f]+ / { on = index($1, start "-") == 1 }
		on && $1 == "Referenced:" { print int($2 / 1024) }' "/proc/$1/smaps"
}

referenced_again() {
	(($(referenced_mb "$1" "$2") >= COLD_MB * 95 / 100))
}

home_mb() {
	echo $(($(anon_pages "$1" 0 "$2") / 256))
}

hot_is_home() {
	(($(home_mb "$pid" "$hot") >= HOT_MB * 90 / 100))
}

# active_mb PID NODE
active_mb() {
	process_field "$1" active_mb_per_node | cut -d, -f$(($2 + 1))
}

active_is_small() {
	(($(active_mb "$pid" 0) <= HOT_MB + COLD_MB / 3))
}

looked_again() {
	(($(stat_of scan_looks) >= 2))
}

echo 0 >"$NUMAB"
ticker 0

# At rest: threads and memory are where they belong, so that nothing moves.
start_hold rest 0 0x1 cold:$COLD_MB plain:$HOT_MB
pid=$HOLD_PID
cold=$(start_of rest cold)
at_least "the kernel takes all of it for accessed at first (MB)" $((COLD_MB * 95 / 100)) "$(referenced_mb "$pid" "$cold")"
load mode=observe min_rss_mb=32 scan_period_ms=300
sleep 2
is "mode=observe takes no accessed bit: what is active is not known" - "$(process_field "$pid" active_mb_per_node)"
echo memory >"$PARAMS/mode"
check "what is active is shown within 20 s" within 20 active_is_known "$pid"
within 20 active_is_small || true
at_least "what the thread reads is active (MB)" $((HOT_MB * 85 / 100)) "$(active_mb "$pid" 0)"
at_most "the rest is not (MB)" $((HOT_MB + COLD_MB / 3)) "$(active_mb "$pid" 0)"
is "nothing is active on the other node (MB)" 0 "$(active_mb "$pid" 1)"
check "the kernel sees the rest as accessed after that" within 10 referenced_again "$pid" "$cold"
check "scans look again and again" within 20 looked_again
# In the middle of whatever it is doing.
unload
at_least "and after rmmod at once (MB)" $((COLD_MB * 95 / 100)) "$(referenced_mb "$pid" "$cold")"
load min_rss_mb=32 scan_period_ms=1000
within 10 active_is_known "$pid" || true
sleep 1.5
echo off >"$PARAMS/mode"
check "and with mode=off" within 5 referenced_again "$pid" "$cold"
unload
stop_hold "$pid"
is "the content of the one at rest is right" 0 "$HOLD_STATUS"

# On the wrong node, cold memory at the lower addresses.
start_hold move 1 0x1 cold:$COLD_MB plain:$HOT_MB
pid=$HOLD_PID
cold=$(start_of move cold)
hot=$(start_of move plain)
# Threads cannot be moved here, so mode=cpu only gets to know what is active.
load mode=cpu min_rss_mb=32 scan_period_ms=300 migrate_mb_per_sec=4 watch_threads=0
check "mode=cpu gets to know what is active" within 20 active_is_known "$pid"
echo memory >"$PARAMS/mode"
if within 90 hot_is_home; then
	pass "the part in use comes home"
else
	fail "the part in use comes home" "$(cat "$DEBUG/processes"; grep -E 'scan|migrate|skip' "$DEBUG/stats")"
fi
came=$(home_mb "$pid" "$cold")
diag "after $WAITED s; of the other part $came of $COLD_MB MB had come by then"
at_most "before most of the other part (MB)" $((COLD_MB / 6)) "$came"
at_least "counted as moved first (pages)" $((HOT_MB * 256 * 8 / 10)) "$(stat_of migrate_pages_hot)"
echo 64 >"$PARAMS/migrate_mb_per_sec"
check "the other part follows" within 90 memory_home "$pid" 0
at_most "no page moved twice" $(((COLD_MB + HOT_MB + 8) * 256)) "$(stat_of migrate_pages_ok)"
is "where threads are was not looked at (pages)" 0 "$(stat_of migrate_pages_in_use)"
looks=$(stat_of scan_looks)
stop_hold "$pid"
is "then all is right" 0 "$HOLD_STATUS"
diag "$looks looks, $(stat_of scan_passes) passes"
unload
finish
