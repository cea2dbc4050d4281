#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Recently used pages first, in an exchange as well: two crossed processes on full nodes, each
# with a part that its thread uses and a part that it does not, at lower addresses. Of both what
# is used changes places first, small pages of the one against huge pages of the other.
# Time limit: 250 s
. "$(dirname "$0")/lib.sh"

readonly COLD_MB=96 HOT_MB=24
trace=/sys/kernel/tracing

# home_mb PID NODE START: of one mapping.
home_mb() {
	echo $(($(anon_pages "$1" "$2" "$3") / 256))
}

hot_is_home() {
	(($(home_mb "$a" 0 "$hot_a") >= HOT_MB * 90 / 100 && $(home_mb "$b" 1 "$hot_b") >= HOT_MB * 90 / 100))
}

both_known() {
	active_is_known "$a" && active_is_known "$b"
}

echo 0 >"$NUMAB"
ticker 0 1
start_hold a 1 0x1 cold:$COLD_MB plain:$HOT_MB
a=$HOLD_PID
hot_a=$(start_of a plain)
start_hold b 0 1x1 cold:$COLD_MB thp:$HOT_MB
b=$HOLD_PID
hot_b=$(start_of b thp)
at_least "the second one has huge pages" $((HOT_MB / 2 - 1)) \
	"$(awk '$1 == "AnonHugePages:" { print int($2 / 2048) }' "/proc/$b/smaps_rollup")"
# Threads cannot be moved here, so mode=cpu only gets to know what is active.
load mode=cpu min_rss_mb=32 scan_period_ms=300 migrate_mb_per_sec=4 watch_threads=0
echo 1 >"$trace/events/knumad/knumad_exchange/enable"
fill_up low 3
check "mode=cpu gets to know what is active" within 30 both_known
sleep 2
echo memory >"$PARAMS/mode"
if within 60 hot_is_home; then
	pass "the parts in use change places"
else
	fail "the parts in use change places" "$(state)"
fi
came_a=$(home_mb "$a" 0 "$(start_of a cold)")
came_b=$(home_mb "$b" 1 "$(start_of b cold)")
diag "after $WAITED s; of the other parts $came_a and $came_b of $COLD_MB MB had by then"
at_most "before most of the other part of the first (MB)" $((COLD_MB / 4)) "$came_a"
at_most "and of the second (MB)" $((COLD_MB / 4)) "$came_b"
at_least "by exchange, not into what was free (pages)" $((HOT_MB * 256 / 4)) "$(stat_of exchange_pages)"
at_least "counted as moved first (pages)" $((HOT_MB * 256 * 2 * 8 / 10)) "$(stat_of migrate_pages_hot)"
echo 64 >"$PARAMS/migrate_mb_per_sec"
if within 60 mostly_home "$a" 0 "$b" 1; then
	pass "the other parts follow"
else
	fail "the other parts follow" "$(state)"
fi
at_most "no page moved twice" $((((COLD_MB + HOT_MB) * 2 + 16) * 256)) "$(stat_of migrate_pages_ok)"
diag "$(grep -E '^(exchange|migrate_)' "$DEBUG/stats" | tr '\n' ' ')"
unload
all_right "$a" "$b"
empty "${FILL[@]}"
finish
