#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# An exchange between full nodes that is cut off while it is under way: by rmmod, by the mode, by
# a plan that changes because the threads now are where the memory was, by one of the two
# processes' end. Each time it is dropped, no page is left isolated, no node is short of
# more than a batch by it, and what the one that is left has in memory is right.
# Time limit: 300 s
. "$(dirname "$0")/lib.sh"

readonly SIZE_MB=128 BATCH_PAGES=1024
trace=/sys/kernel/tracing

# So slow that it is still under way when it is cut off.
readonly RATE="migrate_mb_per_sec=8"

running() {
	grep -q ' running ' "$DEBUG/exchanges" && (($(stat_of exchange_pages) > 512))
}

# under_way WHAT: both legs have moved some, and there is more to do.
under_way() {
	if within 60 running; then
		pass "$1: an exchange is under way"
	else
		fail "$1: an exchange is under way" "$(state)"
	fi
}

never_short() {
	at_most "$1: no node was short of more than a batch by it (pages)" $BATCH_PAGES "$(most_put_on)"
	echo >"$trace/trace"
}

none_runs() {
	! grep -q ' running ' "$DEBUG/exchanges"
}

# begins: the module, with the tracepoint on.
begins() {
	load mode=off min_rss_mb=64 scan_period_ms=300 $RATE
	echo 1 >"$trace/events/knumad/knumad_exchange/enable"
	echo memory >"$PARAMS/mode"
}

echo 0 >"$NUMAB"
killed=$(event oom_kill)
start_hold a 1 0x1 plain:$SIZE_MB
a=$HOLD_PID
start_hold b 0 1x1 plain:$SIZE_MB
b=$HOLD_PID
load mode=off
echo 1 >"$trace/events/knumad/knumad_exchange/enable"	# the ring buffer needs its memory
fill_up low 3
unload

begins
under_way "rmmod"
never_short "rmmod" # its tracepoints go with it, and what they said
start=0 now=0
now_ds start
check "rmmod in the middle of an exchange" unload
now_ds now
at_most "it does not wait for the exchange's end (tenths of a second)" 50 $((now - start))
check "no page is left isolated" within 8 none_isolated
is "nothing remains" "" "$(remains)"

begins
under_way "mode"
echo off >"$PARAMS/mode"
check "mode=off ends it" within 5 none_runs
sleep 1 # a batch that was under way is not cut off
moved=$(stat_of exchange_pages)
sleep 2
at_most "and no page moves any more (pages)" "$moved" "$(stat_of exchange_pages)"
at_least "debugfs says that it was dropped" 1 "$(grep -c ' pair dropped ' "$DEBUG/exchanges")"
check "no page is left isolated then" within 8 none_isolated

echo memory >"$PARAMS/mode"
under_way "plan"
ended=$(grep -c ' dropped ' "$DEBUG/exchanges")
dropped_another() {
	(($(grep -c ' dropped ' "$DEBUG/exchanges") > ended))
}
pin "$a" 1
pin "$b" 0
check "when the threads change places, it is dropped" within 20 dropped_another
# From here on all has to come home, the last of it alone, which fills a node to its high watermark
# only, and what else the guest has there may have grown: of what filled the nodes a part goes.
empty "${FILL[@]:2}"
echo 1024 >"$PARAMS/migrate_mb_per_sec"
if within 60 memory_home "$a" 1 "$b" 0; then
	pass "and what it had moved comes back"
else
	fail "and what it had moved comes back" "$(state)"
fi
never_short "plan"

echo ${RATE#*=} >"$PARAMS/migrate_mb_per_sec"
pin "$a" 0
pin "$b" 1
under_way "exit"
kill -KILL "$a"
wait "$a" 2>/dev/null || true
check "when one of the two has exited, it is dropped" within 20 none_runs
echo 1024 >"$PARAMS/migrate_mb_per_sec"
if within 60 memory_home "$b" 1; then
	pass "and the other's memory comes home alone"
else
	fail "and the other's memory comes home alone" "$(state)"
fi
stop_hold "$b"
is "the other's memory is right" 0 "$HOLD_STATUS"
check "no page is left isolated in the end" within 8 none_isolated
unload
is "nobody was killed for memory" "$killed" "$(event oom_kill)"
finish
