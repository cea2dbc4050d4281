# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Keeps the lab's kernels the newest ones: a root file system stays what it was when it was built,
# and the archive goes on. Sourced by scripts/lab, which asks in "build"; runs on the host.

readonly LAB_FRESH_DAYS=7

# newest_now: prints the newest kernel of the series that the archive has now.
newest_now() {
	local lines kernel
	archive_lines lines "${SERIES_SUITES[@]}"
	newest_kernel kernel "${lines[@]}" >&2
	echo "$kernel"
}

# expire_rootfs: if nobody has asked for LAB_FRESH_DAYS, asks, and where there is a newer kernel
# removes the series' root file system, unless a lab uses it.
expire_rootfs() {
	local dir newest lock
	((EUID == 0)) || return 0 # who else could not build it again
	for dir in "$LAB_CACHE/rootfs-$SERIES"-????????????????; do
		[[ -e $dir/kernel && -z $(find "$dir" -maxdepth 1 \( -name kernel -o -name asked \) \
			-mtime "-$LAB_FRESH_DAYS" -print -quit) ]] || continue
		newest=$(newest_now) || newest=''
		if [[ -z $newest ]]; then
			say "expected to hear what the newest $SERIES kernel is; staying with $(<"$dir/kernel")"
			continue
		fi
		touch "$dir/asked"
		[[ $newest != "$(<"$dir/kernel")" ]] || continue
		exec {lock}>>"$LAB_CACHE/lock/${dir##*/}"
		if flock -n -x "$lock"; then
			say "there is $newest now; $(<"$dir/kernel") goes"
			mv -T "$dir" "$dir.new"
			rm -rf "$dir.new"
		else
			say "there is $newest now, but a lab uses $(<"$dir/kernel"): build it later"
		fi
		exec {lock}>&-
	done
}
