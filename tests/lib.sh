# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# KTAP for a test script: one result line per assertion, the plan at the end by
# finish. Sourced by every test of tests/guest and tests/host; prints on standard
# output, which the runner that called the test indents.

TEST_NR=0
TEST_FAILED=0

# What a person should know of the run; never judged.
diag() {
	local line
	while IFS= read -r line; do
		echo "# $line"
	done <<<"$*"
}

pass() {
	TEST_NR=$((TEST_NR + 1))
	echo "ok $TEST_NR $1"
}

# fail WHAT [FOUND…]
fail() {
	TEST_NR=$((TEST_NR + 1))
	TEST_FAILED=$((TEST_FAILED + 1))
	echo "not ok $TEST_NR $1"
	[[ -z ${*:2} ]] || diag "${*:2}"
}

skip() {
	TEST_NR=$((TEST_NR + 1))
	echo "ok $TEST_NR $1 # SKIP $2"
}

# is WHAT EXPECTED FOUND
is() {
	if [[ $2 == "$3" ]]; then
		pass "$1"
	else
		fail "$1" "expected '$2', found '$3'"
	fi
}

# at_least WHAT MINIMUM FOUND: whole numbers.
at_least() {
	if [[ $3 =~ ^-?[0-9]+$ ]] && (($3 >= $2)); then
		pass "$1 ($3)"
	else
		fail "$1" "expected at least $2, found '$3'"
	fi
}

# at_most WHAT MAXIMUM FOUND: whole numbers.
at_most() {
	if [[ $3 =~ ^-?[0-9]+$ ]] && (($3 <= $2)); then
		pass "$1 ($3)"
	else
		fail "$1" "expected at most $2, found '$3'"
	fi
}

# check WHAT COMMAND…: passes if COMMAND does; else shows what it printed.
check() {
	local what=$1 output status=0
	shift
	output=$("$@" 2>&1) || status=$?
	if ((status == 0)); then
		pass "$what"
	else
		fail "$what" "'$*' ended with status $status${output:+ and printed: $output}"
	fi
}

# within SECONDS COMMAND…: polls until COMMAND succeeds; 1 where it never does. Sets
# WAITED, seconds with a tenth. A slow machine gets KNUMAD_PATIENCE times as long.
within() {
	local limit=$(($1 * 10 * ${KNUMAD_PATIENCE:-1})) start now
	shift
	now_ds start
	while ! "$@"; do
		now_ds now
		((now - start < limit)) || return 1
		nap 0.25
	done
	now_ds now
	WAITED=$(((now - start) / 10)).$(((now - start) % 10))
}

# now_ds VAR: tenths of a second since boot. Neither this nor nap starts a process:
# polling must not disturb the scheduling that a test looks at.
now_ds() {
	local up
	read -r up _ </proc/uptime
	up=${up/./}
	printf -v "$1" '%d' "$((10#$up / 10))"
}

nap() {
	read -r -t "$1" -u "$NAP_FD" || true
}
exec {NAP_FD}<> <(:)

# The last line of a test script: the plan. Without it the test counts as broken off.
finish() {
	echo "1..$TEST_NR"
	((TEST_FAILED == 0))
}
