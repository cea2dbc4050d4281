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
readonly LISTS=/proc/sys/vm/percpu_pagelist_high_fraction
usual=$(<"$SCALE")
sampler=''

# Raced pages stay where they are for seconds: the least of some samples a second is the least.
sample() {
	local node
	while nap 0.1; do
		for node in 0 1; do
			left_for_others $node >>"$SCRATCH/free$node"
		done
	done
}

end_sampling() {
	[[ -n $sampler ]] || return 0
	kill "$sampler" 2>/dev/null || true
	wait "$sampler" 2>/dev/null || true
	sampler=''
}

restore() {
	end_sampling
	cleanup
	echo "$usual" >"$SCALE"
	[[ ! -e $LISTS ]] || echo 0 >"$LISTS"
}
trap restore EXIT

echo 0 >"$NUMAB"
# Far from the high watermark down to where exchanges stop anyway: 30 MB.
echo 200 >"$SCALE"
# CPUs' lists of free pages, which have room as well, as short as they can be (from 5.14 on).
[[ ! -e $LISTS ]] || echo 10000 >"$LISTS"
start_hold a 1 0x1 raced:$RACED_MB plain:$PLAIN_MB
a=$HOLD_PID
raced=$(start_of a raced)
start_hold b 0 1x1 plain:$((RACED_MB + PLAIN_MB))
b=$HOLD_PID
load mode=off min_rss_mb=64 scan_period_ms=300
fill_up high 3
killed=$(event oom_kill)
room=("$(room_of 0)" "$(room_of 1)")
before=("$(left_for_others 0)" "$(left_for_others 1)")
sample &
sampler=$!
echo memory >"$PARAMS/mode"
if within 60 mostly_home "$a" 0 "$b" 1; then
	pass "both have 85 % of their memory at home"
	diag "after $WAITED s"
else
	fail "both have 85 % of their memory at home" "$(state)"
fi
at_least "among it half of what is raced (pages)" $((RACED_MB * 256 / 2)) "$(anon_pages "$a" 0 "$raced")"
at_least "by exchange (pages)" $((PLAIN_MB * 256)) "$(stat_of exchange_pages)"
at_least "batches failed in part (pages)" 500 "$(stat_of migrate_pages_failed)"
end_sampling
for node in 0 1; do
	least=$(sort -n "$SCRATCH/free$node" | head -n 1)
	# Half a batch is for what the test's own processes use.
	at_most "node $node's free memory fell by no more than a batch below that room (pages)" \
		$((room[node] + BATCH_PAGES * 3 / 2)) $((before[node] - ${least:-0}))
	at_least "and was looked at again and again" 6 "$(wc -l <"$SCRATCH/free$node")"
done
diag "room: ${room[*]} pages"
diag "$(grep -E '^(exchange|migrate_pages)' "$DEBUG/stats" | tr '\n' ' ')"
is "nobody was killed for memory" "$killed" "$(event oom_kill)"
unload
check "no page is left isolated" within 8 none_isolated
all_right "$a" "$b"
empty "${FILL[@]}"
finish
