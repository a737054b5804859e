#!/bin/sh
# configure.sh DIR [meson option...]: brings the build folder DIR to these options, doing as little as possible.
set -eu
dir=$1
shift
if [ ! -f "$dir/build.ninja" ]; then
	meson setup "$dir" "$@" >"$dir.setup.log" 2>&1 || {
		cat "$dir.setup.log" >&2
		rm -f "$dir.setup.log"
		exit 1
	}
	rm -f "$dir.setup.log"
elif [ $# -gt 0 ]; then
	meson configure "$dir" "$@" >/dev/null
fi
