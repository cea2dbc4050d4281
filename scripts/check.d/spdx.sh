# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Gate: every source file begins with its licence, then a comment. Sourced by
# scripts/check.

# The first line (the second after "#!") must be the licence, and one of the next
# three must begin a comment with a word in it.
gate_spdx() {
	local file count=0 bad=0
	while read -r file; do
		count=$((count + 1))
		if ! awk 'NR == 1 && /^#!/ { shift_by = 1; next }
			NR == 1 + shift_by && !/SPDX-License-Identifier: GPL-2\.0-only/ { exit 1 }
			NR > 1 + shift_by && NR <= 5 + shift_by && /^( \*|#|\/\*|\/\/) *[[:alpha:]]/ &&
				!/shellcheck (shell|disable)/ { found = 1; exit }
			NR > 5 + shift_by { exit 1 }
			END { exit !found }' "$TREE/$file"; then
			echo "$file: expected an SPDX line (GPL-2.0-only) and then a comment that says the file's job, found:"
			head -n 4 "$TREE/$file" | sed 's/^/    /'
			bad=1
		fi
	done < <({
		sources module include tests tools -- '*.c' '*.h' '*.bt' Makefile
		sources scripts -- '*.bt'
		sources Kbuild Makefile -- Kbuild Makefile
		scripts
	} | sort -u)
	((count > 0)) || { echo "expected source files below $TREE, found none"; return 1; }
	summary "$count files"
	return "$bad"
}
