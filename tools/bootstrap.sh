#!/bin/sh
# bootstrap.sh SET...: installs what a bare Debian 12 or 13 lacks, and says so first. Silent and quick when nothing is missing.
#
# build  compiler and libraries            from Debian
# demo   Knot DNS, and Pebble at a pinned version: a Go module, built into build/tools/bin
# test   what `make test` needs beyond those, from Debian, and tests/requirements.txt from PyPI, into build/tools/python
# bench  what `make bench` needs beyond demo, from Debian
# pebble only Pebble
#
# Go for Pebble: the machine's if it is recent enough, else the distribution's, else (Debian 12) the one of Debian 13,
# unpacked into build/tools and removed again; the system's package sources are never changed.
#
# Environment: PERDURE_TOOLS (default build/tools), PEBBLE (a Pebble of one's own: nothing is built).
set -eu
cd "$(dirname "$0")/.."
pebble_version=v2.10.1
go_minor=24 # Pebble needs Go 1.24
go_debian_suite=trixie
tools=${PERDURE_TOOLS:-$PWD/build/tools}

# nettle-dev: Debian 12's libunbound.pc names it, libunbound-dev does not bring it.
# set, package, and what shows that it is there: c:command, p:pkg-config module, f:file pattern
table='
build meson            c:meson
build ninja-build      c:ninja
build gcc              c:gcc
build libc6-dev        f:/usr/include/stdlib.h
build pkg-config       c:pkg-config
build libssl-dev       p:libcrypto
build libcurl4-openssl-dev p:libcurl
build libjansson-dev   p:jansson
build libyaml-dev      p:yaml-0.1
build libpsl-dev       p:libpsl
build publicsuffix     f:/usr/share/publicsuffix/public_suffix_list.dat
build libevent-dev     p:libevent_core
build libldns-dev      p:ldns
build nettle-dev       p:nettle
build libunbound-dev   p:libunbound
build libidn2-dev      p:libidn2
build libsqlite3-dev   p:sqlite3
build ca-certificates  f:/etc/ssl/certs/ca-certificates.crt
demo  knot             f:/usr/sbin/knotd
demo  knot-dnsutils    c:knsupdate
demo  openssl          c:openssl
demo  python3          f:/usr/bin/python3
bench dnsperf          c:dnsperf
test  libcmocka-dev    p:cmocka
test  python3          f:/usr/bin/python3
test  python3-pytest   f:/usr/lib/python3/dist-packages/pytest
test  python3-pytest-xdist f:/usr/lib/python3/dist-packages/xdist
test  python3-dnspython f:/usr/lib/python3/dist-packages/dns
test  python3-yaml     f:/usr/lib/python3/dist-packages/yaml
test  python3-cryptography f:/usr/lib/python3/dist-packages/cryptography
test  python3-prometheus-client f:/usr/lib/python3/dist-packages/prometheus_client
test  nginx            f:/usr/sbin/nginx
test  python3-aiosmtpd f:/usr/lib/python3/dist-packages/aiosmtpd
test  prometheus       c:promtool
test  tinyproxy-bin    f:/usr/bin/tinyproxy
test  microsocks       c:microsocks
test  cppcheck         c:cppcheck
test  clang            c:clang
test  clang-tidy       c:clang-tidy
test  clang-format     c:clang-format
test  @clang-rt        f:/usr/lib/llvm-*/lib/clang/*/lib/*/libclang_rt.fuzzer*.a
test  strace           c:strace
test  mandoc           c:mandoc
test  shellcheck       c:shellcheck
test  curl             c:curl
test  faketime         c:faketime
test  iproute2         f:/sbin/ip
test  python3-venv     f:/usr/lib/python3*/ensurepip
test  bind9            f:/usr/sbin/named
test  bind9-utils      f:/usr/bin/dnssec-signzone
test  bind9-dnsutils   c:nsupdate
test  nsd              f:/usr/sbin/nsd
test  unbound          f:/usr/sbin/unbound
test  pdns-server      f:/usr/sbin/pdns_server
test  pdns-backend-sqlite3 f:/usr/share/pdns-backend-sqlite3/schema/schema.sqlite3.sql
test  dns-root-data    f:/usr/share/dns/root.key
test  certbot          f:/usr/bin/certbot
test  lego             c:lego
test  dehydrated       c:dehydrated
test  ansible          c:ansible-playbook
'

