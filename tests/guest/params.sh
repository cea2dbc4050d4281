#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Every parameter: its default, good values at both ends of its range, and bad
# ones, which are refused with EINVAL and one line in the log and change nothing,
# written later as well as given to modprobe.
# Time limit: 150 s
. "$(dirname "$0")/lib.sh"

# write_error VALUE NAME: what write(2) says, "none" if nothing.
write_error() {
	local text
	if text=$({ printf '%s\n' "$1" >"$PARAMS/$2"; } 2>&1); then
		echo none
	else
		echo "${text##*: }"
	fi
}

good() {
	local name=$1 value=$2
	is "$name takes $value" "none, reads $value" "$(write_error "$value" "$name"), reads $(<"$PARAMS/$name")"
}

bad() {
	local name=$1 value=$2 before error lines
	before=$(<"$PARAMS/$name")
	klog_mark
	error=$(write_error "$value" "$name")
	lines=$(klog_since)
	if [[ $error == "Invalid argument" && $(<"$PARAMS/$name") == "$before" &&
		$lines == "knumad: $name: expected "*", got '$value'"* && $lines != *$'\n'* ]]; then
		pass "$name refuses '$value': EINVAL, one line in the log, still $before"
	else
		fail "$name refuses '$value': EINVAL, one line in the log, still $before" \
			"write said '$error', it reads '$(<"$PARAMS/$name")', the log has: $lines"
	fi
}

# passed_since PASSES: the planner has made another.
passed_since() {
	(($(stat_of plan_passes) > $1))
}

# name, default, least, most
readonly RANGES="scan_period_ms 1000 100 60000
scan_mb_per_sec 1024 1 1048576
migrate_mb_per_sec 512 1 1048576
min_rss_mb 64 1 1048576
watch_threads 1 0 1"

load
is "the default of mode" full "$(<"$PARAMS/mode")"
for mode in off observe cpu memory full; do
	good mode "$mode"
	check "debugfs says $mode too" test "$(stat_of mode)" = "$mode"
done
for value in '' nonsense FULL cpu,memory 1; do
	bad mode "$value"
done
while read -r name default least most; do
	is "the default of $name" "$default" "$(<"$PARAMS/$name")"
	good "$name" "$least"
	good "$name" "$most"
	# A pass of the planner with it.
	passes=$(stat_of plan_passes)
	echo 100 >"$PARAMS/scan_period_ms"
	check "a plan is made with $name at $most" within 5 passed_since "$passes"
	echo "$most" >"$PARAMS/$name"
	for value in $((least - 1)) $((most + 1)) -1 nonsense '' 99999999999999999999 5x; do
		bad "$name" "$value"
	done
done <<<"$RANGES"
unload

# refused PARAMETER=VALUE
refused() {
	local lines
	klog_mark
	if load "$1" 2>"$SCRATCH/error"; then
		fail "modprobe refuses $1"
		unload
		return
	fi
	lines=$(klog_since)
	if [[ $lines == "knumad: ${1%%=*}: expected "* && $lines != *$'\n'* && -z $(remains) ]]; then
		pass "modprobe refuses $1, with one line in the log, and leaves nothing"
	else
		fail "modprobe refuses $1, with one line in the log, and leaves nothing" "$lines" "$(remains)"
	fi
}
refused mode=nonsense
while read -r name _ least most; do
	refused "$name=$((least - 1))"
	refused "$name=$((most + 1))"
done <<<"$RANGES"

load mode=observe min_rss_mb=7
is "modprobe's values are taken" "observe 7" "$(cat "$PARAMS/mode" "$PARAMS/min_rss_mb" | paste -sd' ')"
unload
finish
