# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# The guest's root file system: the series table, the newest kernel of a series,
# and the Debian release it belongs to, from packages. Sourced by scripts/lab;
# runs on the host, as root where something is missing. A change of this file
# makes every root file system be built anew.

# series_row NAME: sets SERIES, SERIES_RANK, SERIES_KERNEL and SERIES_SUITES (an array).
series_row() {
	local name rank kernel suites known=()
	while read -r name rank _ kernel suites; do
		[[ -n $name && $name != '#'* ]] || continue
		known+=("$name")
		if [[ -z $1 || $name == "$1" ]]; then
			SERIES=$name
			SERIES_RANK=$rank
			SERIES_KERNEL=$kernel
			IFS=, read -ra SERIES_SUITES <<<"$suites"
			return
		fi
	done <"$LAB_D/series"
	usage_error "--series $1: not in scripts/lab.d/series, which has: ${known[*]}"
}

# newest_of_rank RANK: of the versions on standard input, the newest one whose X.Y
# is the RANK-th newest of all.
newest_of_rank() {
	sort -V -r | awk -F. -v rank="$1" '
		$1 "." $2 != last { nr++; last = $1 "." $2 }
		nr == rank && !found++'
}

# newest_kernel VAR LINE…: the newest version of the series of which the archive
# has both headers and image: old releases leave it in parts. Asked with an apt
# state of its own, so that this machine's apt is only read.
newest_kernel() {
	local -n _newest=$1
	local state=$LAB_TMP/apt names
	shift
	mkdir -p "$state/lists/partial" "$state/cache"
	printf '%s\n' "$@" >"$state/sources.list"
	local options=(-o "Dir::State::Lists=$state/lists" -o "Dir::State::status=/dev/null"
		-o "Dir::Cache=$state/cache" -o "Dir::Etc::SourceList=$state/sources.list"
		-o "Dir::Etc::SourceParts=/dev/null" -o "APT::Update::Post-Invoke-Success="
		-o "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false"
		-o "Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled=false"
		-o "Acquire::Languages=none")
	logged "apt-get update for ${SERIES_SUITES[*]}" "$LAB_CACHE/log/apt-$SERIES.log" \
		apt-get "${options[@]}" update
	names=$(apt-cache "${options[@]}" pkgnames linux-)
	_newest=$(comm -12 \
		<(grep -E "^linux-headers-$SERIES_KERNEL\$" <<<"$names" | sed 's/^linux-headers-//' | sort) \
		<(grep -E "^linux-(image|binary)-$SERIES_KERNEL\$" <<<"$names" |
			sed -E 's/^linux-(image|binary)-//' | sort -u) |
		newest_of_rank "$SERIES_RANK")
	[[ -n $_newest ]] ||
		lab_error "the archive (${SERIES_SUITES[*]}) has no kernel '$SERIES_KERNEL' with both image and headers; see scripts/lab.d/series"
	# From 7.x on the image is split.
	LAB_KERNEL_PACKAGES=("linux-headers-$_newest")
	if grep -qxF "linux-image-$_newest" <<<"$names"; then
		LAB_KERNEL_PACKAGES+=("linux-image-$_newest")
	else
		LAB_KERNEL_PACKAGES+=("linux-binary-$_newest" "linux-modules-$_newest")
	fi
	# What a backported kernel needs of backports must be asked for by name.
	names=$(apt-cache "${options[@]}" madison linux-base)
	if [[ ${SERIES_SUITES[-1]} == *-backports && $names == *" ${SERIES_SUITES[-1]}/"* ]]; then
		LAB_KERNEL_PACKAGES+=("linux-base/${SERIES_SUITES[-1]}")
	fi
}

build_rootfs() {
	local dir=$1 start took lines packages pattern kernel
	local options=()

	host_tools mmdebstrap=mmdebstrap unshare=util-linux
	((EUID == 0)) || lab_error "building a root file system needs root; run 'scripts/lab build' as root once"
	say "building the ${SERIES_SUITES[0]} root file system with the newest $SERIES kernel (60-90 s)"
	now_ds start
	archive_lines lines "${SERIES_SUITES[@]}"
	newest_kernel kernel "${lines[@]}"
	say "that is $kernel"
	apt_network_options "$LAB_TMP/apt.conf"
	packages=$( (grep -v '^#' "$LAB_D/packages" && printf '%s\n' "${LAB_KERNEL_PACKAGES[@]}") | paste -sd,)
	# Left out: what nobody reads in a guest, and the hook that would spend
	# seconds on Debian's own initramfs, which the lab does not boot.
	for pattern in '/usr/share/man/*' '/usr/share/doc/*' '/usr/share/locale/*' \
		/etc/kernel/postinst.d/initramfs-tools; do
		options+=(--dpkgopt="path-exclude=$pattern")
	done

	# A mount namespace of its own: whatever mmdebstrap mounts goes with it.
	logged "mmdebstrap" "$LAB_CACHE/log/rootfs-$SERIES.log" \
		env LAB_KERNEL="$kernel" LC_ALL=C.UTF-8 \
		"${in_namespaces[@]}" \
		mmdebstrap --mode=root --variant=apt --include="$packages" \
		--aptopt="$LAB_TMP/apt.conf" "${options[@]}" \
		--customize-hook="$LAB_D/finish-rootfs" \
		"${SERIES_SUITES[0]}" "$dir/rootfs" "${lines[@]}"
	echo "$kernel" >"$dir/kernel"
	seconds_since took "$start"
	say "root file system: $took s, $(du -sh "$dir/rootfs" | cut -f1)"
}

# Sets LAB_ROOTFS, LAB_KERNEL and LAB_ROOT_KEY (a hash of what is in it).
need_rootfs() {
	local key parts
	hash_files parts "$LAB_D" packages finish-rootfs rootfs.sh
	hash_of key "$SERIES" "$SERIES_RANK" "$SERIES_KERNEL" "${SERIES_SUITES[*]}" "$parts"
	artefact LAB_ROOTFS "rootfs-$SERIES" "$key" 1 build_rootfs
	LAB_KERNEL=$(<"$LAB_ROOTFS/kernel")
	# The archive moves: built again from the same inputs it is another one.
	hash_of LAB_ROOT_KEY "$key" "$LAB_KERNEL" "$(stat -c %Y "$LAB_ROOTFS/kernel")"
}
