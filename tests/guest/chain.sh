#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Three full nodes, the memory of each of three processes on the node before its threads':
# no two can change places so that both come home. It goes around in one exchange, in turn,
# and no node is short of more than a batch at any moment. Then two nodes on which nothing at
# all is free, and a third one with room: that is where their exchange begins, and what it put
# there comes home later.
# Time limit: 360 s
. "$(dirname "$0")/lib.sh"

readonly SIZE_MB=160 BATCH_PAGES=1024 MIN_FREE=/proc/sys/vm/min_free_kbytes
trace=/sys/kernel/tracing

# bounced_of PID…: pages of these that went to a node which had no part in their exchange.
bounced_of() {
	awk -v pids=" $* " 'NR > 1 {
		n = split($NF, legs, ",")
		for (i = 1; i <= n; i++) {
			m = split(legs[i], field, ":")
			if (index(pids, " " field[1] " "))
				sum += field[m]
		}
	} END { print sum + 0 }' "$DEBUG/exchanges"
}

# for_exchange NODE: twice the pages free above half way from the minimum to the low watermark,
# which is as far down as an exchange goes.
for_exchange() {
	echo $(($(free_above min "$1") + $(free_above low "$1")))
}

# Others free some pages now and then: a little less than nothing is to be left.
nothing_free() {
	(($(for_exchange "$1") <= -BATCH_PAGES))
}

nearly_home() {
	(($(memory_permille "$a" 0) >= 700 && $(memory_permille "$b" 1) >= 700))
}

explain() {
	cat "$DEBUG/processes" "$DEBUG/exchanges" "$DEBUG/nodes"
	grep -E 'exch|migrate|skip' "$DEBUG/stats"
}

# comes_home WHAT SECONDS PID NODE…
comes_home() {
	local what=$1 seconds=$2
	shift 2
	if within "$seconds" memory_home "$@"; then
		pass "$what"
		diag "after $WAITED s"
	else
		fail "$what" "$(explain)"
	fi
}

# never_short: by the trace, what exchanges had put on a node beyond what had left it.
never_short() {
	at_most "no node was ever short of more than a batch by it (pages)" $BATCH_PAGES "$(most_put_on)"
	at_least "and the trace has each of its batches" $((SIZE_MB * 256 / BATCH_PAGES)) \
		"$(grep -c 'put_on=' "$trace/trace")"
}

echo 0 >"$NUMAB"
killed=$(event oom_kill)
pids=()
for node in 0 1 2; do
	start_hold "node$node" $node $(((node + 1) % 3))x1 plain:$SIZE_MB
	pids+=("$HOLD_PID")
done
load mode=off min_rss_mb=64 scan_period_ms=300
echo 1 >"$trace/events/knumad/knumad_exchange/enable"
fill_up low 3 0 1 2
diag "free above low: $(free_above low 0), $(free_above low 1) and $(free_above low 2) pages"
echo memory >"$PARAMS/mode"
comes_home "three processes' memory goes around, each 95 % home" 150 \
	"${pids[0]}" 1 "${pids[1]}" 2 "${pids[2]}" 0
diag "$(tail -n +2 "$DEBUG/exchanges" | head -n 4)"
at_least "in one exchange of three" 1 \
	"$(grep -cE "^[0-9.]+ [0-9.-]+ chain [a-z]+ .*(${pids[0]}:0>1.*|${pids[1]}:1>2.*|${pids[2]}:2>0.*){3}" "$DEBUG/exchanges")"
never_short
all_right "${pids[@]}"
empty "${FILL[@]}"
unload

# The watermarks are raised above what is free, so that there is none to begin with.
echo >"$trace/trace"
start_hold a 1 0x1 plain:$SIZE_MB
a=$HOLD_PID
start_hold b 0 1x1 plain:$SIZE_MB
b=$HOLD_PID
load mode=off min_rss_mb=64 scan_period_ms=300
echo 1 >"$trace/events/knumad/knumad_exchange/enable"
fill_up low 2 0 1
usual=$(<"$MIN_FREE")
raised=$usual
while ! nothing_free 0 || ! nothing_free 1; do
	raised=$((raised + 256))
	echo $raised >"$MIN_FREE"
done
for node in 0 1; do
	at_most "node $node has nothing free for an exchange (pages)" 0 "$(for_exchange $node)"
done
at_least "node 2 has room (pages)" $((16 * BATCH_PAGES)) "$(free_above high 2)"
echo memory >"$PARAMS/mode"
if within 120 nearly_home; then
	pass "with nothing free on both nodes most of their memory changes places"
	diag "after $WAITED s: $(memory_permille "$a" 0) and $(memory_permille "$b" 1) per mille"
else
	fail "with nothing free on both nodes most of their memory changes places" "$(explain)"
fi
at_least "it began with pages that went to the third (pages)" 1 "$(stat_of exchange_bounced)"
at_least "the trace shows them going there (batches)" 1 "$(grep -c 'kind=pair .* node=[01]->2 ' "$trace/trace")"
at_least "debugfs says of which processes (pages)" "$(stat_of exchange_bounced)" "$(bounced_of "$a" "$b")"
at_most "which were few (pages)" $((8 * BATCH_PAGES)) "$(stat_of exchange_bounced)"
never_short
diag "$(tail -n +2 "$DEBUG/exchanges" | head -n 4)"
echo "$usual" >"$MIN_FREE"
empty "${FILL[@]}"
comes_home "what was put there comes home when there is room" 30 "$a" 0 "$b" 1
all_right "$a" "$b"
unload
is "nobody was killed for memory" "$killed" "$(event oom_kill)"
finish
