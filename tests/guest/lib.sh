# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What the guest tests share: the module, loads, and where threads and memory
# are by the word of /proc, never by the module's own. Sourced by the scripts of
# tests/guest, which run as root in a guest of the lab.
set -euo pipefail

# Without udev nobody may have made it; the shell's <(...) needs it.
[[ -e /dev/fd ]] || ln -s /proc/self/fd /dev/fd

# shellcheck source=tests/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

readonly DEBUG=/sys/kernel/debug/knumad
readonly PARAMS=/sys/module/knumad/parameters
readonly NUMAB=/proc/sys/kernel/numa_balancing
readonly HOOKS=/sys/kernel/tracing/enabled_functions
readonly NULLB=/sys/kernel/config/nullb
readonly GROUPS_DIR=/sys/fs/cgroup
SCRATCH=$(mktemp -d)

# Node of each CPU, once.
declare -a CPU_NODE=()
for dir in /sys/devices/system/node/node[0-9]*/cpu[0-9]*; do
	node=${dir#*/node/node}
	CPU_NODE[${dir##*/cpu}]=${node%%/*}
done

# load [PARAMETER=VALUE…]
load() {
	modprobe knumad "$@"
}

unload() {
	rmmod knumad
}

# read_stat NAME: sets STAT to a value of debugfs stats, and starts no process for it.
read_stat() {
	local all
	IFS= read -r -d '' all <"$DEBUG/stats" || true
	all=$'\n'$all
	[[ $all == *$'\n'"$1 "* ]] || return 1
	all=${all#*$'\n'"$1 "}
	STAT=${all%%$'\n'*}
}

# stat_of NAME: prints it.
stat_of() {
	local STAT
	read_stat "$1" && echo "$STAT"
}

# process_field PID COLUMN: what debugfs processes says of a process, by column name.
process_field() {
	awk -v pid="$1" -v column="$2" '
		NR == 1 { for (i = 1; i <= NF; i++) if ($i == column) at = i }
		NR > 1 && $1 == pid { print $at }' "$DEBUG/processes"
}

# state: what a failed test of moving memory shows.
state() {
	cat "$DEBUG/processes" "$DEBUG/nodes" "$DEBUG/exchanges"
	tail -n 12 "$DEBUG/decisions"
	grep -E 'exch|migrate|skip' "$DEBUG/stats"
}

# klog_mark, klog_since: kernel log lines of knumad since the last mark. The kernel's own
# line about a refused parameter has the module's name, too, and is left out.
klog_mark() {
	echo "knumad-test: mark $((++KLOG_MARK)) of $$" >/dev/kmsg
}
klog_since() {
	dmesg | awk -v mark="knumad-test: mark $KLOG_MARK of $$" '
		index($0, mark) { on = 1; lines = ""; next }
		on && / knumad: [^`]/ { lines = lines $0 "\n" }
		END { printf "%s", lines }' | sed 's/^.* knumad: /knumad: /'
}
KLOG_MARK=0

# start_load NAME OPTION…: remote_ram in the background; sets PIDS when all its
# threads run. Ends with the test.
start_load() {
	local name=$1 file=$SCRATCH/$1.pids
	shift
	rm -f "$file"
	remote_ram --rest --name "$name" --pid-file "$file" "$@" >"$SCRATCH/$name.out" 2>&1 &
	LOAD_PID=$!
	if ! within 60 test -s "$file"; then
		diag "remote_ram $* did not start: $(cat "$SCRATCH/$name.out")"
		return 1
	fi
	mapfile -t PIDS <"$file"
}

# Ends what start_load started last. LOAD_STATUS: remote_ram's, 0 only if all memory
# that it was to verify was right.
stop_load() {
	kill -TERM "$LOAD_PID" 2>/dev/null || true
	LOAD_STATUS=0
	wait "$LOAD_PID" || LOAD_STATUS=$?
}

# start_hold NAME ARGUMENT…: hold in the background; sets HOLD_PID. Its output, with the
# mappings' addresses, is in $SCRATCH/NAME.
start_hold() {
	local file=$SCRATCH/$1
	shift
	rm -f "$file" # one of this name may have been ready before
	hold "$@" >"$file" 2>&1 &
	HOLD_PID=$!
	if ! within 60 grep -qs ready "$file"; then
		diag "hold $* did not start: $(cat "$file")"
		return 1
	fi
}

# stop_hold PID: ends it; HOLD_STATUS is 0 only if all its memory was right.
stop_hold() {
	kill -TERM "$1" 2>/dev/null || true
	HOLD_STATUS=0
	wait "$1" || HOLD_STATUS=$?
}

# all_right PID…: ends what start_hold started, and says whether all memory was right.
all_right() {
	local pid wrong=()
	for pid in "$@"; do
		stop_hold "$pid"
		((HOLD_STATUS == 0)) || wrong+=("$pid: $HOLD_STATUS")
	done
	is "all memory is right" "" "${wrong[*]}"
}

# start_of NAME KIND: the address of a mapping that start_hold NAME printed.
start_of() {
	awk -v kind="$2" '$1 == kind { print $2 }' "$SCRATCH/$1"
}

# running_on PID NODE: sets HERE and ALL, its running threads there and everywhere, by
# /proc/PID/task/*/stat: after the name, field 3 is the state and field 39 the CPU.
running_on() {
	local stat line fields
	HERE=0 ALL=0
	for stat in "/proc/$1"/task/*/stat; do
		{ IFS= read -r line <"$stat"; } 2>/dev/null || continue
		read -ra fields <<<"${line##*) }"
		[[ ${fields[0]} == R ]] || continue
		ALL=$((ALL + 1))
		[[ ${CPU_NODE[${fields[36]}]} != "$2" ]] || HERE=$((HERE + 1))
	done
}

# all_home PID NODE [PID NODE…]: every running thread is on the node, and some runs.
all_home() {
	while (($#)); do
		running_on "$1" "$2"
		((ALL > 0 && HERE == ALL)) || return 1
		shift 2
	done
}

# home_permille SECONDS PID NODE [PID NODE…]: of all running threads, sampled over
# the time, how many per thousand were on their node.
home_permille() {
	local samples=$(($1 * 4)) here=0 all=0 i
	shift
	local pairs=("$@")
	while ((samples-- > 0)); do
		for ((i = 0; i < ${#pairs[@]}; i += 2)); do
			running_on "${pairs[i]}" "${pairs[i + 1]}"
			here=$((here + HERE))
			all=$((all + ALL))
		done
		nap 0.25
	done
	echo $((all ? here * 1000 / all : 0))
}

# anon_pages PID NODE [START]: its anonymous base pages on a node by numa_maps; of
# the mapping at START (hex) alone, if given.
anon_pages() {
	awk -v node="N$2=" -v start="${3:-}" '
		(start != "" && $1 != start) || !/ anon=/ { next }
		{
			here = 0
			size = 4
			for (i = 3; i <= NF; i++) {
				if (index($i, node) == 1)
					here = substr($i, length(node) + 1)
				if ($i ~ /^kernelpagesize_kB=/)
					size = substr($i, 19)
			}
			pages += here * size / 4
		}
		END { print pages + 0 }' "/proc/$1/numa_maps" 2>/dev/null || echo 0
}

# map_pages PID NODE START: base pages of one mapping on a node, of whatever kind.
map_pages() {
	awk -v start="$3" -v node="N$2=" '
		$1 == start {
			for (i = 3; i <= NF; i++)
				if (index($i, node) == 1)
					pages += substr($i, length(node) + 1)
		}
		END { print pages + 0 }' "/proc/$1/numa_maps" 2>/dev/null || echo 0
}

# memory_permille PID NODE: how much of its anonymous memory is there.
memory_permille() {
	local node here=0 all=0 pages
	for node in /sys/devices/system/node/node[0-9]*; do
		node=${node##*/node}
		pages=$(anon_pages "$1" "$node")
		all=$((all + pages))
		[[ $node != "$2" ]] || here=$pages
	done
	echo $((all ? here * 1000 / all : 0))
}

# memory_home PID NODE [PID NODE…]: at least 95 % of the memory is on the node.
memory_home() {
	while (($#)); do
		(($(memory_permille "$1" "$2") >= 950)) || return 1
		shift 2
	done
}

# mostly_home PID NODE [PID NODE…]: at least 85 % of the memory is there. Of little memory on full
# nodes the rest is not to be had for sure: what others come to use there meanwhile is as much.
mostly_home() {
	while (($#)); do
		(($(memory_permille "$1" "$2") >= 850)) || return 1
		shift 2
	done
}

# free_above MARK NODE: free pages above the sum of its zones' watermarks of that name.
free_above() {
	awk -v mark="$1" -v node="$2," '
		$1 == "Node" { on = $2 == node }
		on && $1 == "pages" && $2 == "free" { spare += $3 }
		on && $1 == mark { spare -= $2 }
		END { print spare + 0 }' /proc/zoneinfo
}

# left_for_others NODE: its free pages, those on CPUs' lists among them, which from 6.7 on may be
# some thousands, and page cache, which comes back after the node was filled.
left_for_others() {
	awk -v node="$1," '
		$1 == "Node" { on = $2 == node }
		on && $1 == "pages" && $2 == "free" { pages += $3 }
		on && ($1 == "count:" || $1 ~ /^nr_(in)?active_file$/) { pages += $2 }
		END { print pages + 0 }' /proc/zoneinfo
}

# room_of NODE: what is free above the high watermark in the zone that movable pages are taken from,
# those on CPUs' lists among it: anything may fill that.
room_of() {
	awk -v node="$1," '
		$1 == "Node" { on = $2 == node; listed = managed = 0 }
		on && $1 == "pages" && $2 == "free" { free = $3 }
		on && $1 == "high" { high = $2 }
		on && $1 == "managed" { managed = $2 }
		on && $1 == "count:" { listed += $2 }
		on && managed > 0 { room = free + listed - high }
		END { print (room > 0) ? room : 0 }' /proc/zoneinfo
}

# event NAME: the count of it in /proc/vmstat.
event() {
	awk -v name="$1" '$1 == name { print $2 }' /proc/vmstat
}

# fill_most MARK LEAVE_MB NODE…: mlocked memory on the nodes, its page tables not counted;
# FILL gets the processes, in the order of the nodes.
fill_most() {
	local mark=$1 leave=$2 node mb
	shift 2
	cat /proc/sys/vm/stat_refresh >/dev/null
	for node in "$@"; do
		mb=$(($(free_above "$mark" "$node") / 256 - leave))
		((mb > 0)) || mb=1
		hold "$node" - mlocked:$mb >"$SCRATCH/fill$node" 2>&1 &
		FILL+=("$!")
	done
	for node in "$@"; do
		if ! within 60 grep -q ready "$SCRATCH/fill$node"; then
			diag "node $node was not filled: $(<"$SCRATCH/fill$node")"
			return 1
		fi
	done
}

# fill_up MARK LEAVE_MB [NODE…]: as much, on nodes 0 and 1 if none is named, in two steps, so
# that just LEAVE_MB is left above the watermark: what a large one needs beside its memory is
# not known before.
fill_up() {
	local mark=$1 leave=$2
	shift 2
	(($#)) || set -- 0 1
	FILL=()
	fill_most "$mark" $((leave + 16)) "$@"
	fill_most "$mark" "$leave" "$@"
}

# empty PID…: ends processes whose memory is not looked at any more.
empty() {
	local pid
	for pid in "$@"; do
		kill -KILL "$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
	done
}

# in_group NAME COMMAND…: what COMMAND starts is in the cgroup of that name.
in_group() {
	local group=$GROUPS_DIR/knumad-$1
	mkdir -p "$group"
	echo $$ >"$group/cgroup.procs"
	"${@:2}"
	echo $$ >"$GROUPS_DIR/cgroup.procs"
}

# send_away PID NODE [PID NODE]…: all threads of each to a node by force, and lets them go again.  In
# between there is no plan, which would take the force for its user's wish.
send_away() {
	local period pid sent=()
	period=$(<"$PARAMS/scan_period_ms")
	echo 60000 >"$PARAMS/scan_period_ms"
	sleep 1
	while (($#)); do
		pin "$1" "$2"
		sent+=("$1")
		shift 2
	done
	sleep 0.5
	for pid in "${sent[@]}"; do
		taskset -acp "0-$((${#CPU_NODE[@]} - 1))" "$pid" >/dev/null
	done
	sleep 0.5
	echo "$period" >"$PARAMS/scan_period_ms"
}

# pin PID NODE: binds all its threads to the node.
pin() {
	taskset -acp "$(<"/sys/devices/system/node/node$2/cpulist")" "$1" >/dev/null
}

# ticker NODE…: an access shows once the page is no more in the CPU's TLB, and QEMU's has room
# for all of a process: other address spaces come by on the nodes' CPUs, as on any real machine.
ticker() {
	local node cpu
	for node in "$@"; do
		for cpu in "/sys/devices/system/node/node$node"/cpu[0-9]*; do
			taskset -c "${cpu##*/cpu}" perl -e 'select(undef, undef, undef, 0.02) while 1' &
		done
	done
}

# active_is_known PID: by debugfs, on each node.
active_is_known() {
	[[ $(process_field "$1" active_mb_per_node) == *,* ]]
}

# most_put_on: by the trace, pages that exchanges had put on a node beyond what had left it,
# the most of all.
most_put_on() {
	sed -n 's/.*knumad_exchange: .*put_on=\(-\{0,1\}[0-9]*\) .*/\1/p' /sys/kernel/tracing/trace |
		sort -n | tail -n 1
}

# free_pages NODE
free_pages() {
	awk '/MemFree/ { print int($4 / 4) }' "/sys/devices/system/node/node$1/meminfo"
}

# none_isolated: no page is off its list.
none_isolated() {
	(($(awk '/^nr_isolated_(anon|file) / { sum += $2 } END { print sum }' /proc/vmstat) == 0))
}

# cpus_allowed PID: the affinity of each of its threads.
cpus_allowed() {
	grep -h Cpus_allowed: "/proc/$1"/task/*/status
}

# hooked: whether some hook is in. Files of tracefs have no size to test.
hooked() {
	[[ -n $(<"$HOOKS") ]]
}

# knumad_threads: names of its kernel threads.
knumad_threads() {
	cat /proc/[0-9]*/comm 2>/dev/null | grep -E '^knumad(/|_)' || true
}

threads_ended() {
	[[ -z $(knumad_threads) ]]
}

# What the module leaves in the system while loaded: empty once it has gone. When rmmod returns
# its threads have left it, but each has the rest of the kernel's own exit before it.
remains() {
	[[ -e /sys/module/knumad ]] || within 5 threads_ended || true
	[[ ! -e /sys/module/knumad ]] || echo "/sys/module/knumad exists"
	[[ ! -e $DEBUG ]] || echo "$DEBUG exists"
	[[ ! -e /sys/kernel/tracing/events/knumad ]] || echo "its tracepoints exist"
	knumad_threads | sed 's/^/thread /'
	# The addresses of a module that has gone have no name: any hook is one too many.
	sed 's/^/hook /' "$HOOKS"
}

has_disks() {
	modprobe null_blk nr_devices=0 2>/dev/null
}

# disk NAME MB MB_PER_SECOND: a block device in memory, as fast as said; 0: as it can.
disk() {
	mountpoint -q /sys/kernel/config || mount -t configfs configfs /sys/kernel/config
	mkdir "$NULLB/$1"
	echo "$2" >"$NULLB/$1/size"
	echo 1 >"$NULLB/$1/memory_backed"
	(($3 == 0)) || echo "$3" >"$NULLB/$1/mbps"
	echo 1024 >"$NULLB/$1/hw_queue_depth"
	echo 1 >"$NULLB/$1/power"
	within 5 test -b "/dev/$1"
	# A request has to fit into what a slow one does in a fiftieth of a second.
	(($3 == 0)) || echo 32 >"/sys/block/$1/queue/max_sectors_kb"
}

# swap_disk NAME MB MB_PER_SECOND: one that is swapped to.
swap_disk() {
	disk "$@"
	mkswap "/dev/$1" >/dev/null
	swapon "/dev/$1"
}

# Ends the test's own processes and puts the guest back as it was.
cleanup() {
	local pid dir
	for pid in $(jobs -p); do
		kill -KILL "$pid" 2>/dev/null || true
	done
	wait 2>/dev/null || true
	[[ ! -e /sys/module/knumad ]] || rmmod knumad || true
	swapoff -a || true
	for dir in "$NULLB"/nullb*; do
		[[ ! -d $dir ]] || rmdir "$dir"
	done
	rmmod null_blk 2>/dev/null || true
	echo 1 >"$NUMAB"
	rm -rf "$SCRATCH"
}
trap cleanup EXIT
