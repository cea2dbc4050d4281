#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Other users of the functions that knumad hooks: one that claims can_migrate_task as a
# live patch does, bpftrace's kprobe and fentry, kernel.ftrace_enabled=0. Whoever comes
# second is refused or does without; nobody is broken, and all go in any order.
# Time limit: 300 s
. "$(dirname "$0")/lib.sh"

readonly OTHER=/usr/lib/knumad/other_hook.ko CALLS=/sys/module/other_hook/parameters/calls
readonly FTRACE=/proc/sys/kernel/ftrace_enabled
restore() {
	[[ ! -e /sys/module/other_hook ]] || rmmod other_hook || true
	cleanup
	echo 1 >"$FTRACE"
}
trap restore EXIT

capable() {
	awk -v name="$1" '$1 == "capability" { on = 1 } on && $1 == name { print $2 }' "$DEBUG/capabilities"
}
# counts_on: the other one is still called.
counts_on() {
	local before
	before=$(<"$CALLS")
	within 10 called_since "$before"
}
called_since() {
	(($(<"$CALLS") > $1))
}
# Lines of the other user of the function; bpftrace's has a second one, for its target.
others_aside() {
	grep -vE 'can_migrate_task|direct-->' || true
}
hooked_by_us() {
	[[ $(stat_of hooks_armed) == 1 ]]
}
warned_once() {
	[[ $(warned) == 1 ]]
}
warned() {
	klog_since | grep -c 'expected to hook can_migrate_task, ftrace said -16'
}

echo 0 >"$NUMAB"
# Busy CPUs, idle ones and short-lived tasks: the balancer asks all the time.
start_load load --start crossed --threads 2 --size 96M --seconds 1000
storm 1000 2 4 >/dev/null &

# The other one first: knumad has to do without its hooks.
check "the other one gets the function" insmod "$OTHER"
klog_mark
check "knumad loads beside it" load mode=full scan_period_ms=100
is "one line says what is wrong" 1 "$(warned)"
is "the bias is lost" no "$(capable bias)"
is "the rest is not" "yes yes" "$(capable migrate) $(capable scan)"
check "the other one works on" counts_on
unload
is "nothing of knumad remains" "" "$(remains | others_aside)"
check "the other one still works" counts_on
rmmod other_hook

# It comes while the hooks are in, and is refused.
load mode=cpu scan_period_ms=100
check "knumad has its hooks" within 20 hooked_by_us
is "the other one is refused" "Device or resource busy" "$(insmod "$OTHER" 2>&1 | sed 's/.*: //')"
is "the hooks stay in" 1 "$(stat_of hooks_armed)"
check "kernel.ftrace_enabled=0 is refused meanwhile" \
	grep -qE 'Device or resource busy|not supported' <({ echo 0 >"$FTRACE"; } 2>&1)
unload
is "nothing remains" "" "$(remains)"

# It comes while knumad has none in, and goes again.
load mode=observe scan_period_ms=100
check "with no hook in, the other one gets the function" insmod "$OTHER"
klog_mark
echo cpu >"$PARAMS/mode"
check "knumad says once that it does not get it" within 10 warned_once
sleep 8
is "and no more than once" 1 "$(warned)"
is "the hooks are not in" 0 "$(stat_of hooks_armed)"
check "the other one works on" counts_on
rmmod other_hook
check "when it has gone, the hooks come in" within 20 hooked_by_us
unload
is "nothing remains then" "" "$(remains)"

# trace PROBE: in the background, calls of the function; sets tracer.
trace() {
	bpftrace -e "$1:can_migrate_task { @asked = count(); } interval:s:1 { print(@asked); }" \
		>"$SCRATCH/$probe" 2>&1 &
	tracer=$!
}
sees() {
	grep -qE '^@asked: [1-9]' "$SCRATCH/$probe"
}
sees_or_ended() {
	sees || ! kill -0 "$tracer" 2>/dev/null
}
asked_since() {
	(($(stat_of balance_calls) > $1))
}
# bpftrace before and after: kprobes share a function, fentry may be refused or refuse.
for probe in kprobe kfunc; do
	trace "$probe"
	if ! within 60 sees; then
		if [[ $probe == kfunc ]]; then
			skip "bpftrace fentry first" "this bpftrace or kernel has none: $(head -n 1 "$SCRATCH/$probe")"
			kill -INT "$tracer" 2>/dev/null || true
			wait "$tracer" || true
			continue
		fi
		fail "bpftrace $probe sees calls" "$(head -n 5 "$SCRATCH/$probe")"
	fi
	klog_mark
	check "knumad loads beside bpftrace's $probe" load mode=cpu scan_period_ms=100
	if [[ $(capable bias) == yes ]]; then
		check "and hooks the same function" within 20 hooked_by_us
	else
		is "or says that it cannot" 1 "$(klog_since | grep -c 'expected to hook')"
	fi
	before=$(wc -l <"$SCRATCH/$probe")
	more_lines() {
		(($(wc -l <"$SCRATCH/$probe") > before + 2))
	}
	check "bpftrace's $probe goes on" within 30 more_lines
	unload
	is "knumad leaves nothing beside it" "" "$(remains | others_aside)"
	kill -INT "$tracer"
	wait "$tracer" || true
	load mode=cpu scan_period_ms=100
	check "the hooks come in again after it" within 20 hooked_by_us
	# Now the other one is second: a kprobe shares the function, fentry may not get it.
	trace "$probe"
	if [[ $probe == kprobe ]]; then
		check "bpftrace's kprobe sees calls while they are in" within 60 sees
	else
		check "bpftrace's fentry sees calls while they are in, or is refused" within 60 sees_or_ended
	fi
	is "the hooks are still in" 1 "$(stat_of hooks_armed)"
	before=$(stat_of balance_calls)
	check "and still asked" within 20 asked_since "$before"
	unload
	is "knumad leaves nothing beside the second one" "" "$(remains | others_aside)"
	kill -INT "$tracer" 2>/dev/null || true
	wait "$tracer" || true
done

stop_load
is "the load ran on" 0 "$LOAD_STATUS"
finish
