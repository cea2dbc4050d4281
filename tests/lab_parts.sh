# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# The lab's own parts, for tests that work in a copy of one of its root file systems
# instead of booting a guest: after series_row and need_rootfs, LAB_ROOTFS/rootfs and
# LAB_KERNEL are there. Sourced by tests on the host, after TREE is set.

# shellcheck disable=SC2034 # read by the parts
LAB_D=$TREE/scripts/lab.d LAB_TREE=$TREE
for part in common cache host rootfs; do
	# shellcheck source=/dev/null
	. "$LAB_D/$part.sh"
done
setup_cleanup
# shellcheck disable=SC2034
LAB_QUIET=1
cache_init

# with_own_mounts COMMAND…: what it mounts and starts goes with it.
with_own_mounts() {
	# shellcheck disable=SC2154 # set by common.sh
	"${in_namespaces[@]}" "$@"
}
