# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# The rate of guests' time stamp counter, so that their kernels need not measure it: where QEMU
# stalls meanwhile they get it wrong, and then time runs too fast in them for good, and timers are
# lost. Sourced by scripts/lab; runs on the host.

build_tsc() {
	host_tools gcc=gcc /usr/include/stdio.h=libc6-dev
	logged "building tsc" "$LAB_CACHE/log/tsc.log" \
		gcc -std=gnu11 -O2 -Wall -Wextra -o "$1/tsc" "$LAB_D/tsc.c"
}

# tsc_append VAR: what to tell the kernel, or nothing: where TCG does not run it, its time is
# counted in instructions, or this machine's counter has no rate to tell.
tsc_append() {
	local -n _append=$1
	local key dir khz
	_append=''
	[[ -z $OPT_ICOUNT && $(uname -m) == x86_64 ]] && tcg_runs_it || return 0
	((EUID == 0)) || command -v gcc >/dev/null || return 0
	hash_files key "$LAB_D" tsc.c tsc.sh
	artefact dir tsc "$key" 1 build_tsc
	khz=$("$dir/tsc") || return 0
	_append="tsc_early_khz=$khz"
}
