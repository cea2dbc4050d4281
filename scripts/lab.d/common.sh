# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Messages, errors and clean-up shared by all parts of the lab. Sourced by
# scripts/lab; runs on the host.

# Exit codes of the lab itself; COMMAND's own status is anything else.
readonly EXIT_USAGE=2
readonly EXIT_TIMER=121
readonly EXIT_LAB=122
readonly EXIT_MODPROBE=123
readonly EXIT_KLOG=124
readonly EXIT_DIED=125

LAB_QUIET=
LAB_TMP=
# Processes to end with the lab, by id.
declare -A LAB_CHILDREN=()

say() {
	[[ -n $LAB_QUIET ]] || printf 'lab: %s\n' "$*" >&2
}

complain() {
	printf 'lab: %s\n' "$*" >&2
}

# Wrong arguments: one line, nothing started.
usage_error() {
	complain "error: $* (see 'scripts/lab help')"
	exit "$EXIT_USAGE"
}

# The host cannot do what was asked, or a build failed.
lab_error() {
	complain "error: $*"
	exit "$EXIT_LAB"
}

# Tenths of a second since boot, without a fork.
now_ds() {
	local up
	read -r up _ </proc/uptime
	up=${up/./}
	printf -v "$1" '%d' "$((10#$up / 10))"
}

# seconds_since VAR START_DS: sets VAR to "12.3".
seconds_since() {
	local now
	now_ds now
	printf -v "$1" '%d.%d' "$(((now - $2) / 10))" "$(((now - $2) % 10))"
}

# logged WHAT LOG COMMAND…: runs a command with its output in LOG; on failure
# shows the end of it. In the background, so that a signal is heard at once.
logged() {
	local what=$1 log=$2 status=0
	shift 2
	"$@" >"$log" 2>&1 </dev/null &
	LAB_CHILDREN[$!]=1
	wait "$!" || status=$?
	unset "LAB_CHILDREN[$!]"
	((status == 0)) && return
	complain "error: $what failed with status $status; the last lines of its output:"
	tail -n 40 "$log" >&2
	complain "(all of it: $log)"
	exit "$EXIT_LAB"
}

# in_namespaces COMMAND…, as words for logged: with mounts and processes of its
# own, so that all it mounted and started goes with it, however it ends.
readonly in_namespaces=(unshare --mount --propagation private --pid --mount-proc
	--fork --kill-child)

# nap DECISECONDS: without a process of its own.
nap() {
	local never
	exec {never}<> <(:)
	read -r -t "0.$1" -u "$never" || true
	exec {never}>&-
}

# Whether a child still runs; one that has ended but was not waited for does not.
running() {
	local stat
	{ read -r stat <"/proc/$1/stat"; } 2>/dev/null && [[ $stat != *') Z '* ]]
}

cleanup() {
	local status=$? signal pid tries left
	trap - EXIT INT TERM HUP
	for signal in TERM KILL; do
		for pid in "${!LAB_CHILDREN[@]}"; do
			kill -"$signal" "$pid" 2>/dev/null || true
		done
		for ((tries = 0; tries < 20; tries++)); do
			left=''
			for pid in "${!LAB_CHILDREN[@]}"; do
				! running "$pid" || left=1
			done
			[[ -n $left ]] || break 2
			nap 1
		done
	done
	[[ -z $LAB_TMP ]] || rm -rf "$LAB_TMP"
	exit "$status"
}

setup_cleanup() {
	trap cleanup EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM
	trap 'exit 129' HUP
	LAB_TMP=$(mktemp -d "${TMPDIR:-/tmp}/knumad-lab.XXXXXX")
}