say() { echo "bootstrap: $*" >&2; }
die() {
	say "$*"
	exit 1
}

# exists FILE...: whether the first exists (an unmatched pattern stays as it is)
exists() { [ -e "$1" ]; }

there() {
	what=${1#?:}
	# shellcheck disable=SC2086  # a file pattern is meant to expand
	case $1 in
	c:*) command -v "$what" >/dev/null 2>&1 ;;
	p:*) pkg-config --exists "$what" 2>/dev/null ;;
	f:*) exists $what ;;
	esac
}

# missing SET: the packages of SET that are not there
missing() {
	echo "$table" | while read -r set package sign; do
		[ "$set" = "$1" ] || continue
		there "$sign" || echo "$package"
	done
}

as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif command -v sudo >/dev/null 2>&1; then
		sudo "$@"
	else
		die "this needs root, and there is no sudo: run as root: $*"
	fi
}

apt() { as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=600 "$@" </dev/null >&2; }

updated=
apt_update() {
	[ -n "$updated" ] || apt update
	updated=1
}

# The sanitizer and fuzzer run time carries the compiler's version in its name.
clang_rt() {
	clang=$(apt-cache depends clang | sed -n 's/.*Depends: clang-\([0-9]*\)$/\1/p' | head -n 1)
	echo "libclang-rt-${clang:?no clang in the package lists}-dev"
}

# Debian starts and enables a server when its package is installed; for demo and tests that would be stray DNS servers.
# hold_services PACKAGE...: the DNS servers among the packages, and the timer of certbot, stay off
hold_services() {
	held=
	for p; do
		case $p in
		knot | nsd | unbound) held="$held $p.service" ;;
		pdns-server) held="$held pdns.service" ;;
		prometheus) held="$held prometheus.service" ;;
		bind9) held="$held named.service" ;;
		certbot) held="$held certbot.timer" ;;
		esac
	done
	[ -n "$held" ] && [ ! -e /usr/sbin/policy-rc.d ] || return 0 # an init script is run without systemd, too
	say "keeping Debian from starting$held"
	printf '#!/bin/sh\nexit 101\n' | as_root tee /usr/sbin/policy-rc.d >/dev/null
	as_root chmod 755 /usr/sbin/policy-rc.d
	# shellcheck disable=SC2064,SC2086  # the list as it is now
	trap "as_root rm -f /usr/sbin/policy-rc.d; as_root systemctl -q disable$held 2>/dev/null || true" EXIT
}

apt_install() {
	command -v apt-get >/dev/null 2>&1 || die "not a Debian system; please install what these packages hold: $*"
	say "installing from Debian, with apt-get: $*"
	apt_update
	case " $* " in *" @clang-rt "*) set -- "$@" "$(clang_rt)" ;; esac
	hold_services "$@"
	for p; do
		shift
		[ "$p" = @clang-rt ] || set -- "$@" "$p"
	done
	apt install -y --no-install-recommends "$@"
}

# go_ok GO: whether GO is Go 1.$go_minor or later
go_ok() {
	v=$("$1" env GOVERSION 2>/dev/null) || return 1
	minor=$(echo "$v" | sed -n 's/^go1\.\([0-9]*\).*/\1/p')
	[ -n "$minor" ] && [ "$minor" -ge "$go_minor" ]
}

# find_go: prints the path of a Go that is recent enough
find_go() {
	for go in "$(command -v go || true)" /usr/lib/go-1.*/bin/go "$tools"/go/usr/lib/go-1.*/bin/go; do
		if [ -x "$go" ] && go_ok "$go"; then
			echo "$go"
			return 0
		fi
	done
	return 1
}

