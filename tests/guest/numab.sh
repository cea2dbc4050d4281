#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# kernel.numa_balancing: 0 while knumad acts, put back as it was when it stops or
# goes; what the administrator writes meanwhile stays.
# Time limit: 150 s
. "$(dirname "$0")/lib.sh"

numab_is() {
	[[ $(<"$NUMAB") == "$1" ]]
}

# Memory tiering is a value of its own since 5.18.
another=2
echo 2 >"$NUMAB" 2>/dev/null || another=1
for was in 1 $another 0; do
	echo "$was" >"$NUMAB"
	load
	check "it is 0 while knumad acts (was $was)" within 5 numab_is 0
	unload
	is "rmmod puts it back to $was" "$was" "$(<"$NUMAB")"
done

echo 1 >"$NUMAB"
load mode=observe
sleep 2
is "mode=observe does not touch it" 1 "$(<"$NUMAB")"
echo cpu >"$PARAMS/mode"
check "mode=cpu switches it off" within 5 numab_is 0
echo off >"$PARAMS/mode"
check "mode=off puts it back" within 5 numab_is 1
echo memory >"$PARAMS/mode"
check "mode=memory switches it off again" within 5 numab_is 0

klog_mark
echo $another >"$NUMAB"
sleep 3
is "what the administrator writes stays" $another "$(<"$NUMAB")"
is "debugfs says whose it is" changed-by-administrator "$(stat_of numa_balancing)"
is "the log says it once" 1 "$(klog_since | grep -c "numa_balancing was set to $another by somebody else")"
unload
is "rmmod leaves it so" $another "$(<"$NUMAB")"
finish
