# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Gate: the module builds without a word from sparse or from the compiler's extra
# warnings (W=1). Sourced by scripts/check.

gate_sparse() {
	local found checked
	build_checked
	checked=$(grep -c '^  CHECK ' "$BUILT/make.log" || true)
	((checked > 0)) || { echo "expected sparse to run, found no CHECK line:"; cat "$BUILT/make.log"; return 1; }
	found=$(grep -nE '(error|warning):|WARNING:|undefined!' "$BUILT/make.log" || true)
	summary "$checked files built with W=1"
	[[ -z $found ]] || { printf '%s\n' "$found"; return 1; }
}
