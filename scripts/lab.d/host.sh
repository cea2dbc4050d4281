# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What the lab needs of the machine it runs on: tools, and where its Debian
# archive is. Sourced by scripts/lab; runs on the host, as root.

# host_tools COMMAND=PACKAGE…: installs the packages of commands that are missing.
host_tools() {
	local pair missing=()
	for pair in "$@"; do
		command -v "${pair%%=*}" >/dev/null || missing+=("${pair#*=}")
	done
	((${#missing[@]})) || return 0

	((EUID == 0)) ||
		lab_error "this machine lacks ${missing[*]}; install them, or run the lab as root"
	command -v apt-get >/dev/null ||
		lab_error "this machine lacks ${missing[*]} and has no apt-get; install them yourself"
	say "installing ${missing[*]} on this machine with apt-get"
	local install=(env DEBIAN_FRONTEND=noninteractive apt-get -y -o DPkg::Lock::Timeout=300
		install --no-install-recommends "${missing[@]}")
	if ! "${install[@]}" >"$LAB_CACHE/log/apt.log" 2>&1 </dev/null; then
		say "that failed; running apt-get update first"
		logged "apt-get update" "$LAB_CACHE/log/apt.log" apt-get -o DPkg::Lock::Timeout=300 update
		logged "apt-get install ${missing[*]}" "$LAB_CACHE/log/apt.log" "${install[@]}"
	fi
}

# archive_uri VAR main|security: the archive this machine's apt is set up with.
archive_uri() {
	local -n _uri=$1
	local kind=$2 codename site release
	codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
	_uri=
	while read -r site release; do
		case $kind:$release in
		"main:$codename" | "security:$codename-security" | "security:$codename/updates")
			_uri=$site
			return
			;;
		esac
	done < <(apt-get indextargets --format '$(SITE) $(RELEASE)' 'Created-By: Packages')
	lab_error "apt on this machine has no Debian '$kind' archive for '$codename' (looked at: apt-get indextargets); add it to /etc/apt/sources.list"
}

# archive_lines VAR SUITE…: an array of sources.list lines.
archive_lines() {
	local -n _lines=$1
	local suite main='' security='' keys='' keyring=/usr/share/keyrings/debian-archive-keyring.gpg
	shift
	_lines=()
	[[ ! -e $keyring ]] || keys="[signed-by=$keyring] "
	for suite in "$@"; do
		if [[ $suite == *-security ]]; then
			[[ -n $security ]] || archive_uri security security
			_lines+=("deb $keys$security $suite main")
		else
			[[ -n $main ]] || archive_uri main main
			_lines+=("deb $keys$main $suite main")
		fi
	done
}

# The proxy and TLS settings of this machine's apt, for mmdebstrap's.
apt_network_options() {
	apt-config dump --format '%f "%v";%n' \
		Acquire::http Acquire::https Acquire::Retries 2>/dev/null |
		grep -v '""' >"$1" || true
}
