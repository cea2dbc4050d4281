# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Gate: the arrows between the module's rooms point one way. Sourced by
# scripts/check.

# Which rooms' headers a room may include, besides its own and include/.
declare -rA ROOM_MAY_INCLUDE=(
	[policy]=''
	[compat]='kern'
	[kern]='compat'
	[sched]='kern compat'
	[engine]='kern compat sched policy'
	[control]='kern compat sched policy engine'
)

# The policy is arithmetic: it builds in user space with only these.
readonly POLICY_HEADERS='linux/(types|kernel|bitops|sort|errno|minmax|math64|limits|string|build_bug|compiler)\.h'

gate_rooms() {
	local file room header target allowed bad=0 count=0
	while read -r file; do
		count=$((count + 1))
		room=${file#module/}
		room=${room%%/*}
		if [[ -z ${ROOM_MAY_INCLUDE[$room]+known} ]]; then
			echo "$file: expected a room of scripts/check.d/rooms.sh, found $room"
			bad=1
			continue
		fi
		while read -r header; do
			target=$room
			[[ $header != ../*/* ]] || target=$(cut -d/ -f2 <<<"$header")
			[[ $header != ../../* ]] || continue
			allowed=" $room ${ROOM_MAY_INCLUDE[$room]} "
			if [[ $allowed != *" $target "* ]]; then
				echo "$file: expected includes of${allowed}only, found \"$header\""
				bad=1
			fi
		done < <(sed -nE 's/^#[[:space:]]*include[[:space:]]+"([^"]+)".*/\1/p' "$TREE/$file")
	done < <(sources module -- '*.c' '*.h' | grep '/.*/')

	if (cd "$TREE" && grep -rnE '^#[[:space:]]*include[[:space:]]+<' module/policy |
		grep -vE "<$POLICY_HEADERS>"); then
		echo "module/policy: expected only ${POLICY_HEADERS//\\/} of the kernel's headers, found the above"
		bad=1
	fi
	if (cd "$TREE" && grep -rnwE 'LINUX_VERSION_CODE|KERNEL_VERSION|RHEL_RELEASE_CODE' module include |
		grep -v '^module/compat/'); then
		echo "expected checks of the kernel version in module/compat only, found the above"
		bad=1
	fi
	# What runs under a runqueue lock must not be able to sleep, allocate or print.
	if (cd "$TREE" && grep -nE '\b(k[vmz]+alloc|printk|pr_[a-z]+|mutex_lock|msleep|schedule)\(' \
		module/sched/bias.c | grep -v '#define pr_fmt'); then
		echo "module/sched/bias.c: expected nothing that sleeps, allocates or prints, found the above"
		bad=1
	fi
	((count > 0)) || { echo "expected C files below $TREE/module, found none"; return 1; }
	summary "$count files"
	return "$bad"
}
