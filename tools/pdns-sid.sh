#!/bin/sh
# pdns-sid.sh DIR: unpacks Debian unstable's PowerDNS and the libraries it needs into DIR and prints the command that runs it: a
# server whose interface adds and removes single values (EXTEND and PRUNE, from 4.9.12 and 5.0.2 on), which the stable releases'
# does not. The system's packages stay as they are. Exits with 3 when it cannot be had or does not run here.
set -eu
[ $# = 1 ] || {
	echo "usage: pdns-sid.sh DIR" >&2
	exit 2
}
"$(dirname "$0")/debs.sh" --any-age sid "$1" pdns-server pdns-backend-sqlite3 libc6 libstdc++6 libgcc-s1 libsodium26 \
	libsqlite3-0 libssl3t64 >&2 || exit 3
dir=$(cd "$1" && pwd)
lib=$dir/usr/lib/$(uname -m)-linux-gnu
set -- "$lib"/ld-linux-*.so.2 --library-path "$lib:/usr/lib/$(uname -m)-linux-gnu" "$dir/usr/sbin/pdns_server"
"$@" --no-config --module-dir="$lib/pdns" --version 2>&1 | grep -q "Authoritative Server" || exit 3
echo "$@" "--module-dir=$lib/pdns"
