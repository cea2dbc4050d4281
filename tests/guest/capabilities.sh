#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Reaching the kernel: the capability table on a stock kernel, and what happens
# where something is missing or different. For that the installed module's object
# file is changed: a symbol's name, or a prototype, by one letter.
# Time limit: 150 s
. "$(dirname "$0")/lib.sh"

# capable NAME: yes or no, by the table's second part.
capable() {
	awk -v name="$1" '$1 == "capability" { on = 1 } on && $1 == name { print $2 }' "$DEBUG/capabilities"
}

# A changed copy of the module: every TEXT becomes NEW, of the same length.
changed_module() {
	local text=$1 new=$2 file
	file=$(modinfo -n knumad)
	if [[ $file == *.xz ]]; then
		xz -dc "$file" >"$SCRATCH/knumad.ko"
	else
		cp "$file" "$SCRATCH/knumad.ko"
	fi
	text=${text//\*/\\*}
	LC_ALL=C sed -i "s/$text/$new/g" "$SCRATCH/knumad.ko"
}

load mode=observe
rows=$(awk '/^$/ { exit } NR > 1' "$DEBUG/capabilities")
at_least "the table has a row for each private symbol" 20 "$(wc -l <<<"$rows")"
is "all are found on a stock kernel" "" "$(awk '$5 != "yes"' <<<"$rows")"
is "BTF agrees with each prototype and field" "" "$(awk '$6 != "ok" && $6 != "none"' <<<"$rows")"
for name in reach scan bias move migrate cache quota young; do
	is "capability $name works" yes "$(capable "$name")"
done
is "it says what becomes of accessed bits" 1 "$(grep -c '^accessed bits: .*CONFIG_PAGE_IDLE_FLAG' "$DEBUG/capabilities")"
is "observe hooks nothing" "" "$(cat "$HOOKS")"
unload

# An essential symbol is missing.
changed_module walk_page_range walk_page_ranje
klog_mark
if insmod "$SCRATCH/knumad.ko" 2>"$SCRATCH/error"; then
	fail "without walk_page_range the module is refused"
	unload
else
	pass "without walk_page_range the module is refused"
fi
is "one line says what was expected, what was found, what it costs" 1 \
	"$(klog_since | grep -c 'walk_page_ranje.*expected .*found .*: knumad cannot learn')"
is "and no other line" 1 "$(klog_since | wc -l)"
is "nothing is left behind" "" "$(remains)"

# One that is not essential: its capability goes, the rest works.
changed_module migrate_swap migrate_swop
klog_mark
check "without migrate_swap it loads" insmod "$SCRATCH/knumad.ko" mode=observe
is "one line says what is missing" 1 "$(klog_since | grep -c 'migrate_swop.*expected .*found ')"
is "moving threads is off" no "$(capable move)"
is "moving memory is not" yes "$(capable migrate)"
is "mode=cpu is refused" "Operation not supported" \
	"$({ echo cpu >"$PARAMS/mode"; } 2>&1 | sed 's/.*: //')"
check "mode=memory is allowed" bash -c "echo memory >$PARAMS/mode"
unload

# A prototype that is not the kernel's: never called.
changed_module 'int (struct task_struct *, struct lb_env *)' 'int (struct task_struct *, struct lb_inv *)'
klog_mark
check "with another prototype of can_migrate_task it loads" insmod "$SCRATCH/knumad.ko" mode=memory
is "one line says how the two differ" 1 \
	"$(klog_since | grep -c 'can_migrate_task.*expected .*lb_inv.*found .*lb_env')"
is "the hooks are off" no "$(capable bias)"
is "the table says different" different "$(awk '$1 == "can_migrate_task" { print $6 }' "$DEBUG/capabilities")"
unload

# ftrace switched off: no hook can be had. The newest kernels do not let it be.
if echo 0 2>/dev/null >/proc/sys/kernel/ftrace_enabled; then
	klog_mark
	check "with kernel.ftrace_enabled=0 it loads" load mode=full
	is "the hooks are off then" no "$(capable bias)"
	is "one line says why" 1 "$(klog_since | grep -c 'expected.*ftrace_enabled')"
	unload
	echo 1 >/proc/sys/kernel/ftrace_enabled
else
	skip "kernel.ftrace_enabled=0" "this kernel refuses it"
fi
is "nothing is left of all that" "" "$(remains)"
finish
