#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2030,SC2031,SC2154 # bats runs each test in a subshell; helper.bash sets the rest
#
# Versions and experiments that no table knows: what the agent needs is derived from the program's
# code, checked on the process, and gives the same figures as ever. The stand-in for a future
# version is a program whose version text was changed.

load helper

setup() {
	needs_root
}

teardown() {
	stop_all
}

# forged NAME GO VARIANT: a workload that says it was built by Go 1.29; prints its path.
forged() {
	local file
	file=$(workload "$1" "$(goroot "$2")" "$3") || return 1
	LC_ALL=C sed 's/go1\.[12][0-9]\./go1.29./g' "$file" >"$BATS_TEST_TMPDIR/$1"
	chmod +x "$BATS_TEST_TMPDIR/$1"
	echo "$BATS_TEST_TMPDIR/$1"
}

# everything_is_derived PID: inspect names each fact with how it is known and how it was checked.
everything_is_derived() {
	local facts=$BATS_TEST_TMPDIR/facts.json
	"$gosonde" inspect "$1" --json >"$facts"
	jq -e '[.offsets[], .variables[]] | map(select(.how | startswith("derived"))) | length > 30' \
		"$facts" >/dev/null || fail "not derived:" "$(jq -c '.variables' "$facts")"
	jq -e '[.offsets[].how | select(startswith("derived"))] | all(contains(", checked: "))' \
		"$facts" >/dev/null || fail "not checked:" "$(jq -c '.offsets' "$facts")"
	jq -e '[.offsets[].how] | any(contains("table")) | not' "$facts" >/dev/null ||
		fail "a table was believed:" "$(jq -c '.offsets' "$facts")"
	jq -e '[.missing[].what] | any(. == "details of GC cycles" or . == "goroutines alive") | not' \
		"$facts" >/dev/null || fail "missing:" "$(jq -c '.missing' "$facts")"
}

# future GO VARIANT
future() {
	needs_go "$1"
	start "$(forged truth "$1" "$2")"
	everything_is_derived "$pid"
	attach "$pid" --budget off
	kill -USR1 "$pid"
	within 60 grep -q '^{"type":"truth"' "$out"
	finish_agent
	equal "exit status" "$agent_status" 0
	equal "Go version" "$(lines attached | jq -r '.go[:6]')" go1.29
	equals_truth goroutine.created created
	equals_truth goroutine.live goroutines
	equals_truth gc.cycles num_gc
	close_pauses "$(summary .gc.pause_ns.total)" "$(truth pause_ns)"
	equal "cycles with all figures" "$(truth num_gc)" "$(lines gc |
		jq -c 'select(.heap_end_bytes > 0 and .heap_goal_bytes > 0)' | wc -l)"
	alive "$pid"
}

@test "a future Go version, plain: derived, checked, exact" { future newest plain; }
@test "a future Go version, PIE and stripped: derived, checked, exact" { future newest cgo-pie-strip; }
@test "a future Go version with 1.24's runtime: derived, checked, exact" { future 1.24 stripped; }

@test "an experiment that moves fields: derived, not taken from the table" {
	local file
	needs_go newest
	file=$(GOEXPERIMENT=staticlockranking workload truth "$(goroot newest)")
	start "$file"
	everything_is_derived "$pid"
	attach "$pid" --budget off --probes gc,goroutine
	kill -USR1 "$pid"
	within 120 grep -q '^{"type":"truth"' "$out"
	finish_agent
	equals_truth gc.cycles num_gc
	equals_truth goroutine.live goroutines
}

# A line of the figures that were derived against the runtime's own.
@test "gctrace of a program of a future Go version equals the runtime's own lines" {
	needs_go newest
	GODEBUG=gctrace=1 start "$(forged truth newest stripped)"
	trace "$pid"
	kill -USR1 "$pid"
	within 60 grep -q '^{"type":"truth"' "$out"
	finish_trace
	equals_gctrace "$out.stderr" 3
}
