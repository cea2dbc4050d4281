#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# An exchange of which one half is raced: some of its pages are in use for I/O whenever it comes
# to them, and others are given back and filled anew while they are on their way. The other half
# is not left to drain the node; nothing of it is lost, and in the end both are at home.
# Time limit: 200 s
. "$(dirname "$0")/lib.sh"

readonly RACED_MB=48 PLAIN_MB=80 BATCH_PAGES=1024
readonly SCALE=/proc/sys/vm/watermark_scale_factor
trace=/sys/kernel/tracing
usual=$(<"$SCALE")

restore() {
	cleanup
	echo "$usual" >"$SCALE"
}
trap restore EXIT

echo 0 >"$NUMAB"
# Far from the high watermark down to where exchanges stop anyway: 30 MB.
echo 200 >"$SCALE"
start_hold a 1 0x1 raced:$RACED_MB plain:$PLAIN_MB
a=$HOLD_PID
raced=$(start_of a raced)
start_hold b 0 1x1 plain:$((RACED_MB + PLAIN_MB))
b=$HOLD_PID
load mode=off min_rss_mb=64 scan_period_ms=300
echo 1 >"$trace/events/knumad/knumad_exchange/enable"	# the ring buffer needs its memory
fill_up high 3
killed=$(event oom_kill)
# What is free above the high watermark, anything may fill.
room=("$(last_zone_above high 0)" "$(last_zone_above high 1)")
before=("$(free_pages 0)" "$(free_pages 1)")
echo memory >"$PARAMS/mode"
if within 60 memory_home "$a" 0 "$b" 1; then
	pass "both have 95 % of their memory at home"
	diag "after $WAITED s"
else
	fail "both have 95 % of their memory at home" "$(state)"
fi
at_least "among it most of what is raced (pages)" $((RACED_MB * 256 * 80 / 100)) "$(anon_pages "$a" 0 "$raced")"
at_least "by exchange (pages)" $((PLAIN_MB * 256)) "$(stat_of exchange_pages)"
at_least "batches failed in part (pages)" 500 "$(stat_of migrate_pages_failed)"
for node in 0 1; do
	((room[node] > 0)) || room[node]=0
	least=$(least_free $node)
	# Half a batch is for what the test's own processes use, and for what is on per-CPU lists.
	at_most "node $node's free memory fell by no more than a batch below that room (pages)" \
		$((room[node] + BATCH_PAGES * 3 / 2)) $((before[node] - ${least:-0}))
done
diag "room: ${room[*]} pages"
diag "$(grep -E '^(exchange|migrate_pages)' "$DEBUG/stats" | tr '\n' ' ')"
is "nobody was killed for memory" "$killed" "$(event oom_kill)"
unload
check "no page is left isolated" within 8 none_isolated
for pid in "$a" "$b"; do
	stop_hold "$pid"
	is "all memory is right" 0 "$HOLD_STATUS"
done
empty "${FILL[@]}"
finish
