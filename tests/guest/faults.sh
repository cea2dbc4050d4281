#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Every row of the capability table made to fail, one at a time, by the fault parameter:
# where the row is essential modprobe fails with one line and leaves nothing; where it is
# not, the module loads with that one capability gone, says so in one line, and scans processes
# and gives them homes with the rest; where this kernel has another form of the same, that is used.
# Time limit: 500 s
. "$(dirname "$0")/lib.sh"

# The second part of the table, as words: capability works.
capabilities() {
	awk '$1 == "capability" { on = 1; next } /^$/ { on = 0 } on { print $1, $2 }' "$DEBUG/capabilities"
}

# refused FAULT ROW: the module must not load.
refused() {
	local lines
	klog_mark
	if load "fault=$1" 2>/dev/null; then
		echo "$1: it loaded"
		unload
		return
	fi
	lines=$(klog_since)
	[[ $lines == *'not loaded'*'expected '* && $lines == *"$2"* && $lines != *$'\n'* ]] ||
		echo "$1: expected one line that says why, found: $lines"
	lines=$(remains)
	[[ -z $lines ]] || echo "$1: left behind: $lines"
}

# degraded FAULT ROW CAPABILITY MODE: it must load without the capability, and work in MODE.
degraded() {
	local fault=$1 row=$2 capability=$3 mode=$4 lines lost
	klog_mark
	if ! load "fault=$fault" mode="$mode" scan_period_ms=200 2>/dev/null; then
		echo "$fault: it did not load: $(klog_since)"
		return
	fi
	lines=$(klog_since | grep -v ': loaded, mode' || true)
	lost=$(capabilities | awk '$2 != "yes" { print $1 }' | paste -sd' ')
	if [[ -z $lost ]]; then
		# Another form of the same stepped in: said in the table, and nowhere else.
		[[ -z $lines ]] || echo "$fault: nothing is lost, but the log says: $lines"
		awk -v row="$row" '$1 == row && $6 == "ok" { bad = 1 } END { exit bad }' "$DEBUG/capabilities" ||
			echo "$fault: the table still says ok"
	else
		[[ $lost == "$capability" ]] || echo "$fault: expected to lose $capability, lost: $lost"
		# Of several forms, none of which is there, the line names the newest.
		[[ $lines == *degraded*'expected '*'found '* && $lines != *$'\n'* &&
			($lines == *"$row"* || $lines == *'or another known form'*) ]] ||
			echo "$fault: expected one line that says what is lost, found: $lines"
	fi
	within 20 works || echo "$fault: it gives no home in mode=$mode: $(paste -sd' ' "$DEBUG/processes")"
	unload || echo "$fault: rmmod failed"
	lines=$(remains)
	[[ -z $lines ]] || echo "$fault: left behind: $lines"
}

# works: both processes of the load have been scanned and have a home.
works() {
	local pid
	(($(stat_of scan_passes) > 1)) || return 1
	for pid in "${PIDS[@]}"; do
		[[ $(process_field "$pid" home) == [01] ]] || return 1
	done
}

# What still works without a capability.
declare -A mode_without=([bias]=memory [move]=memory [migrate]=cpu [cache]=memory [quota]=memory [young]=memory)

start_load load --start crossed --threads 1 --size 96M --seconds 480
load mode=off
mapfile -t rows < <(awk '/^$/ { exit } NR > 1 { print $1, $2, $3, $4 }' "$DEBUG/capabilities")
unload
count=0
for line in "${rows[@]}"; do
	read -r row kind capability essential <<<"$line"
	faults=(missing)
	[[ $kind == data ]] || faults+=(different)
	[[ $kind != hook ]] || faults+=(split)
	bad=''
	for fault in "${faults[@]}"; do
		if [[ $essential == yes ]]; then
			bad+=$(refused "$row=$fault" "${row#*.}")
		else
			bad+=$(degraded "$row=$fault" "$row" "$capability" "${mode_without[$capability]}")
		fi
		count=$((count + 1))
	done
	is "$row ${faults[*]}: as its row says" "" "$bad"
done
at_least "faults tried" 40 "$count"

klog_mark
if load fault=nonsense=missing 2>/dev/null; then
	fail "a fault of no row is refused"
	unload
else
	check "a fault of no row is refused, with one line" grep -q "fault: expected ROW=missing" <(klog_since)
fi
stop_load
# Threads that no hook would keep at home are not moved there: memory comes to them.
start_load load --start crossed --threads 1 --size 96M --seconds 160
load fault=can_migrate_task=split scan_period_ms=300
memory_comes() {
	(($(stat_of migrate_pages_ok) > 96 * 256))
}
check "mode=full without its hook brings memory" within 30 memory_comes
sleep 2
is "and moves no thread" 0 $(($(stat_of threads_moved) + $(stat_of threads_swapped)))
unload
stop_load
start_load load --start crossed --threads 1 --size 96M --seconds 100
load fault=migrate_swap=missing
away() {
	memory_home "${PIDS[0]}" 0 && memory_home "${PIDS[1]}" 1 || all_home "${PIDS[0]}" 1 "${PIDS[1]}" 0
}
check "mode=full does without one what it can" within 30 away
unload
finish
