# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# QEMU: which one, with which accelerator, and the arguments that describe the
# NUMA machine. Sourced by scripts/lab; runs on the host.

# Known good: 10 with multi-threaded TCG. 7.2 (Debian 12's) loops for ever in
# the int3 handler when the guest patches code under load. Versions between are
# not known, so an older one on this machine is passed over.
readonly LAB_QEMU_MIN_MAJOR=10
readonly LAB_QEMU_SUITE=trixie

# What TCG emulates. Told that string instructions are fast with bytes (ERMS, FSRM), the kernel
# clears and copies pages by them, and TCG executes them byte by byte: migratepages(8) of
# 128 MiB of huge pages took 0.53 s with, 0.44 s without on 6.1, 1.77 s and 0.43 s on 7.3.
readonly LAB_TCG_CPU=max,-erms,-fsrm

build_qemu() {
	local dir=$1 start took lines
	host_tools mmdebstrap=mmdebstrap unshare=util-linux
	((EUID == 0)) || lab_error "unpacking QEMU needs root; run 'scripts/lab build' as root once"
	say "fetching QEMU out of Debian $LAB_QEMU_SUITE (about 10-20 s)"
	now_ds start
	archive_lines lines "$LAB_QEMU_SUITE"
	apt_network_options "$LAB_TMP/apt.conf"
	# Unpacked only, nothing of it is installed on this machine or runs as a
	# chroot: its own loader runs it.
	logged "mmdebstrap" "$LAB_CACHE/log/qemu.log" \
		"${in_namespaces[@]}" \
		mmdebstrap --mode=root --variant=extract --include=qemu-system-x86 \
		--aptopt="$LAB_TMP/apt.conf" --dpkgopt='path-exclude=/usr/share/doc/*' \
		"$LAB_QEMU_SUITE" "$dir/root" "${lines[@]}"
	seconds_since took "$start"
	say "QEMU unpacked: $took s"
}

# Sets LAB_QEMU (an array: the command) and LAB_QEMU_VERSION.
need_qemu() {
	local version key qemu_dir lib
	if command -v qemu-system-x86_64 >/dev/null; then
		version=$(qemu-system-x86_64 --version)
		if [[ $version =~ version\ (([0-9]+)\.[0-9.]+) ]] &&
			((BASH_REMATCH[2] >= LAB_QEMU_MIN_MAJOR)); then
			LAB_QEMU_VERSION=${BASH_REMATCH[1]}
			LAB_QEMU=(qemu-system-x86_64)
			return
		fi
	fi
	hash_files version "$LAB_D" qemu.sh
	hash_of key "$LAB_QEMU_SUITE" "$version"
	artefact qemu_dir qemu "$key" 1 build_qemu
	lib=$qemu_dir/root/usr/lib/x86_64-linux-gnu
	LAB_QEMU=(env "QEMU_MODULE_DIR=$lib/qemu" "$qemu_dir/root/usr/lib64/ld-linux-x86-64.so.2"
		--library-path "$lib" "$qemu_dir/root/usr/bin/qemu-system-x86_64"
		-L "$qemu_dir/root/usr/share/qemu" -L "$qemu_dir/root/usr/share/seabios")
	version=$("${LAB_QEMU[@]}" --version) ||
		lab_error "the QEMU in $qemu_dir does not run; remove that directory to have it fetched again"
	[[ $version =~ version\ ([0-9.]+) ]]
	LAB_QEMU_VERSION=${BASH_REMATCH[1]}
}

# Sets LAB_ACCEL (an array) and LAB_ACCEL_NAME. /dev/kvm alone proves nothing:
# it exists on machines whose CPU offers no virtualisation.
choose_accel() {
	if [[ -n $OPT_ICOUNT ]]; then
		LAB_ACCEL=(-accel tcg,thread=single -icount shift=1 -cpu "$LAB_TCG_CPU")
		LAB_ACCEL_NAME="TCG by instructions"
	elif grep -qE '^flags.*[[:space:]](vmx|svm)([[:space:]]|$)' /proc/cpuinfo && [[ -w /dev/kvm ]]; then
		LAB_ACCEL=(-accel kvm -cpu host)
		LAB_ACCEL_NAME=KVM
	else
		LAB_ACCEL=(-accel tcg,thread=multi -cpu "$LAB_TCG_CPU")
		LAB_ACCEL_NAME=TCG
	fi
}