get_go() {
	command -v apt-get >/dev/null 2>&1 || die "Pebble needs Go 1.$go_minor or later; please install it"
	apt_update
	packaged=$(apt-cache policy golang-go | sed -n 's/.*Candidate: [0-9]*:1\.\([0-9]*\).*/\1/p')
	if [ "${packaged:-0}" -ge "$go_minor" ]; then
		say "Pebble needs Go 1.$go_minor or later: installing Debian's golang-go"
		apt install -y --no-install-recommends golang-go
	else
		say "Pebble needs Go 1.$go_minor or later, this Debian has 1.${packaged:-?}:" \
			"unpacking golang-1.$go_minor of Debian $go_debian_suite into $tools/go"
		tools/debs.sh "$go_debian_suite" "$tools/go" "golang-1.$go_minor-go" "golang-1.$go_minor-src"
	fi
}

pebble() {
	[ -z "${PEBBLE:-}" ] || return 0
	[ ! -e "$tools/bin/.pebble-$pebble_version" ] || return 0
	mkdir -p "$tools/bin"
	go=$(find_go) || {
		get_go
		go=$(find_go) || die "no Go 1.$go_minor or later even now"
	}
	say "building Pebble $pebble_version (a Go module) with $("$go" env GOVERSION) of $go into $tools/bin"
	caches=
	case $go in "$tools"/*) caches="GOPATH=$tools/gopath GOCACHE=$tools/gocache GOROOT=${go%/bin/go}" ;; esac
	module=github.com/letsencrypt/pebble/v2
	# shellcheck disable=SC2086  # $caches is a list of settings
	env $caches GOBIN="$tools/bin" GOFLAGS=-modcacherw GOTOOLCHAIN=local CGO_ENABLED=0 "$go" install -trimpath \
		"$module/cmd/pebble@$pebble_version" "$module/cmd/pebble-challtestsrv@$pebble_version" >&2
	rm -rf "$tools/gopath" "$tools/gocache" "$tools/go"
	touch "$tools/bin/.pebble-$pebble_version"
}

# acme.sh, for the tests of moving over: a shell script, packaged from Debian 13 on.
acmesh() {
	[ ! -e /usr/share/acme.sh/acme.sh ] && [ ! -e "$tools/acme.sh/usr/share/acme.sh/acme.sh" ] || return 0
	say "unpacking acme.sh of Debian $go_debian_suite into $tools/acme.sh"
	tools/debs.sh "$go_debian_suite" "$tools/acme.sh" acme.sh || {
		say "it is not to be had; the test that needs it is skipped"
		rm -rf "$tools/acme.sh"
	}
}

# Tools that read what perdure exports. Tests that need them are skipped when there are none.
python_tools() {
	pins=$(cksum <tests/requirements.txt | tr ' ' -)
	[ ! -e "$tools/python/.$pins" ] || return 0
	say "installing tests/requirements.txt from PyPI into $tools/python"
	rm -rf "$tools/python"
	if /usr/bin/python3 -m venv "$tools/python" >&2 &&
		"$tools/python/bin/pip" install -q --disable-pip-version-check -r tests/requirements.txt >&2; then
		touch "$tools/python/.$pins"
	else
		say "PyPI did not give them; the tests that need them are skipped"
		rm -rf "$tools/python"
	fi
}

[ $# -gt 0 ] || die "usage: tools/bootstrap.sh build|demo|test|bench|pebble..."
packages=
want_pebble=
want_python=
want_acmesh=
for set; do
	case $set in
	build) packages="$packages $(missing build)" ;;
	bench) packages="$packages $(missing bench)" ;;
	test) packages="$packages $(missing test)" want_python=1 want_acmesh=1 ;;
	demo) packages="$packages $(missing demo)" want_pebble=1 ;;
	pebble) want_pebble=1 ;;
	*) die "no set named $set" ;;
	esac
done
# shellcheck disable=SC2086  # a list of packages
set -- $packages
[ $# = 0 ] || apt_install "$@"
[ -z "$want_pebble" ] || pebble
[ -z "$want_python" ] || python_tools
[ -z "$want_acmesh" ] || acmesh
