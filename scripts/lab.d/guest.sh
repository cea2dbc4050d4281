# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# One run of a guest: starts QEMU, passes COMMAND's output on as it comes, waits
# for the verdict that guest/init sends, and turns it into an exit code. Sourced
# by scripts/lab; runs on the host.
#
# Each channel is a file that QEMU only appends to (see guest/init for what goes
# where): a slow reader of the lab's output cannot hold the guest up, and
# nothing is lost when QEMU ends.

# write_request: what the guest is to do, as an initramfs on top of the lab's own.
write_request() {
	local dir=$LAB_TMP/request name env=()
	mkdir -p "$dir/lab"
	printf '%s\0' "${OPT_COMMAND[@]}" >"$dir/lab/argv"
	env=(HOME=/root USER=root LOGNAME=root SHELL=/bin/bash LANG=C.UTF-8
		PATH=/usr/lib/knumad:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
		"TERM=${TERM:-dumb}" "COLUMNS=$LAB_COLUMNS" "LINES=$LAB_ROWS")
	# COMMAND writes to a pipe; this tells it that a person may be reading.
	[[ ! -t 1 ]] || env+=(KNUMAD_TTY=1)
	printf '%s\0' "${env[@]}" >"$dir/lab/env"
	for name in mode load share; do
		local value=OPT_${name^^}
		printf '%s=%q\n' "$name" "${!value}"
	done >"$dir/lab/conf"
	printf 'rows=%q\ncolumns=%q\n' "$LAB_ROWS" "$LAB_COLUMNS" >>"$dir/lab/conf"
	echo "$((1 + ${#LAB_LAYERS[@]}))" >"$dir/lab/layers"
	{
		cat "$LAB_INITRD"
		(cd "$dir" && find . -mindepth 1 | cpio -o -H newc --quiet)
	} >"$LAB_TMP/initrd"
}

# pack_tree: the project's tree as an image, for a guest that cannot mount the directory.
pack_tree() {
	host_tools mkfs.erofs=erofs-utils
	logged "mkfs.erofs" "$LAB_CACHE/log/tree-$SERIES.log" \
		mkfs.erofs -d1 --exclude-path=.git "$LAB_TMP/tree" "$LAB_TREE"
}

