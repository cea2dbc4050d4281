#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The module as dkms built and installed it: without a warning, where modprobe
# finds it, for this kernel; uninstalled it is gone, installed again it loads.
# Time limit: 200 s
. "$(dirname "$0")/lib.sh"

version=$(sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' /knumad/dkms.conf)
kernel=$(uname -r)

# dkms 2 (Debian 11) has a comma for the slash.
is "dkms says installed" "knumad/$version, $kernel, x86_64: installed" \
	"$(dkms status 2>/dev/null | sed 's|^knumad, |knumad/|')"
file=$(modinfo -n knumad)
is "modprobe would take dkms's file" updates/dkms "$(cut -d/ -f5-6 <<<"$file")"
is "its version is dkms.conf's" "$version" "$(modinfo -F version knumad)"
is "its licence is GPL" GPL "$(modinfo -F license knumad)"
is "it is built for this kernel" "$kernel" "$(modinfo -F vermagic knumad | cut -d' ' -f1)"
is "every parameter is described" "exempt fault migrate_mb_per_sec min_rss_mb mode scan_mb_per_sec scan_period_ms watch_threads" \
	"$(modinfo -F parm knumad | cut -d: -f1 | LC_ALL=C sort | paste -sd' ')"
mapfile -t logs < <(find "/var/lib/dkms/knumad/$version" -name make.log)
is "the build had no warning" "" "$(grep -E 'warning:|WARNING' "${logs[@]}" || true)"

check "it loads" load mode=observe
check "it unloads" unload
check "dkms uninstall" dkms uninstall -k "$kernel" "knumad/$version"
if modprobe knumad 2>"$SCRATCH/error"; then
	fail "uninstalled it cannot be loaded"
else
	check "uninstalled it cannot be loaded" grep -q "not found" "$SCRATCH/error"
fi
check "dkms install" dkms install -k "$kernel" "knumad/$version"
check "it loads again" load mode=observe
unload
finish
