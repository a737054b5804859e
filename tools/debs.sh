#!/bin/sh
# debs.sh [--any-age] [--depends] SUITE DIR PACKAGE...: unpacks packages of another Debian suite into DIR. They come through apt with
# a configuration of its own, signatures checked; the system's sources, lists and packages stay as they are. With --any-age a list
# that has expired will do: that of a mirror that stands still, or for a clock that is ahead. With --depends everything that they
# depend on comes, too, down to the C library.
set -eu
valid_until=true
depends=
while :; do
	case ${1:-} in
	--any-age) valid_until=false ;;
	--depends) depends=1 ;;
	*) break ;;
	esac
	shift
done
[ $# -ge 3 ] || {
	echo "usage: debs.sh [--any-age] [--depends] SUITE DIR PACKAGE..." >&2
	exit 2
}
suite=$1
mkdir -p "$2"
dir=$(cd "$2" && pwd)
shift 2
# The mirror the system uses, else Debian's.
# shellcheck disable=SC2016  # apt's own $(SITE)
mirror=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' 2>/dev/null | grep -v security | head -n 1 || true)
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
mkdir -p "$tmp/lists/partial" "$tmp/cache/archives/partial"
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] ${mirror:-http://deb.debian.org/debian} $suite main" >"$tmp/sources.list"
cat >"$tmp/apt.conf" <<CONF
Dir::Etc::sourcelist "$tmp/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
Dir::State::lists "$tmp/lists";
Dir::Cache "$tmp/cache";
Acquire::Languages "none";
Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
Acquire::IndexTargets::deb::DEP-11-icons-small::DefaultEnabled "false";
Acquire::IndexTargets::deb::DEP-11-icons::DefaultEnabled "false";
APT::Sandbox::User "";
Acquire::Check-Valid-Until "$valid_until";
CONF
export APT_CONFIG="$tmp/apt.conf"
apt-get -qq update >&2
cd "$tmp"
if [ "$depends" ]; then
	: >"$tmp/nothing-installed"
	apt-get -qq -y -o Dir::State::status="$tmp/nothing-installed" -o Debug::NoLocking=true --no-install-recommends --download-only \
		install "$@" >&2
	mv "$tmp"/cache/archives/*.deb .
else
	apt-get -qq download "$@" >&2
fi
for deb in "$tmp"/*.deb; do
	dpkg -x "$deb" "$dir"
done
