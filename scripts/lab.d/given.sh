# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# A root file system that somebody else has made, booted as it is (--rootfs). Sourced by
# scripts/lab; runs on the host.

# given_rootfs DIR: the same as need_rootfs for one that somebody else has made.
given_rootfs() {
	[[ -d $1/rootfs && -s $1/kernel ]] ||
		usage_error "--rootfs $1: expected a directory with rootfs/ and a file kernel"
	SERIES=given
	LAB_ROOTFS=$(cd "$1" && pwd)
	LAB_KERNEL=$(<"$1/kernel")
	LAB_LAYERS=()
	hash_of LAB_ROOT_KEY "$LAB_ROOTFS" "$LAB_KERNEL" "$(stat -c %Y "$1/kernel")"
}
