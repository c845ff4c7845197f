# Shared by the scripts: stages with their times, and the count of what passed and failed.
# shellcheck shell=bash
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
passed=0
failed=0
failures=()
unrun=()
times=()

say() { printf '%s\n' "$*" >&2; }

# stage NAME COMMAND…: runs it, prints its time, and counts one failure where it fails without counts of its own.
stage() {
    local name=$1 begun=$SECONDS before=$failed
    shift
    say "== $name"
    if ! "$@" && [ "$failed" -eq "$before" ]; then
        failed=$((failed + 1))
        failures+=("$name")
    fi
    times+=("$(printf '%5d s  %s' $((SECONDS - begun)) "$name")")
    say "== $name: $((SECONDS - begun)) s"
}

# not_run NAME WHY: what this machine has not the means for; told where it happens and again at the end, and no failure.
not_run() {
    unrun+=("$1: $2")
    say "NOT RUN: $1: $2"
}

# check NAME COMMAND…: one check, counted as passed or failed; its output is shown where it fails.
check() {
    local name=$1 log
    shift
    log=$(mktemp)
    if "$@" >"$log" 2>&1; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        failures+=("$name")
        say "FAILED: $name"
        tail -n 60 "$log" >&2
    fi
    rm -f "$log"
}

# catch PREFIX DIRECTORY TEST… [-- COMMAND…]: Catch2 programs of a directory, as many at once as there are processors,
# counted by their test cases; COMMAND runs them.
catch() {
    local prefix=$1 directory=$2 logs test line tests=()
    shift 2
    while [ "$#" -gt 0 ] && [ "$1" != -- ]; do tests+=("$1"); shift; done
    [ "$#" -gt 0 ] && shift
    logs=$(mktemp -d)
    # shellcheck disable=SC2016
    printf '%s\n' "${tests[@]}" | LOGS=$logs DIRECTORY=$directory xargs -P "$(nproc)" -I TEST \
        bash -c '"${@:2}" "$DIRECTORY/$1" >"$LOGS/$1" 2>&1; echo $? >"$LOGS/$1.rc"' catch TEST "$@"
    for test in "${tests[@]}"; do
        line=$(grep -E '^(All tests passed|test cases:)' "$logs/$test" | tail -n 1 || true)
        count "$prefix$test" "$(cat "$logs/$test.rc" || echo 1)" "$line" "$logs/$test"
    done
    rm -rf "$logs"
}

# counted NAME PROGRAM ARGS…: a program that closes with "N passed, N failed".
counted() {
    local name=$1 log line rc=0
    shift
    log=$(mktemp)
    "$@" >"$log" 2> >(tee -a "$log" >&2) || rc=$?
    line=$(grep -E '^[0-9]+ passed, [0-9]+ failed$' "$log" | tail -n 1 || true)
    count "$name" "$rc" "$line" "$log"
    rm -f "$log"
}

count() {
    local name=$1 rc=$2 line=$3 log=$4 good=0 bad=0
    case "$line" in
        "All tests passed"*) good=$(sed -E 's/.* in ([0-9]+) test case.*/\1/' <<<"$line") ;;
        "test cases:"*)
            good=$(grep -oE '[0-9]+ passed' <<<"$line" | grep -oE '[0-9]+' || echo 0)
            bad=$(grep -oE '[0-9]+ failed' <<<"$line" | grep -oE '[0-9]+' || echo 0)
            ;;
        *" passed, "*)
            good=${line%% passed*}
            bad=$(grep -oE '[0-9]+ failed' <<<"$line" | grep -oE '[0-9]+')
            ;;
    esac
    [ "$rc" -ne 0 ] && [ "$bad" -eq 0 ] && bad=1
    # A program that ran no test at all proves nothing.
    [ "$good" -eq 0 ] && [ "$bad" -eq 0 ] && bad=1
    passed=$((passed + good))
    failed=$((failed + bad))
    say "$name: $good passed, $bad failed"
    if [ "$bad" -gt 0 ]; then
        failures+=("$name")
        tail -n 120 "$log" >&2
    fi
}

# finish: the closing lines and the exit code.
finish() {
    say ""
    say "Times:"
    printf '%s\n' "${times[@]}" >&2
    if [ "${#unrun[@]}" -gt 0 ]; then
        say "Not run:"
        printf '  %s\n' "${unrun[@]}" >&2
    fi
    if [ "${#failures[@]}" -gt 0 ]; then
        say "Failed:"
        printf '  %s\n' "${failures[@]}" >&2
    fi
    printf '%d passed, %d failed\n' "$passed" "$failed"
    [ "$failed" -eq 0 ]
}

configure() {
    local directory=$1
    shift
    cmake -S "$root" -B "$directory" -G Ninja "$@" >"$directory.log" 2>&1 || { cat "$directory.log" >&2; return 1; }
}

# build DIRECTORY TARGET…: quiet unless it fails.
build() {
    local directory=$1 log rc=0
    shift
    log=$(mktemp)
    ninja -C "$directory" "$@" >"$log" 2>&1 || rc=$?
    [ "$rc" -eq 0 ] || grep -vE '^\[[0-9]+/[0-9]+\]' "$log" | head -n 80 >&2
    rm -f "$log"
    return "$rc"
}
