# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Builds the module in the lab's root file system, that is with the compiler and
# headers of the kernel's own Debian release: with sparse and W=1 for the default
# series. Sourced by scripts/check; runs on the host, as root, and changes nothing
# there.

# build_checked: once; sets BUILT, a directory with knumad.ko, make.log and the
# kernel's Module.symvers and config. To be called where "set -e" counts.
build_checked() {
	local checker=sparse status
	BUILT=$CHECK_TMP/built
	[[ ! -e $BUILT/done ]] || return 0
	# Sparse of this release does not follow the headers of newer ones.
	[[ -z ${KNUMAD_SERIES:-} ]] || checker=
	need_tools sparse=sparse unshare=util-linux
	((EUID == 0)) || check_error "building in the lab's root file system needs root"
	mkdir -p "$BUILT"
	set +e
	(
		set -e
		# The lab's own parts find, or build, its root file system.
		LAB_D=$CHECK_D/../lab.d
		LAB_TREE=$TREE
		for part in common cache host rootfs; do
			# shellcheck source=/dev/null
			. "$LAB_D/$part.sh"
		done
		LAB_TMP=$CHECK_TMP/lab
		mkdir -p "$LAB_TMP"
		series_row "${KNUMAD_SERIES:-}"
		cache_init
		need_rootfs
		# This subshell holds the lab's lock on the root file system meanwhile.
		unshare --mount --propagation private --fork --kill-child \
			"$CHECK_D/build-in-root" "$LAB_ROOTFS/rootfs" "$LAB_KERNEL" "$TREE" "$BUILT" "$checker"
	)
	status=$?
	set -e
	if ((status != 0)); then
		echo "building the module failed:"
		tail -n 30 "$BUILT/make.log" 2>/dev/null
		return 1
	fi
	touch "$BUILT/done"
}
