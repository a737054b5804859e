#!/bin/sh
# pebble-sid.sh DIR: unpacks Debian unstable's Pebble into DIR and prints the path of the program. While unstable has 2.10.0, that is
# a CA that speaks level 00 of the draft. Unstable moves: exits with 3, saying what it found, once it is another version. The
# version is asked for below and the program serves tests on loopback: how old the archive's list is does not matter.
set -eu
[ $# = 1 ] || {
	echo "usage: pebble-sid.sh DIR" >&2
	exit 2
}
"$(dirname "$0")/debs.sh" --any-age sid "$1" pebble
version=$("$1/usr/bin/pebble" -version 2>&1 || true)
copyright=$1/usr/share/doc/pebble/changelog.Debian.gz
packaged=$(zcat "$copyright" 2>/dev/null | sed -n '1s/.*(\(.*\)).*/\1/p')
echo "Debian unstable's pebble: ${packaged:-unknown} ($version)" >&2
case $packaged in
2.10.0*) echo "$1/usr/bin/pebble" ;;
*) exit 3 ;;
esac
