#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# scripts/survey: what it says before knumad is loaded is what knumad says after, as
# root and as any user; and on kernels that are made to lack something.
# Time limit: 200 s
. "$(dirname "$0")/lib.sh"

readonly SURVEY=/knumad/scripts/survey
readonly FUNCTIONS=/sys/kernel/tracing/available_filter_functions
readonly FTRACE=/proc/sys/kernel/ftrace_enabled
chmod 755 "$SCRATCH"

# as USER COMMAND…: root or nobody.
as() {
	if [[ $1 == root ]]; then
		"${@:2}"
	else
		setpriv --reuid=65534 --regid=65534 --clear-groups "${@:2}"
	fi
}

# survey USER [OPTION…]: sets STATUS and leaves the report in $SCRATCH/report.
survey() {
	STATUS=0
	as "$1" "$SURVEY" "${@:2}" >"$SCRATCH/report" 2>&1 || STATUS=$?
}

# rows FILE: the table of symbols without what only a loaded module has.
rows() {
	awk '/^symbol / { on = 1 } on && /^$/ { exit } on' "$1" | cut -c-65 | sed 's/ *$//'
}

# caps FILE: the capability table.
caps() {
	awk '/^capability / { on = 1 } on && /^$/ { exit } on' "$1"
}

# check_of NAME: the verdict of one line of the report's checks.
check_of() {
	awk -v name="$1" 'index($0, name " ") == 1 { print substr($0, 33, 4) }' "$SCRATCH/report" | sed 's/ *$//'
}

closing() {
	tail -n 1 "$SCRATCH/report"
}

# agrees WHAT: the report and the loaded module have the same tables.
agrees() {
	is "$1: its rows are the module's" "$(rows "$DEBUG/capabilities")" "$(rows "$SCRATCH/report")"
	is "$1: its capabilities are the module's" "$(caps "$DEBUG/capabilities")" "$(caps "$SCRATCH/report")"
}

# verdict WHAT CLOSING STATUS
verdict() {
	is "$1: its last line" "$2" "$(closing)"
	is "$1: its exit status" "$3" "$STATUS"
}

# reason_of: what the report says of the one row that is lost.
reason_of() {
	grep -E '^[a-z_.]+: expected ' "$SCRATCH/report"
}

# without NAME: $SCRATCH/symbols is this kernel's symbols but for that one.
without() {
	awk -v name="$1" '$3 != name' /proc/kallsyms >"$SCRATCH/symbols"
}

# Stock: it works.
load mode=observe
at_least "there are rows to compare" 20 "$(rows "$DEBUG/capabilities" | wc -l)"
for user in root nobody; do
	survey "$user"
	agrees "$user"
	verdict "$user" "knumad will work on this kernel" 0
	is "$user: every configuration option fits" "" \
		"$(awk '/^CONFIG_/ && $2 != "yes"' "$SCRATCH/report")"
	is "$user: NUMA nodes fit" yes "$(check_of 'NUMA nodes')"
	# Old kernels let everyone read tracefs.
	is "$user: ftrace's functions" "$(as "$user" test -r "$FUNCTIONS" && echo yes || echo -)" \
		"$(check_of 'functions of ftrace')"
done
unload
tables=$(rows "$SCRATCH/report"; caps "$SCRATCH/report")
survey nobody
is "not loaded it says the same" "$tables" "$(rows "$SCRATCH/report"; caps "$SCRATCH/report")"

# One symbol less, in the survey's input and by the module's fault parameter.
klog_mark
load mode=observe fault=migrate_swap=missing
without migrate_swap
survey nobody --kallsyms "$SCRATCH/symbols"
agrees "without migrate_swap"
verdict "without migrate_swap" "knumad will work on this kernel, degraded: move" 1
is "without migrate_swap: its reason is the kernel log's" \
	"$(klog_since | sed -n 's/^knumad: degraded //p')" "$(reason_of)"
unload

# A hooked function of which a part was split off.
load mode=observe fault=can_migrate_task=split
{ cat /proc/kallsyms; echo "0000000000000000 t can_migrate_task.part.0"; } >"$SCRATCH/symbols"
survey nobody --kallsyms "$SCRATCH/symbols"
agrees "with can_migrate_task.part.0"
verdict "with can_migrate_task.part.0" "knumad will work on this kernel, degraded: bias" 1
unload

# Types of another kernel: struct lb_env has another name.
LC_ALL=C sed -z 's/^lb_env$/lb_inv/' /sys/kernel/btf/vmlinux >"$SCRATCH/btf"
survey nobody --btf "$SCRATCH/btf"
verdict "without struct lb_env" "knumad will work on this kernel, degraded: bias" 1
is "without struct lb_env: the prototype is different" different \
	"$(rows "$SCRATCH/report" | awk '$1 == "can_migrate_task" { print $6 }')"
is "without struct lb_env: its fields are missing" "no missing" \
	"$(rows "$SCRATCH/report" | awk '$1 == "lb_env.idle" { print $5, $6 }')"

# Kernels on which knumad does not load.
klog_mark
modprobe knumad fault=walk_page_range=missing 2>/dev/null || true
without walk_page_range
survey nobody --kallsyms "$SCRATCH/symbols"
reason=$(klog_since | sed -n 's/^knumad: not loaded //p')
is "without walk_page_range: its reason is the kernel log's" "$reason" "$(reason_of)"
verdict "without walk_page_range" \
	"knumad will not work on this kernel: ${reason%: *}" 2

config=/boot/config-$(uname -r)
{ cat "$config"; echo CONFIG_PREEMPT_RT=y; } >"$SCRATCH/config"
survey nobody --config "$SCRATCH/config"
verdict "with PREEMPT_RT" \
	"knumad will not work on this kernel: CONFIG_PREEMPT_RT: set, expected not set" 2
grep -v '^CONFIG_NUMA_BALANCING=' "$config" >"$SCRATCH/config"
survey nobody --config "$SCRATCH/config"
verdict "without NUMA_BALANCING" \
	"knumad will not work on this kernel: CONFIG_NUMA_BALANCING: not set, expected set" 2

# Of a kernel whose configuration nobody can read the rest is said all the same.
survey nobody --release "$(uname -r)x" --btf /sys/kernel/btf/vmlinux --kallsyms /proc/kallsyms
is "without a configuration: it is not checked" - "$(check_of configuration)"
is "without a configuration: no option is said to be missing" "" "$(grep -E '^CONFIG_.* no ' "$SCRATCH/report")"
verdict "without a configuration" "knumad will work on this kernel" 0

# What it cannot use it refuses in one line.
survey nobody --btf "$config"
is "a file that is no BTF: one line" 1 "$(grep -c '^survey: error: --btf: expected .*, found ' "$SCRATCH/report")"
is "a file that is no BTF: exit status" 3 "$STATUS"
survey nobody --release 4.19.0
is "another kernel without its files: exit status" 3 "$STATUS"

# ftrace switched off, where the kernel lets one: no hook can be had, and both say so.
if { echo 0 >"$FTRACE"; } 2>"$SCRATCH/error"; then
	load mode=observe
	survey nobody
	agrees "with ftrace off"
	verdict "with ftrace off" "knumad will work on this kernel, degraded: bias" 1
	unload
	echo 1 >"$FTRACE"
else
	skip "with ftrace off" "kernel.ftrace_enabled=0: $(sed 's/.*: //' "$SCRATCH/error")"
fi
is "nothing is left of all that" "" "$(remains)"
finish
