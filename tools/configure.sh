#!/bin/sh
# configure.sh DIR [meson option...]: brings the build folder DIR to these options, doing as little as possible.
set -eu
dir=$1
shift
log=$dir.setup.log
run() {
	"$@" >"$log" 2>&1 || {
		cat "$log" >&2
		rm -f "$log"
		exit 1
	}
	rm -f "$log"
}
if [ ! -f "$dir/build.ninja" ]; then
	run meson setup "$dir" "$@"
elif [ $# = 0 ] || [ "$(cat "$dir/.options" 2>/dev/null)" = "$*" ]; then
	exit 0
else
	run meson configure "$dir" "$@"
	run ninja -C "$dir" build.ninja
fi
echo "$*" >"$dir/.options"
