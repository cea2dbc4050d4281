# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# The meter (tests/meter): its options, building the plugin, QEMU's arguments for it,
# and handing back its results. Sourced by scripts/lab; runs on the host.

readonly LAB_METER_DEFAULT=1000:1600:2
# What the plugin writes; of an earlier run in the same directory they are removed.
readonly LAB_METER_FILES=(regions.csv vcpus.csv series.csv error)

# parse_meter SPEC: "L:R" or "L:R:I"; sets LAB_METER_LOCAL, _REMOTE and _INSN (ns).
parse_meter() {
	local wanted="expected L:R or L:R:I, the ns of a local miss (1 to 1000000), of a remote one (L to 1000000) and of an instruction (0 to 1000)"
	[[ $1 =~ ^([0-9]{1,7}):([0-9]{1,7})(:([0-9]{1,4}))?$ ]] ||
		usage_error "--meter=$1: $wanted"
	LAB_METER_LOCAL=$((10#${BASH_REMATCH[1]}))
	LAB_METER_REMOTE=$((10#${BASH_REMATCH[2]}))
	LAB_METER_INSN=$((10#${BASH_REMATCH[4]:-${LAB_METER_DEFAULT##*:}}))
	((LAB_METER_LOCAL >= 1 && LAB_METER_REMOTE >= LAB_METER_LOCAL &&
		LAB_METER_REMOTE <= 1000000 && LAB_METER_INSN <= 1000)) ||
		usage_error "--meter=$1: $wanted"
}

# check_meter: what else was asked for must go with it.
check_meter() {
	local argument
	[[ -n $OPT_METER || -z $OPT_METER_DIR ]] || usage_error "--meter-dir: expected --meter, too"
	[[ -n $OPT_METER ]] || return 0
	[[ $OPT_MODE == run ]] || usage_error "--meter: expected 'run', found '$OPT_MODE'"
	((OPT_ALL_NODES == OPT_NODES)) || usage_error "--meter: not with --dimm-node or --cpu-node"
	[[ -z $OPT_ROOTFS ]] ||
		usage_error "--meter: not with --rootfs, which has no meter-mark to set the meter up"
	[[ -e $LAB_TREE/tests/meter/meter.c ]] ||
		usage_error "--meter: expected its source in $LAB_TREE/tests/meter, found none"
	[[ -z $OPT_METER_DIR || ! -e $OPT_METER_DIR || -d $OPT_METER_DIR ]] ||
		usage_error "--meter-dir $OPT_METER_DIR: expected a directory, or none yet"
	for argument in "${OPT_QEMU_ARGS[@]}"; do
		case $argument in
		-accel | -accel=* | -enable-kvm | -icount | -smp | -numa | *kvm* | *accel=*)
			usage_error "--meter: needs QEMU's own TCG and the lab's machine, found --qemu-arg '$argument'"
			;;
		esac
	done
	[[ -n ${LAB_METER_LOCAL:-} ]] || parse_meter "$LAB_METER_DEFAULT"
}

build_meter() {
	build_plugin meter "$1/meter.so" "$LAB_TREE"/tests/meter/{meter,marks,pace,regions,options}.c
}

# need_meter: sets LAB_METER, the plugin, and LAB_METER_DIR, where its results go. After
# need_qemu and choose_accel.
need_meter() {
	local sources key dir
	if [[ $LAB_ACCEL_NAME != TCG ]]; then
		say "the meter needs TCG; $LAB_ACCEL_NAME is not used"
		# shellcheck disable=SC2034,SC2054 # read by guest.sh; the comma is QEMU's
		LAB_ACCEL=(-accel tcg,thread=multi -cpu "$LAB_TCG_CPU")
		LAB_ACCEL_NAME=TCG
	fi
	qemu_has_plugins ||
		lab_error "--meter: expected a QEMU with TCG plugins, found ${LAB_QEMU[*]} without; take it off the PATH to have the lab's own used"
	hash_files sources "$LAB_TREE" tests/meter
	hash_files key "$LAB_D" meter.sh plugin.sh
	hash_of key "$sources" "$key"
	artefact dir meter "$key" 4 build_meter
	LAB_METER=$dir/meter.so
	if [[ -n $OPT_METER_DIR ]]; then
		mkdir -p "$OPT_METER_DIR" || lab_error "--meter-dir $OPT_METER_DIR: cannot be created"
		LAB_METER_DIR=$(cd "$OPT_METER_DIR" && pwd)
	else
		LAB_METER_DIR=$(mktemp -d "${TMPDIR:-/tmp}/knumad-meter.XXXXXX")
	fi
	[[ -w $LAB_METER_DIR ]] || lab_error "--meter-dir $LAB_METER_DIR: expected a writable directory"
	(cd "$LAB_METER_DIR" && rm -f "${LAB_METER_FILES[@]}")
}

# meter_args: adds the plugin to QEMU's arguments, and its set-up before COMMAND.
meter_args() {
	local item distances=''
	for item in "${LAB_DISTANCES[@]}"; do
		distances+=:${item##* }
	done
	LAB_METER_ARGS=(-plugin "file=${LAB_METER//,/,,},dir=${LAB_METER_DIR//,/,,},nodes=$OPT_NODES,cpus=$OPT_CPUS,local=$LAB_METER_LOCAL,remote=$LAB_METER_REMOTE,insn=$LAB_METER_INSN,distances=${distances#:}")
	OPT_QEMU_ARGS+=("${LAB_METER_ARGS[@]}")
	OPT_COMMAND=(meter-mark setup "${OPT_COMMAND[@]}")
	say "meter: a miss costs $LAB_METER_LOCAL ns local, $LAB_METER_REMOTE ns remote, an instruction $LAB_METER_INSN ns; results in $LAB_METER_DIR"
}

# meter_error: the meter's own error, in place of the guest's death that it caused.
meter_error() {
	[[ -n ${LAB_METER_DIR:-} && -s $LAB_METER_DIR/error ]] || return 1
	complain "error: meter: $(<"$LAB_METER_DIR/error")"
}

# meter_summary: a line for each region.
meter_summary() {
	local label seconds percent late regions=0
	[[ -s $LAB_METER_DIR/regions.csv ]] || {
		complain "error: meter: expected the guest to set it up, found no sign of it in $LAB_METER_DIR (COMMAND never started?)"
		return 1
	}
	while IFS=, read -r _ label _ _ seconds _ _ _ _ percent _ _ _ _ _ late _; do
		regions=$((regions + 1))
		say "meter: $label: $seconds s, $percent % of misses remote, $late times late"
	done < <(tail -n +2 "$LAB_METER_DIR/regions.csv")
	((regions)) || say "meter: no region was marked, so nothing was measured; see 'meter-mark --help' in the guest"
	say "meter: results in $LAB_METER_DIR: ${LAB_METER_FILES[*]:0:3}"
}
