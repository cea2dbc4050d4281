# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What the project adds to a guest's root file system, each as a small read-only
# layer over the base: the module, put in with dkms as a user would, and the
# user programs of tools/ and tests/. Sourced by scripts/lab; runs on the host,
# as root where a layer is missing.

# All that the module is built from; nothing else of the tree is given to dkms.
readonly LAB_MODULE_SOURCES=(Kbuild Makefile dkms.conf LICENSE include module)
readonly LAB_PROGRAM_DIRS=(tests/bench tests/guest tests/meter/guest tools)

# build_layer DIR WHAT SCRIPT ARG…: runs the shell script in the root file system
# under an overlay; what it changed becomes DIR/layer.erofs.
build_layer() {
	local dir=$1 what=$2 start took
	shift 2
	host_tools mkfs.erofs=erofs-utils unshare=util-linux
	((EUID == 0)) || lab_error "building the $what needs root; run 'scripts/lab build' as root once"
	now_ds start
	say "building the $what"
	logged "building the $what" "$LAB_CACHE/log/$what-$SERIES.log" \
		"${in_namespaces[@]}" \
		"$LAB_D/overlay-build" "$LAB_ROOTFS/rootfs" "$LAB_TREE" "$dir/layer.erofs" "$@"
	seconds_since took "$start"
	say "built the $what: $took s"
}

build_module() {
	build_layer "$1" module "$LAB_D/dkms-install" "$LAB_KERNEL" "${LAB_MODULE_SOURCES[@]}"
}

build_programs() {
	build_layer "$1" programs "$LAB_D/compile-programs" "$LAB_KERNEL" "${LAB_PROGRAM_DIRS[@]}"
}

# Sets LAB_LAYERS, an array of images over the base.
need_layers() {
	local sources key layer programs=() dir
	LAB_LAYERS=()
	if [[ -e $LAB_TREE/dkms.conf ]]; then
		hash_files sources "$LAB_TREE" "${LAB_MODULE_SOURCES[@]}"
		hash_files key "$LAB_D" overlay-build dkms-install layers.sh
		hash_of key "$LAB_ROOT_KEY" "$sources" "$key"
		artefact layer "module-$SERIES" "$key" 4 build_module
		LAB_LAYERS+=("$layer/layer.erofs")
	fi
	for dir in "${LAB_PROGRAM_DIRS[@]}"; do
		compgen -G "$LAB_TREE/$dir/*.c" >/dev/null || continue
		programs+=("$dir")
	done
	if ((${#programs[@]})); then
		hash_files sources "$LAB_TREE" "${programs[@]}" include/uapi
		hash_files key "$LAB_D" overlay-build compile-programs layers.sh
		hash_of key "$LAB_ROOT_KEY" "$sources" "$key"
		artefact layer "programs-$SERIES" "$key" 4 build_programs
		LAB_LAYERS+=("$layer/layer.erofs")
	fi
}
