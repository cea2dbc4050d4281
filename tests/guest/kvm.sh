#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# KVM guests inside the guest: their memory is moved while their vCPUs write it, on full
# nodes in exchange with another process's and with another VM's, what is pinned for a
# device is left and counted, vCPU threads go to where the memory is, and every word that
# the VMs' and their host side wrote is there in the end.
# Time limit: 240 s
. "$(dirname "$0")/lib.sh"

readonly VM_MB=160 PINNED_MB=8
trap 'cleanup; rmmod kvm_amd kvm_intel 2>/dev/null || true' EXIT

# start_vm NAME MEMORY_NODE RUN_NODE PINNED_MB VCPUS: sets VM_PID. A vCPU hangs now and then
# before it has run at all, in an emulated machine: one more try.
start_vm() {
	local name=$1 try
	for try in 1 2; do
		kvm_guest "$2" "$3" $VM_MB "$4" "$5" >"$SCRATCH/$name" 2>&1 &
		VM_PID=$!
		! within 30 grep -q passes "$SCRATCH/$name" || return 0
		diag "try $try: no vCPU runs: $(cat "$SCRATCH/$name")"
		kill -KILL "$VM_PID"
		wait "$VM_PID" 2>/dev/null || true
	done
	return 1
}

# stop_vm NAME PID: ends it and says whether its memory was right.
stop_vm() {
	local status=0
	kill -TERM "$2"
	wait "$2" || status=$?
	is "$1: all memory is right" 0 "$status"
	((status == 0)) || diag "$(grep -v passes "$SCRATCH/$1")"
}

passes() {
	awk '$1 == "passes" { n = $2 } END { print n + 0 }' "$SCRATCH/$1"
}

# vm_part PID NODE: per mille of what is not pinned that is on the node.
vm_part() {
	local here there
	here=$(anon_pages "$1" "$2" 200000000000)
	there=$(anon_pages "$1" $((1 - $2)) 200000000000)
	echo $((here + there ? here * 1000 / (here + there) : 0))
}

vms_home() {
	while (($#)); do
		(($(vm_part "$1" "$2") >= 950)) || return 1
		shift 2
	done
}

modprobe kvm_amd 2>/dev/null || modprobe kvm_intel 2>/dev/null || true
if [[ ! -c /dev/kvm ]]; then
	skip "memory of KVM guests" "no kvm module of this kernel works on this CPU"
	finish
	exit
fi
echo 0 >"$NUMAB"

# Full nodes; two VMs, each with its vCPU bound to where the other's memory is.
start_vm two 1 0 0 1
a=$VM_PID
pin "$a" 0
start_vm three 0 1 0 1
b=$VM_PID
pin "$b" 1
fill_up low 3
load mode=off min_rss_mb=48 scan_period_ms=300
before_two=$(passes two) before_three=$(passes three)
echo full >"$PARAMS/mode"
if within 60 vms_home "$a" 0 "$b" 1; then
	pass "two VMs exchange their memory while they write it"
	diag "after $WAITED s"
else
	fail "two VMs exchange their memory while they write it" "$(state)"
fi
at_least "the first went on meanwhile (passes)" 1 $(($(passes two) - before_two))
at_least "and so did the second (passes)" 1 $(($(passes three) - before_three))
at_least "in exchange (pages)" $((VM_MB * 256)) "$(stat_of exchange_pages)"
unload
stop_vm two "$a"
stop_vm three "$b"
empty "${FILL[@]}"
# Full nodes; the partner is another process, the VM's vCPUs are bound away from its memory.
start_vm one 1 0 $PINNED_MB 2
vm=$VM_PID
pin "$vm" 0
start_hold partner 0 1x1 thp:$VM_MB
partner=$HOLD_PID
fill_up low 3
load mode=off min_rss_mb=48 scan_period_ms=300
pinned=$(anon_pages "$vm" 1 300000000000)
huge=$(awk '/AnonHugePages/ { kb += $2 } END { print kb }' "/proc/$vm/smaps")
before=$(passes one)
echo full >"$PARAMS/mode"
if within 60 vms_home "$vm" 0; then
	pass "a VM's memory comes home while its vCPUs write it"
	diag "after $WAITED s; KiB of huge pages before: $huge, now: $(awk '/AnonHugePages/ { kb += $2 } END { print kb }' "/proc/$vm/smaps")"
else
	fail "a VM's memory comes home while its vCPUs write it" "$(state)"
fi
at_least "in exchange (pages)" $((VM_MB * 128)) "$(stat_of exchange_pages)"
check "and the partner's does" within 20 memory_home "$partner" 1
at_least "the vCPUs went on meanwhile (passes)" 1 $(($(passes one) - before))
is "pinned for a device: all where it was" "$pinned and 0" \
	"$(anon_pages "$vm" 1 300000000000) and $(anon_pages "$vm" 0 300000000000)"
at_least "pinned for a device: some there" $((PINNED_MB * 256)) "$pinned"
at_least "pinned for a device: known to stay (MB)" $PINNED_MB "$(process_field "$vm" bound_mb)"
empty "${FILL[@]}"

# Threads alone may move now, and are put onto the other node.
empty "$partner"
echo cpu >"$PARAMS/mode"
send_away "$vm" 1
check "vCPU threads go home when they may" within 20 all_home "$vm" 0
at_least "and stay there (per mille in 4 s)" 900 "$(home_permille 4 "$vm" 0)"
at_least "where the memory is, too (per mille)" 950 "$(vm_part "$vm" 0)"
# All that the VM has, its vCPUs write; no page table of the process's own is used for it.
vm_is_active() {
	local mb
	mb=$(process_field "$vm" active_mb_per_node | cut -d, -f1)
	((${mb/-/0} >= VM_MB * 3 / 4))
}
if grep -q '^young *yes' "$DEBUG/capabilities"; then
	check "what the vCPUs write is seen as active" within 30 vm_is_active
else
	skip "what the vCPUs write is seen as active" "this kernel does not let modules ask KVM for it"
fi
unload
stop_vm one "$vm"
check "nothing is left isolated" within 8 none_isolated
finish
