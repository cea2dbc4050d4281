# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What the lab needs of the machine it runs on: tools, and where its Debian
# archive is. Sourced by scripts/lab; runs on the host, as root.

# host_tools COMMAND=PACKAGE…: installs the packages of commands that are missing.
host_tools() {
	"$LAB_D/../need" ${LAB_QUIET:+--quiet} "$@" || exit "$EXIT_LAB"
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
