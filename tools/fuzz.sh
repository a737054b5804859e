#!/usr/bin/env bash
# fuzz.sh SECONDS [TARGET...]: runs each libFuzzer target for SECONDS. New inputs are kept in build-fuzz/corpus, those that break
# something in build-fuzz/found; copy what is worth keeping into tests/fuzz/corpus.
set -eu
cd "$(dirname "$0")/.."
seconds=$1
shift
CC=clang tools/configure.sh build-fuzz -Dfuzz=true -Db_sanitize=address,undefined -Db_lundef=false -Dc_args=-fsanitize=fuzzer-no-link
ninja -C build-fuzz
mkdir -p build-fuzz/found
if [ $# = 0 ]; then
	for program in build-fuzz/tests/fuzz/fuzz_*; do
		[ ! -f "$program" ] || set -- "$@" "${program##*/fuzz_}"
	done
fi
bad=0
for target; do
	mkdir -p "build-fuzz/corpus/$target"
	echo "== $target, $seconds s"
	"build-fuzz/tests/fuzz/fuzz_$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 -verbosity=0 -print_final_stats=1 \
		-artifact_prefix="build-fuzz/found/$target-" "build-fuzz/corpus/$target" "tests/fuzz/corpus/$target" || bad=1
done
exit $bad
