#!/usr/bin/env bash
# fuzz.sh SECONDS [TARGET...]: runs each libFuzzer target for SECONDS; 0 only replays the kept corpus. New inputs are kept in
# build-fuzz/corpus, those that break something in build-fuzz/found; copy what is worth keeping into tests/fuzz/corpus.
set -eu
cd "$(dirname "$0")/.."
seconds=$1
shift
dir=build-fuzz
CC=clang tools/configure.sh $dir -Dfuzz=true -Db_sanitize=address,undefined -Db_lundef=false -Dc_args=-fsanitize=fuzzer-no-link
ninja -C $dir --quiet build.ninja
mapfile -t programs < <(ninja -C $dir -t targets all | sed -n 's/^\(tests\/fuzz\/fuzz_[a-z0-9_]*\):.*/\1/p')
ninja -C $dir --quiet "${programs[@]}"
[ $# -gt 0 ] || set -- "${programs[@]##*/fuzz_}"
limit=(-max_total_time="$seconds")
[ "$seconds" != 0 ] || limit=(-runs=0)
mkdir -p $dir/found
bad=0
for target; do
	mkdir -p "$dir/corpus/$target"
	log=$dir/$target.log
	if "$dir/tests/fuzz/fuzz_$target" "${limit[@]}" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
		-artifact_prefix="$dir/found/$target-" "$dir/corpus/$target" "tests/fuzz/corpus/$target" >"$log" 2>&1; then
		units=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
		echo "ok     $target: $units inputs, $(find "$dir/corpus/$target" -type f | wc -l) kept"
	else
		bad=1
		echo "FAILED $target"
		tail -n 40 "$log" | sed 's/^/    /'
	fi
done
exit $bad
