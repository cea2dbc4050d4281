# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Gate: shellcheck over every shell script, but for what shellcheck.waived lists.
# Sourced by scripts/check.

gate_shellcheck() {
	local files=() waived
	need_tools shellcheck=shellcheck
	mapfile -t files < <(scripts)
	((${#files[@]})) || { echo "expected shell scripts below $TREE, found none"; return 1; }
	waived=$(awk '/^SC/ { print $1 }' "$CHECK_D/shellcheck.waived" | paste -sd,)
	summary "${#files[@]} scripts"
	(cd "$TREE" && shellcheck --exclude="$waived" --external-sources \
		--source-path=SCRIPTDIR "${files[@]}")
}
