#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The loads of the meter's self-test, in a guest under the meter: prints remote_ram's
# report for each, in a line that begins with the run's label. Called by
# tests/meter_selftest.
#
# selftest.sh counts                     what is counted, with known answers
# selftest.sh times PLACEMENT-T-NR…      remote_ram, hard-bound, T threads a process
# selftest.sh distances                  three nodes, each process one away; ends the guest
set -euo pipefail

# What the kernel does by itself is not to be in the way.
echo 0 >/proc/sys/kernel/numa_balancing

# ram LABEL OPTION…
ram() {
	local label=$1
	shift
	remote_ram --kv --mark "$label" "$@" | sed "s/^/$label /"
}

what=$1
shift
case $what in
counts)
	meter-load insns insns 20000000
	meter-load loads loads 2000000
	meter-load calls calls 20000
	meter-load calls-twice calls 40000
	meter-mark start snapshots
	meter-mark snapshot 'first note'
	meter-mark start restarted
	meter-mark run command sh -c 'exit 7' || echo "command ended with $?"
	;;
times)
	remote_ram --placement local -t 1 -s 8M -n 1 >/dev/null
	for run in "$@"; do
		IFS=- read -r placement threads _ <<<"$run"
		ram "$run" --placement "$placement" -t "$threads" -s 32M -n 3
	done
	;;
distances)
	ram distances --placement remote -p 3 -t 1 -s 16M -n 2
	meter-load false-probe
	echo "the false probe was believed"
	;;
esac
