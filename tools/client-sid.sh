#!/bin/sh
# client-sid.sh DIR PACKAGE: unpacks an ACME client of Debian unstable (uacme, lego) and the libraries it needs into DIR and prints the
# command that runs it. The stable releases' uacme gives up at the challenges that Pebble offers today, their lego is old. The
# system's packages stay as they are. Exits with 3 when it cannot be had or does not run here.
set -eu
[ $# = 2 ] || {
	echo "usage: client-sid.sh DIR PACKAGE" >&2
	exit 2
}
"$(dirname "$0")/debs.sh" --any-age --depends sid "$1" "$2" >&2 || exit 3
dir=$(cd "$1" && pwd)
lib=$dir/usr/lib/$(uname -m)-linux-gnu
set -- "$lib"/ld-linux-*.so.2 --library-path "$lib" "$dir/usr/bin/$2"
"$@" --version 2>&1 | grep -q "version" || exit 3
echo "$@"
