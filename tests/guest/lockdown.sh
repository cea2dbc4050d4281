#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A kernel locked down for integrity, as under Secure Boot: everything can be seen and set,
# knumad acts, and goes. Locked down here once it is loaded, as the lab's module is signed
# with a key that the kernel does not know; in a boot of its own, as nothing takes it back.
# Time limit: 120 s
. "$(dirname "$0")/lib.sh"

readonly SECURITY=/sys/kernel/security
[[ -e $SECURITY/lockdown ]] || mount -t securityfs securityfs "$SECURITY"

start_load load --start crossed --threads 1 --size 96M --seconds 300
a=${PIDS[0]} b=${PIDS[1]}
load mode=observe
echo integrity >"$SECURITY/lockdown"
is "the kernel is locked down" "none [integrity] confidentiality" "$(<"$SECURITY/lockdown")"
for file in "$DEBUG"/*; do
	check "${file##*/} can be read" cat "$file"
done
echo "$a" >"$PARAMS/exempt"
is "a process is exempted" "$a" "$(<"$PARAMS/exempt")"
is "debugfs says so" "$a" "$(<"$DEBUG/exempt")"
echo full >"$PARAMS/mode"
comes_home() {
	all_home "$b" 0 || memory_home "$b" 1
}
check "the other one's threads, or its memory, come home" within 30 comes_home
is "the exempted one has no home" - "$(process_field "$a" home)"
echo 1 >/sys/kernel/tracing/events/knumad/enable
check "there are tracepoints" within 20 grep -q knumad_ /sys/kernel/tracing/trace
echo 0 >/sys/kernel/tracing/events/knumad/enable
unload
is "nothing is left behind" "" "$(remains)"
finish
