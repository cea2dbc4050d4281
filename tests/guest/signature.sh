#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Secure Boot: dkms has signed the module with its own key; a kernel that enforces
# signatures, as under Secure Boot, and does not know that key, refuses it with its own
# message, and nothing is left behind. Runs in a guest booted with module.sig_enforce=1.
# Time limit: 60 s
. "$(dirname "$0")/lib.sh"

file=$(modinfo -n knumad)
signer=$(modinfo -F signer knumad)
if dkms --version | grep -qE 'dkms[-: ]*2\.'; then
	is "this old dkms signs nothing" "" "$signer"
else
	is "dkms signed the module with its key" "DKMS module signing key" "$signer"
	check "the certificate to enrol is where README says" test -s /var/lib/dkms/mok.pub
fi
is "the kernel enforces signatures" Y "$(</sys/module/module/parameters/sig_enforce)"
if load mode=full 2>"$SCRATCH/error"; then
	fail "the kernel refuses a module whose key it does not know"
	unload
else
	check "the kernel refuses a module whose key it does not know" \
		grep -qE 'Key was rejected by service|Required key not available' "$SCRATCH/error"
	diag "$(<"$SCRATCH/error")"
fi
is "nothing is left behind" "" "$(remains)"
check "Debian's own modules load" modprobe dummy
rmmod dummy
check "the file is there" test -e "$file"
finish