# terminal_size: sets LAB_ROWS and LAB_COLUMNS.
terminal_size() {
	local size=''
	if [[ -t 1 || -t 0 ]]; then
		size=$(stty size </dev/tty 2>/dev/null || true)
	fi
	[[ $size =~ ^[1-9][0-9]*\ [1-9][0-9]*$ ]] || size="24 80"
	LAB_ROWS=${size% *}
	LAB_COLUMNS=${size#* }
}

# qemu_args: sets LAB_ARGS, everything after the QEMU command.
qemu_args() {
	local layer port device fs tsc security=none kernel=$LAB_IMAGE/vmlinux
	tsc_append tsc
	((EUID != 0)) || security=passthrough
	[[ -z $OPT_KASLR && -e $kernel ]] || kernel=$LAB_IMAGE/vmlinuz
	LAB_ARGS=("${LAB_ACCEL[@]}" "${LAB_MACHINE[@]}"
		-nodefaults -no-user-config -display none -no-reboot
		-kernel "$kernel" -initrd "$LAB_TMP/initrd"
		-append "console=ttyS0 loglevel=7 panic=-1 log_buf_len=4M printk.devkmsg=on tsc=reliable${tsc:+ $tsc} net.ifnames=0${OPT_APPEND:+ $OPT_APPEND}"
		-chardev "file,id=console,path=$LAB_TMP/console" -serial chardev:console)
	# QEMU 10.0 was once seen to abort in msix_table_mmio_write() while a guest
	# sized its BARs; line interrupts do as well here.
	for device in virtio-blk-pci virtio-9p-pci virtio-serial-pci; do
		LAB_ARGS+=(-global "$device.vectors=0")
	done
	if [[ $OPT_MODE == shell ]]; then
		LAB_ARGS+=(-chardev "stdio,id=shell,signal=off" -serial chardev:shell)
	fi
	for layer in "$LAB_IMAGE/root.erofs" "${LAB_LAYERS[@]}"; do
		LAB_ARGS+=(-drive "if=virtio,format=raw,readonly=on,file=${layer//,/,,}")
	done
	# Without an ioeventfd a port's data is on the file when the guest's write
	# returns, so that power-off cannot overtake it.
	LAB_ARGS+=(-device virtio-serial-pci,ioeventfd=off)
	for port in out err verdict klog; do
		: >"$LAB_TMP/$port"
		LAB_ARGS+=(-chardev "file,id=$port,path=$LAB_TMP/$port,append=on"
			-device "virtserialport,chardev=$port,name=lab.$port")
	done
	fs="local,security_model=$security,multidevs=remap"
	if [[ -n $LAB_SHARES ]]; then
		LAB_ARGS+=(-virtfs "$fs,mount_tag=tree,readonly=on,path=${LAB_TREE//,/,,}")
	else
		# At a high address, so that its name comes behind the layers'.
		LAB_ARGS+=(-drive "if=none,id=tree,format=raw,readonly=on,file=$LAB_TMP/tree"
			-device virtio-blk-pci,drive=tree,serial=tree,addr=0x18)
	fi
	if [[ -n $OPT_SHARE ]]; then
		LAB_ARGS+=(-virtfs "$fs,mount_tag=share,path=${OPT_SHARE//,/,,}")
	fi
	LAB_ARGS+=("${OPT_QEMU_ARGS[@]}")
}

# verdict VAR WORD: the value of a line "WORD VALUE" of the verdict, or nothing.
verdict() {
	local -n _value=$1
	local word value
	_value=
	while read -r word value; do
		[[ $word != "$2" ]] || _value=${value:-yes}
	done <"$LAB_TMP/verdict"
}

# A guest that has not mounted its root by then never will: a timer of QEMU's is lost now and then
# as the kernel boots. Nothing of ours has been loaded yet.
readonly LAB_ROOT_SECONDS=120 LAB_BOOTS=3

# has_lost_timer: whether the guest's kernel says that a CPU which sleeps was not woken in time:
# of a CPU's own timer, every interrupt after a certain one was once seen to be lost. All that
# waits for a timer of this CPU waits for good then.
has_lost_timer() {
	grep -aqF 'Possible timer handling issue on cpu=' "$LAB_TMP/console"
}

# clock_is_fast SECONDS-UP TENTHS: whether a guest says that it is up for longer than it can be. Where
# QEMU stalls while the kernel measures its time stamp counter, the guest's time runs many times
# too fast for good.
clock_is_fast() {
	[[ -z $OPT_ICOUNT && $1 =~ ^[0-9]+$ ]] && ((10 * $1 > $2 + 20))
}

# watch_guest PID START_DS: until QEMU ends or must be ended. Sets LAB_ENDED to
# "itself", "timeout", "stuck" (before its root was there), "clock" (its time runs too fast), "timer"
# (it lost one) or "reader" (nobody reads our output any more).
watch_guest() {
	local qemu=$1 start=$2 now root='' up='' booted pid
	LAB_ENDED=itself
	while kill -0 "$qemu" 2>/dev/null; do
		nap 1
		now_ds now
		if ((OPT_TIMEOUT && now - start > OPT_TIMEOUT * 10)); then
			LAB_ENDED=timeout
			break
		fi
		if [[ -z $root && $OPT_MODE == run ]]; then
			verdict root root
			if [[ -z $root ]] && ((now - start > LAB_ROOT_SECONDS * 10)); then
				LAB_ENDED=stuck
				break
			elif [[ -n $root ]] && clock_is_fast "$root" $((now - start)); then
				LAB_ENDED=clock
				break
			fi
		fi
		if [[ $OPT_MODE == run ]] && has_lost_timer; then
			LAB_ENDED=timer
			break
		fi
		if [[ -z $up ]]; then
			verdict up up
			if [[ -n $up ]]; then
				seconds_since booted "$start"
				say "booted in $booted s"
			fi
		fi
		for pid in "${LAB_READERS[@]}"; do
			if ! kill -0 "$pid" 2>/dev/null && kill -0 "$qemu" 2>/dev/null; then
				LAB_ENDED=reader
				break 2
			fi
		done
	done
	kill -KILL "$qemu" 2>/dev/null || true
	for pid in "$qemu" "${LAB_READERS[@]}"; do
		wait "$pid" 2>/dev/null || true
		unset "LAB_CHILDREN[$pid]"
	done
}

# boots_in_vain: whether the guest is worth another boot: it did not get to its root file
# system, and hangs, or its clock is wrong, or QEMU gave up by an assertion of its own (iotlb_to_section, rarely, while
# PCI devices are mapped).
boots_in_vain() {
	local root
	verdict root root
	[[ $LAB_ENDED == stuck || $LAB_ENDED == clock || (-z $root && $LAB_ENDED == timer) ]] && return
	[[ -z $root && $LAB_ENDED == itself ]] && grep -q 'Assertion .* failed' "$LAB_TMP/qemu"
}

# run_guest: returns with LAB_STATUS set to the exit code.
run_guest() {
	local boots=1
	terminal_size
	write_request
	[[ -n $LAB_SHARES ]] || pack_tree
	boot_guest
	while boots_in_vain && ((boots++ < LAB_BOOTS)); do
		if [[ $LAB_ENDED == timer ]]; then
			complain "QEMU lost a timer of the guest's; it is started again"
		elif [[ $LAB_ENDED == clock ]]; then
			complain "the guest's time runs too fast; it is started again"
		elif [[ $LAB_ENDED == stuck ]]; then
			complain "the guest has no root file system after $LAB_ROOT_SECONDS s; it is started again"
		else
			complain "QEMU gave up: $(grep 'Assertion' "$LAB_TMP/qemu" | tail -n 1); the guest is started again"
			: >"$LAB_TMP/qemu"
		fi
		boot_guest
	done
	judge
}

# boot_guest: runs QEMU until it ends or is ended.
boot_guest() {
	local start qemu port stdin stdout terminal=''
	qemu_args
	: >"$LAB_TMP/console"
	now_ds start
	if [[ $OPT_MODE == shell ]]; then
		terminal=$(stty -g)
		exec {stdin}<&0 {stdout}>&1
	else
		exec {stdin}</dev/null {stdout}>>"$LAB_TMP/qemu"
	fi
	# Should the lab be killed, the kernel takes QEMU down with it.
	setpriv --pdeathsig KILL "${LAB_QEMU[@]}" "${LAB_ARGS[@]}" \
		<&"$stdin" >&"$stdout" 2>>"$LAB_TMP/qemu" &
	qemu=$!
	LAB_CHILDREN["$qemu"]=1
	LAB_READERS=()
	if [[ $OPT_MODE == run ]]; then
		for port in out err; do
			if [[ $port == out ]]; then
				tail -q -f -c +1 -s 0.1 --pid="$qemu" "$LAB_TMP/out" &
			else
				tail -q -f -c +1 -s 0.1 --pid="$qemu" "$LAB_TMP/err" >&2 &
			fi
			LAB_READERS+=("$!")
			LAB_CHILDREN[$!]=1
		done
	fi
	watch_guest "$qemu" "$start"
	[[ -z $terminal ]] || stty "$terminal"
}

show_console_end() {
	complain "the last lines of its console:"
	tr -d '\r' <"$LAB_TMP/console" | tail -n 30 >&2
	if [[ -s $LAB_TMP/qemu ]]; then
		complain "QEMU said:"
		tail -n 10 "$LAB_TMP/qemu" >&2
	fi
}

# The outcome, in order of what tells most: no verdict, a troubled kernel log, a
# module that did not load or unload, COMMAND's own status.
judge() {
	local up status unload end trouble
	klog_trouble trouble "$LAB_TMP/console" "$LAB_TMP/klog"
	verdict up up
	verdict status status
	verdict unload unload
	verdict end end

	if meter_error; then
		LAB_STATUS=$EXIT_LAB
		return
	fi
	if [[ -n $trouble ]]; then
		complain "the guest's kernel log has:"
		printf '%s\n' "$trouble" >&2
	fi
	if [[ $LAB_ENDED == timer ]]; then
		complain "error: QEMU lost a timer of the guest's, which hung by it; run it again${status:+ (COMMAND had ended with status $status)}"
		LAB_STATUS=$EXIT_TIMER
	elif [[ -z $end ]]; then
		case $LAB_ENDED in
		timeout) complain "error: no verdict within $OPT_TIMEOUT s (--timeout); QEMU was killed" ;;
		clock) complain "error: the guest's time runs too fast, $LAB_BOOTS times" ;;
		stuck) complain "error: the guest has no root file system after $LAB_ROOT_SECONDS s, $LAB_BOOTS times" ;;
		reader) complain "error: nobody reads the output any more; QEMU was killed" ;;
		*) complain "error: the guest died without a verdict${status:+ (COMMAND had ended with status $status)}" ;;
		esac
		[[ $LAB_ENDED == reader ]] || show_console_end
		LAB_STATUS=$EXIT_DIED
	elif [[ -n $trouble ]]; then
		complain "error: trouble in the kernel log, shown above (COMMAND's status was $status)"
		LAB_STATUS=$EXIT_KLOG
	elif ((up != 0)); then
		complain "error: modprobe knumad failed with status $up; the end of the kernel log:"
		sed -E 's/^<[0-9]+>//' "$LAB_TMP/klog" | tail -n 15 >&2
		LAB_STATUS=$EXIT_MODPROBE
	elif ((${unload:-0} != 0)); then
		complain "error: rmmod knumad failed with status $unload (COMMAND's status was $status)"
		LAB_STATUS=$EXIT_KLOG
	else
		LAB_STATUS=$status
	fi
	if [[ -n $OPT_CONSOLE ]]; then
		tr -d '\r' <"$LAB_TMP/console" >"$OPT_CONSOLE"
	fi
}
