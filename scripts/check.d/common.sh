# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What the gates share: messages, a scratch directory, missing tools, the files
# of the tree. Sourced by scripts/check; runs on the host.

check_error() {
	echo "check: error: $*" >&2
	exit 2
}

CHECK_TMP=$(mktemp -d "${TMPDIR:-/tmp}/knumad-check.XXXXXX")
# Taken along by subshells, so only the script itself may remove it.
trap '[[ $BASHPID != "$$" ]] || rm -rf "$CHECK_TMP"' EXIT

# summary TEXT: what a passed gate says of itself.
summary() {
	echo "$*" >"$CHECK_TMP/summary"
}

# need_tools COMMAND=PACKAGE…: installs the packages of commands that are missing.
need_tools() {
	"$CHECK_D/../need" "$@" || exit 2
}

# sources DIR… -- PATTERN…: sorted names, relative to the tree, of the files below
# DIR… whose name matches a find pattern; build products left out.
sources() {
	local dirs=() patterns=() pattern
	while [[ $1 != -- ]]; do
		[[ ! -e $TREE/$1 ]] || dirs+=("$1")
		shift
	done
	shift
	for pattern in "$@"; do
		patterns+=(-o -name "$pattern")
	done
	((${#dirs[@]})) || return 0
	(cd "$TREE" && find "${dirs[@]}" -name build -prune -o -type f \
		\( "${patterns[@]:1}" \) ! -name '*.mod.c' -print | sort)
}

# scripts: every shell script of the tree, by name or by its first line.
scripts() {
	local file line
	sources scripts tests tools .ci -- '*' | while read -r file; do
		read -r line <"$TREE/$file" || true
		case $file:$line in
		*.sh:* | *:'#!/bin/bash'* | *:'#!/bin/sh'* | *:'#!/bin/busybox sh'*) echo "$file" ;;
		esac
	done 2>/dev/null
}
