# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Gate: checkpatch.pl, from Debian's own kernel source, --strict over kernel code
# and less strictly over user code. What is waived, and why, is written in
# checkpatch.waived. Sourced by scripts/check.

download() {
	(cd "$CHECK_TMP" && apt-get -q download "$1" >/dev/null)
}

# find_checkpatch: sets CHECKPATCH, a script with its word lists beside it. It is
# in no small package, so it is taken out of linux-source once and kept.
find_checkpatch() {
	local cache=${KNUMAD_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/knumad} tarball package
	CHECKPATCH=$cache/checkpatch/checkpatch.pl
	[[ ! -x $CHECKPATCH ]] || return 0
	need_tools perl=perl xz=xz-utils
	tarball=$(compgen -G '/usr/src/linux-source-*.tar.xz' | sort -V | tail -n 1 || true)
	if [[ -z $tarball ]]; then
		package=$(apt-cache pkgnames linux-source- | grep -E '^linux-source-[0-9.]+$' | sort -V | head -n 1)
		[[ -n $package ]] || check_error "apt knows no linux-source package to take checkpatch.pl from; run apt-get update"
		echo "# fetching $package for checkpatch.pl (about 140 MB, once)" >&2
		# Lists may be older than the archive, which then has another version.
		download "$package" || { apt-get -q update >/dev/null && download "$package"; } ||
			check_error "apt-get could not download $package, which has checkpatch.pl"
		dpkg-deb --fsys-tarfile "$CHECK_TMP/$package"_*.deb |
			tar -x -C "$CHECK_TMP" --wildcards --transform 's,.*/,,' './usr/src/linux-source-*.tar.xz'
		tarball=$(compgen -G "$CHECK_TMP/linux-source-*.tar.xz")
	fi
	mkdir -p "$CHECK_TMP/checkpatch" "$cache"
	tar -xJf "$tarball" -C "$CHECK_TMP/checkpatch" --wildcards --strip-components=2 \
		'linux-source-*/scripts/checkpatch.pl' 'linux-source-*/scripts/spelling.txt' \
		'linux-source-*/scripts/const_structs.checkpatch'
	[[ -s $CHECK_TMP/checkpatch/checkpatch.pl ]] ||
		check_error "expected scripts/checkpatch.pl in $tarball, found none"
	rm -rf "$cache/checkpatch"
	# Whole or not at all, so that an interrupted run leaves nothing behind.
	mv "$CHECK_TMP/checkpatch" "$cache/checkpatch.new.$$"
	mv -T "$cache/checkpatch.new.$$" "$cache/checkpatch"
}

# waive: copies checkpatch's lines, without those that a waiver covers.
waive() {
	awk -v waived="$CHECK_D/checkpatch.waived" '
		BEGIN {
			while ((getline line < waived) > 0) {
				if (line ~ /^(#|$)/)
					continue
				split(line, field)
				nr++
				type[nr] = field[1]
				path[nr] = "^" field[2] ":"
				gsub(/\*/, "[^:]*", path[nr])
			}
		}
		{
			split($0, part, ": *")
			for (i = 1; i <= nr; i++)
				if ($0 ~ path[i] && index($0, ":" type[i] ":"))
					next
			print
		}'
}

# run_checkpatch OPTION… -- FILE…: two at a time, a few files each. Run from the
# scratch directory, for it leaves a file of its own in the current one.
run_checkpatch() {
	local options=(--no-tree --terse --show-types --no-summary --max-line-length=100)
	while [[ $1 != -- ]]; do
		options+=("$1")
		shift
	done
	shift
	# It complains by its status, too; its output is what counts.
	printf '%s\0' "${@/#/$TREE/}" | (cd "$CHECK_TMP" && xargs -0 -r -n 8 -P 2 \
		perl "$CHECKPATCH" "${options[@]}" --file 2>&1) |
		sed "s,^$TREE/,," || true
}

# checkpatch_works: whether it complains about what it should.
checkpatch_works() {
	printf 'int a ;\n' >"$CHECK_TMP/wrong.c"
	[[ -n $(cd "$CHECK_TMP" && perl "$CHECKPATCH" --no-tree --terse --file wrong.c 2>/dev/null) ]]
}

gate_checkpatch() {
	local kernel=() user=() found
	find_checkpatch
	checkpatch_works || { echo "expected $CHECKPATCH to complain about 'int a ;', it did not: remove its directory, and it is fetched anew"; return 1; }
	mapfile -t kernel < <(sources module include -- '*.c' '*.h')
	mapfile -t user < <(sources tools tests -- '*.c' '*.h')
	((${#kernel[@]})) || { echo "expected C files below $TREE/module, found none"; return 1; }
	found=$({
		run_checkpatch --strict -- "${kernel[@]}"
		((${#user[@]} == 0)) || run_checkpatch -- "${user[@]}"
	} | waive | sort -V)
	summary "${#kernel[@]} kernel files --strict, ${#user[@]} user files"
	[[ -z $found ]] || { printf '%s\n' "$found"; return 1; }
}
