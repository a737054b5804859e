#!/usr/bin/env bash
# test.sh [static] [unit] [integration]: everything that is checked, a line per stage, and "N passed, N failed" at the end.
# Without arguments all three. Logs stay in build-test/logs. Set PERDURE_BIN to run the integration tests on another program.
set -u
cd "$(dirname "$0")/.." || exit 1
python=/usr/bin/python3
jobs=$(nproc)
logs=$PWD/build-test/logs
passed=0
failed=0
mkdir -p "$logs"
ulimit -S -c 0

# report NAME LOG PASSED FAILED SECONDS: counts a stage and prints its line; the log's end when something failed
report() {
	passed=$((passed + $3))
	failed=$((failed + $4))
	local word=ok
	[ "$4" = 0 ] || word=FAILED
	printf '%-6s %-26s %4d passed, %d failed  (%d s)\n' "$word" "$1" "$3" "$4" "$5"
	[ "$4" = 0 ] || tail -n 60 "$2" | sed 's/^/    /'
}

# check NAME COMMAND...: a stage that passes or fails as a whole
check() {
	local name=$1 start=$SECONDS log ok=1
	log=$logs/${name// /-}.log
	shift
	timeout 1800 "$@" >"$log" 2>&1 </dev/null || ok=0
	report "$name" "$log" $ok $((1 - ok)) $((SECONDS - start))
	[ $ok = 1 ]
}

# meson_tests NAME DIR: the cmocka programs, vectors and fuzz corpora of a build
meson_tests() {
	local name=$1 dir=$2 start=$SECONDS log ok bad
	log=$logs/${name// /-}.log
	timeout 900 meson test -C "$dir" --no-rebuild --num-processes "$jobs" --print-errorlogs >"$log" 2>&1 </dev/null
	local rc=$?
	ok=$(sed -n 's/^\(Ok\|Expected Fail\): *\([0-9]*\) *$/\2/p' "$log" | awk '{n += $1} END {print n + 0}')
	bad=$(sed -n 's/^\(Fail\|Unexpected Pass\|Timeout\): *\([0-9]*\) *$/\2/p' "$log" | awk '{n += $1} END {print n + 0}')
	[ $rc = 0 ] || [ "$bad" != 0 ] || bad=1
	[ "$ok" != 0 ] || [ "$bad" != 0 ] || bad=1
	report "$name" "$log" "$ok" "$bad" $((SECONDS - start))
}

# pytest_tests NAME PATH...
pytest_tests() {
	local name=$1 start=$SECONDS log last ok bad
	log=$logs/${name// /-}.log
	shift
	timeout --kill-after=60 2400 "$python" -m pytest -p no:cacheprovider -q -rsfE --durations=15 -n "$jobs" "$@" >"$log" 2>&1 </dev/null
	local rc=$?
	last=$(grep -E '^=*[ 0-9a-z,]*(passed|failed|error|skipped|no tests ran)[a-z0-9, ]* in [0-9.]+s' "$log" | tail -n 1)
	ok=$(grep -oE '[0-9]+ passed' <<<"$last" | awk '{n += $1} END {print n + 0}')
	bad=$(grep -oE '[0-9]+ (failed|error)' <<<"$last" | awk '{n += $1} END {print n + 0}')
	[ $rc = 0 ] || [ "$bad" != 0 ] || bad=1
	report "$name" "$log" "$ok" "$bad" $((SECONDS - start))
	grep -E '^(SKIPPED|FAILED|ERROR)' "$log" | sed 's/^/    /'
}

# build NAME DIR OPTION...: configures and builds, with warnings as errors
build() {
	local name=$1 dir=$2
	shift 2
	# shellcheck disable=SC2016  # for the inner shell
	check "build $name" sh -c 'dir=$1; shift; tools/configure.sh "$dir" -Dwerror=true "$@" && ninja -C "$dir"' sh "$dir" "$@"
}

sources() { git ls-files --cached --others --exclude-standard -- "$@" | while read -r f; do [ ! -f "$f" ] || echo "$f"; done; }

# Releases of clang-format lay code out differently; the house style is that of 14, Debian 12's.
format_check() {
	local tool
	for tool in clang-format-14 clang-format; do
		$tool --version 2>/dev/null | grep -q 'version 14\.' || continue
		sources '*.c' '*.h' | xargs $tool --dry-run -Werror
		return
	done
	echo "no clang-format 14 here: not checked"
}

# The analyzer looks at 60,000 states of a function at most: with its usual 225,000 it takes more time than all other checks.
tidy_check() {
	CC=clang tools/configure.sh build-tidy || return 1
	sources 'src/*.c' | xargs -P "$jobs" -n 3 clang-tidy -p build-tidy --quiet --warnings-as-errors='*' \
		--extra-arg=-Xclang --extra-arg=-analyzer-config --extra-arg=-Xclang --extra-arg=max-nodes=60000 2>/dev/null
}

# cppcheck reads no system headers, and does not know what the build defines; these macros it must know.
cppcheck_check() {
	local queue
	queue=$(echo '#include <sys/queue.h>' | cc -E -x c - | sed -n 's/^# 1 "\(.*queue.h\)".*/\1/p' | head -n 1)
	cppcheck -q -j "$jobs" --std=c11 --enable=warning,performance,portability --inline-suppr --error-exitcode=1 \
		--suppressions-list=tools/cppcheck.supp --include="$queue" -D_GNU_SOURCE '-DPERDURE_VERSION="0"' -I src -I include src
}

# gcc follows the paths best without optimisation. It cannot relate a count to the length of a list, so that its NULL dereferences are
# false ones; clang-tidy looks for those with better judgement.
analyzer_check() {
	tools/configure.sh build-analyzer -Dbuildtype=debug -Dwerror=true '-Dc_args=-fanalyzer -Wno-analyzer-null-dereference' &&
		ninja -C build-analyzer build.ninja && # its list of targets may be an old one
		ninja -C build-analyzer -t targets all | sed -n 's/^\(src\/[^:]*\.a\):.*/\1/p' | xargs ninja -C build-analyzer perdure
}

shell_check() { sources 'tools/*.sh' 'bench/*.sh' .ci/run | xargs shellcheck; }

man_check() {
	local out
	out=$(sources 'man/*.[1-9]' | xargs -r mandoc -T lint -W warning 2>&1)
	echo "$out"
	[ -z "$out" ]
}

static_stage() {
	check "layers and house rules" "$python" tools/layers.py
	check "format" bash -c "$(declare -f sources format_check); format_check"
	check "cppcheck" bash -c "jobs=$jobs; $(declare -f cppcheck_check); cppcheck_check"
	check "gcc analyzer" bash -c "$(declare -f analyzer_check); analyzer_check"
	check "clang-tidy" bash -c "jobs=$jobs; $(declare -f sources tidy_check); tidy_check"
	check "shellcheck" bash -c "$(declare -f sources shell_check); shell_check"
	check "man pages" bash -c "$(declare -f sources man_check); man_check"
}

unit_stage() {
	if build normal build-test; then meson_tests "unit tests" build-test; fi
	if build sanitized build-asan -Dfaults=true -Db_sanitize=address,undefined -Db_lundef=false -Dbuildtype=debugoptimized; then
		meson_tests "unit tests, sanitized" build-asan
	fi
	check "fuzz targets with libFuzzer" tools/fuzz.sh 0
}

integration_stage() {
	if [ -z "${PERDURE_BIN:-}" ]; then
		build normal build-test || return
		build sanitized build-asan -Dfaults=true -Db_sanitize=address,undefined -Db_lundef=false -Dbuildtype=debugoptimized || return
		export PERDURE_FAULTS_BIN=$PWD/build-asan/perdure
		export PERDURE_BIN=$PWD/build-asan/perdure PERDURE_PLAIN_BIN=$PWD/build-test/perdure
	fi
	pytest_tests "integration" tests/integration
}

export ASAN_OPTIONS=${ASAN_OPTIONS:-abort_on_error=0:exitcode=99:detect_leaks=1:detect_stack_use_after_return=1}
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-halt_on_error=1:print_stacktrace=1:exitcode=99}
[ $# -gt 0 ] || set -- static unit integration
for stage; do
	case $stage in
	static | unit | integration) "${stage}_stage" ;;
	*)
		echo "test.sh: no stage named $stage (static, unit, integration)" >&2
		exit 2
		;;
	esac
done
[ $((passed + failed)) -gt 0 ] || failed=1
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
