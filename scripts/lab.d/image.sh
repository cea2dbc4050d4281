# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What a guest boots: the read-only image of the root file system, the kernel,
# and the initramfs. Sourced by scripts/lab; runs on the host, as root where
# something is missing.

# bytes VAR FILE OFFSET LENGTH: a little-endian number in a binary file.
bytes() {
	local -n _number=$1
	_number=$(od -An -v -t "u$4" -j "$3" -N "$4" "$2")
	_number=${_number//[[:space:]]/}
}

# unpack_vmlinux BZIMAGE VMLINUX: the kernel out of its compressed image, as the
# x86 boot protocol describes it. Fails where there is none it can unpack.
unpack_vmlinux() {
	local image=$1 sectors payload length magic unpack
	bytes sectors "$image" $((0x1f1)) 1
	bytes payload "$image" $((0x248)) 4
	bytes length "$image" $((0x24c)) 4
	payload=$(((sectors + 1) * 512 + payload))
	magic=$(od -An -v -t x1 -j "$payload" -N 4 "$image")
	case ${magic//[[:space:]]/} in
	fd377a58) unpack=xz ;;
	28b52ffd) unpack=zstd ;;
	02214c18) unpack=lz4 ;;
	*) return 1 ;;
	esac
	host_tools "$unpack=${unpack/xz/xz-utils}"
	# The payload's last four bytes are its unpacked size.
	dd if="$image" skip="$payload" count="$((length - 4))" bs=64K \
		iflag=skip_bytes,count_bytes status=none | "$unpack" -dc >"$2"
}

# root.erofs is uncompressed: nothing to unpack in an emulated CPU, and only the
# blocks that a guest touches are read, from the host's page cache. For the same
# reason there is a vmlinux beside vmlinuz, where the kernel has the PVH entry
# that QEMU needs to start one: 5 s less under TCG.
build_image() {
	local dir=$1 rootfs=$2 kernel vmlinuz
	kernel=$(<"$rootfs/kernel")
	host_tools mkfs.erofs=erofs-utils
	say "packing the root file system"
	for vmlinuz in "$rootfs/rootfs/boot/vmlinuz-$kernel" \
		"$rootfs/rootfs/usr/lib/modules/$kernel/vmlinuz"; do
		[[ -e $vmlinuz ]] || continue
		cp "$vmlinuz" "$dir/vmlinuz"
		if grep -qsx CONFIG_PVH=y "$rootfs/rootfs/boot/config-$kernel" \
			"$rootfs/rootfs/usr/lib/modules/$kernel/config"; then
			unpack_vmlinux "$vmlinuz" "$dir/vmlinux" || rm -f "$dir/vmlinux"
		fi
		logged "mkfs.erofs" "$LAB_CACHE/log/image-$SERIES.log" \
			mkfs.erofs -d1 "$dir/root.erofs" "$rootfs/rootfs"
		return
	done
	lab_error "kernel $kernel in the root file system has no vmlinuz, neither in /boot nor in /usr/lib/modules/$kernel"
}

# The modules an initramfs needs before the root file system is there, and those for
# directories of the host, which Debian's cloud flavours do not have.
readonly LAB_BOOT_MODULES=(virtio_pci virtio_blk virtio_console erofs overlay)
readonly LAB_SHARE_MODULES=(9pnet_virtio 9p)

has_share_modules() { # ROOTFS KERNEL
	[[ -n $(find "$1/lib/modules/$2/" -name '9pnet_virtio.ko*' -print -quit) ]]
}

build_initrd() {
	local dir=$1 rootfs=$2/rootfs kernel=$3 tree=$LAB_TMP/initramfs name kind path line
	local modules=("${LAB_BOOT_MODULES[@]}")
	host_tools cpio=cpio
	! has_share_modules "$rootfs" "$kernel" || modules+=("${LAB_SHARE_MODULES[@]}")
	rm -rf "$tree"
	mkdir -p "$tree"/{bin,dev,proc,sys,modules,lab,rw,root}
	cp "$rootfs/bin/busybox" "$tree/bin/busybox"
	cp "$LAB_D/guest/early-init" "$tree/init"
	cp "$LAB_D/guest/init" "$LAB_D/guest/fstab" "$tree/lab/"
	chmod 755 "$tree/init" "$tree/lab/init"
	: >"$tree/modules/order"
	for name in "${modules[@]}"; do
		line=$(chroot "$rootfs" modprobe --set-version "$kernel" --show-depends "$name") ||
			lab_error "kernel $kernel has no module $name, which a guest needs to boot"
		while read -r kind path _; do
			[[ $kind == insmod ]] || continue
			name=${path##*/}
			case $name in
			*.xz) xz -dc "$rootfs$path" >"$tree/modules/${name%.xz}" ;;
			*.zst) zstd -qdc "$rootfs$path" >"$tree/modules/${name%.zst}" ;;
			*) cp "$rootfs$path" "$tree/modules/$name" ;;
			esac
			name=${name%.xz}
			echo "${name%.zst}" >>"$tree/modules/order"
		done <<<"$line"
	done
	awk '!seen[$0]++' "$tree/modules/order" >"$tree/modules/order.once"
	mv "$tree/modules/order.once" "$tree/modules/order"
	(cd "$tree" && find . | cpio -o -H newc --quiet) >"$dir/initrd"
}

# Sets LAB_IMAGE (a directory with root.erofs, vmlinuz and mostly vmlinux), LAB_INITRD,
# and LAB_SHARES: 1 if the guest can mount directories of the host.
need_image() {
	local key packing guest initrd
	hash_files packing "$LAB_D" image.sh
	hash_of key "$LAB_ROOT_KEY" "$packing"
	artefact LAB_IMAGE "image-$SERIES" "$key" 1 build_image "$LAB_ROOTFS"
	hash_files guest "$LAB_D" guest
	hash_of key "$LAB_ROOT_KEY" "$packing" "$guest"
	artefact initrd "initrd-$SERIES" "$key" 3 build_initrd "$LAB_ROOTFS" "$LAB_KERNEL"
	LAB_INITRD=$initrd/initrd
	LAB_SHARES=
	! has_share_modules "$LAB_ROOTFS/rootfs" "$LAB_KERNEL" || LAB_SHARES=1
	[[ -n $LAB_SHARES || -z $OPT_SHARE ]] ||
		usage_error "--share: expected a kernel with 9p, $LAB_KERNEL has none; use another --series"
}
