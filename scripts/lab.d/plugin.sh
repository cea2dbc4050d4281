# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Plugins for QEMU's TCG: how one is built, and the one that has waiting CPUs yield
# (yield.c). Sourced by scripts/lab; runs on the host.

# build_plugin NAME OUT SOURCE…
build_plugin() {
	local name=$1 out=$2
	shift 2
	host_tools gcc=gcc /usr/include/stdio.h=libc6-dev
	say "building the plugin $name"
	logged "building the plugin $name" "$LAB_CACHE/log/$name.log" \
		gcc -std=gnu11 -O2 -g -Wall -Wextra -Wshadow -fPIC -shared -fvisibility=hidden -pthread \
		-o "$out" "$@"
}

# All of the help is read: a reader that left early would make QEMU fail.
qemu_has_plugins() {
	"${LAB_QEMU[@]}" -help | grep '^-plugin' >/dev/null
}

build_yield() {
	build_plugin yield "$1/yield.so" "$LAB_D/yield.c"
}

# tcg_runs_it: whether TCG runs the guest, for all that --qemu-arg says.
tcg_runs_it() {
	local argument
	[[ $LAB_ACCEL_NAME == TCG ]] || return 1
	for argument in "${OPT_QEMU_ARGS[@]}"; do
		[[ $argument != *accel* && $argument != *kvm* ]] || return 1
	done
}

# yield_args: has waiting CPUs yield, and loads rest that say so, where TCG runs them. Without
# it guests are slower, nothing else: no error if it cannot be had. The meter paces loads
# itself. After need_meter.
yield_args() {
	local key api dir rest=off
	tcg_runs_it && qemu_has_plugins || return 0
	((EUID == 0)) || command -v gcc >/dev/null || return 0
	hash_files key "$LAB_D" plugin.sh yield.c
	hash_files api "$LAB_D/../../tests/meter" qemu_plugin_api.h
	hash_of key "$key" "$api"
	artefact dir yield "$key" 2 build_yield
	[[ -n $OPT_METER ]] || rest=on
	OPT_QEMU_ARGS+=(-plugin "file=${dir//,/,,}/yield.so,rest=$rest")
}
