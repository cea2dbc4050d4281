# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Gate: the built module calls private kernel functions only through static
# calls. An indirect call to a looked-up address would fault on kernels with IBT
# and be refused by kCFI, and no guest of the lab could show it, so the object
# code is read instead. Sourced by scripts/check.
#
# Every indirect call or jump must be in a function that indirect-calls lists, as
# often as it says, with the reason why its target is no looked-up address. And no
# function with one may read kn_row_value, where the looked-up addresses are, or
# ask kallsyms_lookup_name for another.
#
# And what the kernel's mitigations ask of a module: returns through the return thunk,
# a landing pad at the start of each function whose address is taken.

# indirect_calls OBJECT: "function count flags" for each function that has any.
# flags: "looks-up" where it can get at a looked-up address. A call through pv_ops is
# no such call: the kernel patches it to a direct one when it loads the module.
indirect_calls() {
	objdump -dr --no-show-raw-insn "$1" | awk '
		function report() {
			calls += bare
			if (calls)
				print name, calls, (looks ? "looks-up" : "-")
			calls = bare = looks = 0
		}
		/^[0-9a-f]+ <.*>:$/ {
			report()
			name = $2
			gsub(/[<>:]/, "", name)
			next
		}
		/kn_row_value|kallsyms_lookup_name/ { looks = 1 }
		/R_X86_64_/ {
			if (bare && $NF ~ /^pv_ops/)
				bare = 0
			calls += $NF ~ /^__x86_indirect_(call_|jump_)?thunk_/
			next
		}
		{
			calls += bare
			bare = /\t(notrack |bnd )*l?(call|jmp)q? +\*/
		}
		END { report() }'
}

# inspect_object OBJECT: prints what is wrong; fails if anything is.
inspect_object() {
	local name count flags bad=0 nr=0
	local -A allowed=()
	if ! objdump -d "$1" | grep '^[0-9a-f]* <.*>:$' >/dev/null; then
		echo "$1: expected an object file with functions in it, found none"
		return 1
	fi
	while read -r name count _; do
		[[ -n $name && $name != '#'* ]] || continue
		allowed[$name]=$count
	done <"$CHECK_D/indirect-calls"
	while read -r name count flags; do
		nr=$((nr + count))
		if [[ $flags == looks-up ]]; then
			echo "$name: expected no indirect call in a function that reads kn_row_value or asks kallsyms_lookup_name, found $count: call it through KN_CALL()"
			bad=1
		elif [[ -z ${allowed[$name]:-} ]]; then
			echo "$name: expected no indirect call, found $count: call a private function through KN_CALL(), or review it and add it to scripts/check.d/indirect-calls"
			bad=1
		elif ((count > allowed[$name])); then
			echo "$name: expected ${allowed[$name]} indirect calls as reviewed in scripts/check.d/indirect-calls, found $count"
			bad=1
		fi
	done < <(indirect_calls "$1")
	INDIRECT_CALLS=$nr
	return "$bad"
}

# table_rows: the functions of the tables, as "always NAME" or, where a kernel's own
# configuration decides, "maybe NAME".
table_rows() {
	local file=$TREE/module/kern/calls.h protos=$TREE/module/compat/protos.h
	sed -n '/^#define KN_CALLS(/,/^$/p; /^#define KN_HOOKS(/,/^$/p' "$file" |
		grep -oE '\b(X|OR)\([a-z_0-9]+,' | sed -E 's/.*\((.*),/always \1/'
	sed -n '/^#define KN_\(ISOLATE\|MIGRATE_PAGES\|CLEAR_YOUNG\)(/,/^$/p' "$protos" |
		grep -oE '\b(X|OR)\([a-z_0-9]+,' | sed -E 's/.*\((.*),/always \1/'
	sed -n '/^#define KN_LOCATE(/,/^#/p' "$protos" |
		grep -oE '\bX\([a-z_0-9]+,' | sed -E 's/.*\((.*),/maybe \1/'
}

# inspect_mitigations KO CONFIG: what this kernel's mitigations ask for.
inspect_mitigations() {
	local bare bad=0
	if grep -qE '^CONFIG_(MITIGATION_)?RETHUNK=y' "$2"; then
		bare=$(objdump -d --no-show-raw-insn "$1" |
			awk '/^[0-9a-f]+ <.*>:$/ { name = $2 } $2 ~ /^ret/ { print name }' | sort -u)
		[[ -z $bare ]] || { echo "expected returns through __x86_return_thunk, found bare ones in" "$bare"; bad=1; }
	fi
	if grep -q '^CONFIG_X86_KERNEL_IBT=y' "$2"; then
		"$CHECK_D/landing-pads" "$1" || bad=1
	fi
	return "$bad"
}

# inspect_imports KO SYMVERS: no import but exported symbols, and a static call's
# trampoline for every row of the table of private functions.
inspect_imports() {
	local missing rows calls
	missing=$(comm -23 <(nm -u "$1" | awk '{ print $2 }' | sort -u) \
		<(awk '{ print $2 }' "$2" | sort -u))
	[[ -z $missing ]] || { echo "expected only exported symbols to be imported, found:" "$missing"; return 1; }
	calls=$(nm "$1" | sed -nE 's/.* __SCT__kn_([a-z_0-9]+)$/\1/p' | sort)
	rows=$(table_rows | awk -v calls=" ${calls//$'\n'/ } " \
		'$1 == "always" || index(calls, " " $2 " ") { print $2 }' | sort)
	[[ -n $rows && $rows == "$calls" ]] || {
		echo "expected a static call for each function of module/kern/calls.h ($(paste -sd' ' <<<"$rows")), found $(paste -sd' ' <<<"$calls")"
		return 1
	}
	STATIC_CALLS=$(wc -l <<<"$calls")
}

gate_object() {
	local bad=0
	need_tools objdump=binutils
	build_checked
	inspect_object "$BUILT/knumad.ko" || bad=1
	inspect_imports "$BUILT/knumad.ko" "$BUILT/Module.symvers" || bad=1
	inspect_mitigations "$BUILT/knumad.ko" "$BUILT/config" || bad=1
	summary "$INDIRECT_CALLS reviewed indirect calls, ${STATIC_CALLS:-no} static calls"
	return "$bad"
}
