# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# How the demo looks: headings, sentences, check marks, for 80 columns, appended
# only. Sourced by scripts/demo.d/inside in the guest, which calls set_colours
# first.

readonly WIDTH=78

set_colours() {
	if [[ $1 == yes ]]; then
		bold=$'\e[1m' dim=$'\e[2m' red=$'\e[31m' green=$'\e[32m' reset=$'\e[0m'
	else
		bold='' dim='' red='' green='' reset=''
	fi
}

rule() {
	local line
	printf -v line '%*s' "$WIDTH" ''
	printf '%s%s%s\n' "$dim" "${line// /-}" "$reset"
}

heading() {
	echo
	rule
	printf '%s%s%s\n' "$bold" "$1" "$reset"
	rule
}

# A paragraph, wrapped.
say() {
	printf '%s\n' "$*" | fold -s -w "$WIDTH" | sed 's/ *$//'
}

# What was typed, before what it does.
command_line() {
	printf '\n%s# %s%s\n' "$bold" "$*" "$reset"
}

passed() {
	printf '  %sok%s    %s\n' "$green" "$reset" "$1"
}

failed() {
	printf '  %sFAIL%s  %s\n' "$red" "$reset" "$1"
}

# Text from the kernel, indented and wrapped so that it keeps to the width.
quote() {
	fold -s -w $((WIDTH - 2)) | sed 's/^/  /; s/ *$//'
}