# check_number OPTION VALUE MIN MAX
check_number() {
	[[ $2 =~ ^[0-9]{1,4}$ ]] && ((10#$2 >= $3 && 10#$2 <= $4)) ||
		usage_error "$1 $2: expected a number from $3 to $4"
}

# parse_distances SPEC NODES: sets LAB_DISTANCES, an array of "from to value".
parse_distances() {
	local spec=$1 nodes=$2 from to value rows row
	LAB_DISTANCES=()
	if [[ $spec =~ ^[0-9]+$ ]]; then
		check_number --distance "$spec" 11 254
		for ((from = 0; from < nodes; from++)); do
			for ((to = 0; to < nodes; to++)); do
				LAB_DISTANCES+=("$from $to $((from == to ? 10 : 10#$spec))")
			done
		done
		return
	fi
	[[ $spec =~ ^[0-9,\;]+$ ]] ||
		usage_error "--distance $spec: expected one number, or rows like '10,20;20,10'"
	IFS=';' read -ra rows <<<"$spec"
	((${#rows[@]} == nodes)) ||
		usage_error "--distance $spec: expected $nodes rows (one per node), found ${#rows[@]}"
	for ((from = 0; from < nodes; from++)); do
		IFS=, read -ra row <<<"${rows[from]}"
		((${#row[@]} == nodes)) ||
			usage_error "--distance: row ${rows[from]} of node $from: expected $nodes numbers, found ${#row[@]}"
		for ((to = 0; to < nodes; to++)); do
			value=${row[to]:-0}
			if ((from == to)); then
				[[ $value == 10 ]] ||
					usage_error "--distance: from node $from to itself: expected 10, found $value"
			else
				check_number "--distance (node $from to node $to)" "$value" 11 254
			fi
			LAB_DISTANCES+=("$from $to $value")
		done
	done
}

# parse_size OPTION VALUE MIN_MIB: sets LAB_SIZE_MIB.
parse_size() {
	[[ $2 =~ ^([0-9]{1,7})([MG])$ ]] ||
		usage_error "$1 $2: expected a size such as 512M or 2G"
	LAB_SIZE_MIB=$((10#${BASH_REMATCH[1]}))
	[[ ${BASH_REMATCH[2]} == M ]] || LAB_SIZE_MIB=$((LAB_SIZE_MIB * 1024))
	((LAB_SIZE_MIB >= $3)) || usage_error "$1 $2: expected at least $3M"
}

# machine_args NODES CPUS_PER_NODE MIB_PER_NODE DIMM_MIB CPU_NODE: sets LAB_MACHINE (an
# array). A socket per node: CPUs of one package on two nodes make the kernel warn.
# Behind the NODES comes one with CPUs and no memory, if CPU_NODE is not empty; then one
# without CPUs whose memory is a dimm that can be unplugged, unless DIMM_MIB is 0: the last,
# because QEMU's SRAT has all that can be plugged on the last node.
machine_args() {
	local nodes=$1 cpus=$2 mib=$3 dimm=$4 sockets=$1 node item from to value
	[[ -z $5 ]] || sockets=$((sockets + 1))
	LAB_MACHINE=(-machine q35 -m "$((nodes * mib))M"
		-smp "$((sockets * cpus)),sockets=$sockets,cores=$cpus,threads=1")
	for ((node = 0; node < nodes; node++)); do
		LAB_MACHINE+=(-object "memory-backend-ram,id=ram$node,size=${mib}M"
			-numa "node,nodeid=$node,memdev=ram$node,cpus=$((node * cpus))-$((node * cpus + cpus - 1))")
	done
	if [[ -n $5 ]]; then
		LAB_MACHINE+=(-numa "node,nodeid=$node,cpus=$((nodes * cpus))-$((sockets * cpus - 1))")
		node=$((node + 1))
	fi
	((dimm == 0)) || LAB_MACHINE+=(-m "slots=1,maxmem=$((nodes * mib + dimm))M"
		-object "memory-backend-ram,id=dimm,size=${dimm}M"
		-numa "node,nodeid=$node" -device "pc-dimm,memdev=dimm,node=$node")
	for item in "${LAB_DISTANCES[@]}"; do
		read -r from to value <<<"$item"
		LAB_MACHINE+=(-numa "dist,src=$from,dst=$to,val=$value")
	done
}
