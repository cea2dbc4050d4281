# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# The cache of built artefacts. An artefact is a directory KIND-KEY whose key is
# a hash of all its inputs; it is built aside and renamed, so it is there whole
# or not at all. Sourced by scripts/lab; runs on the host.
#
# Locks: lock/KIND-KEY, exclusive while building or removing, shared as long as
# a lab uses the artefact. They go when the processes holding them have gone, so
# a half-built artefact whose lock is free belongs to nobody and is started over.

LAB_CACHE=${KNUMAD_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/knumad}

cache_init() {
	mkdir -p "$LAB_CACHE/lock" "$LAB_CACHE/log" ||
		lab_error "cannot create the cache directory $LAB_CACHE; set KNUMAD_CACHE to a writable place"
	LAB_CACHE=$(cd "$LAB_CACHE" && pwd)
}

# hash_of VAR WORD…: a short hash over strings.
hash_of() {
	local -n _hash=$1
	shift
	_hash=$(printf '%s\0' "$@" | sha256sum)
	_hash=${_hash:0:16}
}

# hash_files VAR DIR PATH…: over names, modes and contents of all files below
# DIR/PATH… (those that exist).
hash_files() {
	local -n _sum=$1
	local dir=$2 path
	local present=()
	shift 2
	for path in "$@"; do
		[[ ! -e $dir/$path ]] || present+=("$path")
	done
	_sum=none
	((${#present[@]})) || return 0
	_sum=$(cd "$dir" &&
		{ find "${present[@]}" -type f -printf '%p %m\n' | sort &&
			find "${present[@]}" -type f -print0 | sort -z | xargs -0r sha256sum; } |
		sha256sum)
	_sum=${_sum:0:16}
}

# Keeps the KEEP most recently used artefacts of a kind, and any in use. Half-built
# ones that nobody holds go too.
cache_prune() {
	local kind=$1 keep=$2 name kept=0 lock
	while read -r name; do
		if [[ $name != *.new ]] && ((++kept <= keep)); then
			continue
		fi
		exec {lock}>>"$LAB_CACHE/lock/${name%.new}"
		! flock -n -x "$lock" || rm -rf "${LAB_CACHE:?}/$name"
		exec {lock}>&-
	done < <(find "$LAB_CACHE" -maxdepth 1 -regextype egrep \
		-regex ".*/$kind-[0-9a-f]{16}(\.new)?" -printf '%T@ %f\n' |
		sort -rn | cut -d' ' -f2)
}

wait_for_lock() {
	say "waiting for another lab that builds $3"
	flock "$1" "$2"
}

# artefact VAR KIND KEY KEEP BUILDER ARG…: sets VAR to the artefact's path. Where
# it is missing, BUILDER DIR ARG… fills DIR. KEEP: how many of the kind to keep.
artefact() {
	local -n _path=$1
	local kind=$2 key=$3 keep=$4 lock
	shift 4

	_path=$LAB_CACHE/$kind-$key
	exec {lock}>>"$LAB_CACHE/lock/$kind-$key"
	flock -n -s "$lock" || wait_for_lock -s "$lock" "$kind-$key"
	if [[ ! -e $_path ]]; then
		flock -n -x "$lock" || wait_for_lock -x "$lock" "$kind-$key"
		if [[ ! -e $_path ]]; then
			rm -rf "$_path.new"
			mkdir "$_path.new"
			"$1" "$_path.new" "${@:2}"
			mv -T "$_path.new" "$_path"
			cache_prune "$kind" "$keep"
		fi
		flock -s "$lock"
	fi
	touch -c "$_path"
}
