# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Gate: each fault of tests/mutations still changes the file that it names, and the test that
# must notice it exists: code moves, and a fault that is not there any more is noticed by
# nobody. Sourced by scripts/check.

gate_mutations() {
	local name file expression test count=0 bad=0 known
	known=$("$TREE/tests/run" --list)
	while IFS= read -r line; do
		[[ -n $line && $line != '#'* ]] || continue
		count=$((count + 1))
		name=${line%% | *} line=${line#* | }
		file=${line%% | *} line=${line#* | }
		test=${line##* | }
		expression=${line% | *}
		if [[ ! -f $TREE/$file ]] || sed "$expression" "$TREE/$file" | cmp -s - "$TREE/$file"; then
			echo "$name: expected an expression that changes $file, found: $expression"
			bad=1
		fi
		if ! grep -qwF -- "$test" <<<"$known"; then
			echo "$name: expected a test of tests/run --list, found: $test"
			bad=1
		fi
	done <"$TREE/tests/mutations"
	((count > 0)) || { echo "expected faults in tests/mutations, found none"; return 1; }
	summary "$count faults"
	return "$bad"
}
