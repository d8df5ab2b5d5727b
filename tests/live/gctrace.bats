#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2030,SC2031,SC2154 # bats runs each test in a subshell; helper.bash sets the rest
#
# `gosonde gctrace` against the lines that the same process prints by itself with GODEBUG=gctrace=1:
# equal strings. The workload says which two words would not be still; tests/live/matrix has the
# other versions and builds.

load helper

setup() {
	needs_root
}

teardown() {
	stop_all
}

# start_cycles GOROOT VARIANT
start_cycles() {
	start env GODEBUG=gctrace=1 "$(workload cycles "$@")"
}

# compare TOOLCHAIN VARIANT
compare() {
	needs_go "$1"
	start_cycles "$(goroot "$1")" "$2"
	trace "$pid"
	kill -USR1 "$pid"
	within 60 grep -q '^done$' "$out"
	within 5 same_last_line
	finish_trace
	equal "exit status" "$tracer_status" 0
	equals_gctrace "$out.stderr" 20
	(($(grep -c '(forced)$' "$traced") >= 10)) || fail "too few forced cycles"
	(($(grep -vc '(forced)$' "$traced") >= 5)) || fail "too few cycles by allocation"
	equal "messages but the first" "$(wc -l <"$tracer_messages")" 1
	equal "text changes left" "$(text_changes "$pid")" 0
}

same_last_line() {
	[[ $(grep '^gc ' "$out.stderr" | tail -n 1) == "$(tail -n 1 "$traced")" ]]
}

@test "Go 1.15: every line equals the runtime's" { compare 1.15 plain; }
@test "Go 1.19: every line equals the runtime's" { compare 1.19 stripped; }
@test "Go 1.22: every line equals the runtime's" { compare 1.22 plain; }
@test "Go 1.24: every line equals the runtime's" { compare 1.24 pie; }
@test "newest Go: every line equals the runtime's" { compare newest stripped; }

@test "newest Go: a cycle that looks for leaked goroutines says so, as the runtime does" {
	compare newest plain
	(($(grep -c '% (checking for goroutine leaks): ' "$traced") == 1)) ||
		fail "no cycle, or more than the one, looked for leaked goroutines"
}

@test "a process without GODEBUG is traced from outside, a line at once as a cycle ends" {
	start "$(workload cycles)"
	trace "$pid"
	kill -USR1 "$pid"
	within 2 grep -qE '^gc [0-9]+ @[0-9.]+s [0-9]+%( \(checking for goroutine leaks\))?: .* P( \(forced\))?$' "$traced"
	equal "lines of the process itself" "$(wc -l <"$out.stderr")" 0
	within 60 grep -q '^done$' "$out"
	finish_trace
	! grep -vE '^gc [0-9]+ @' "$traced" || fail "more than gctrace lines on stdout"
}

@test "--for ends it, with status 0" {
	start "$(workload cycles)"
	exits 0 "$gosonde" gctrace "$pid" --for 1s
	alive "$pid"
	equal "text changes left" "$(text_changes "$pid")" 0
}

@test "the target's exit ends it, with status 0" {
	start "$(workload cycles)"
	trace "$pid"
	kill -TERM "$pid"
	within 20 ended "$tracer"
	wait "$tracer"
	grep -q "process $pid has exited" "$tracer_messages"
}

@test "no such process exits 3, usage 2, a full disk 1" {
	sleep 0 3>&- &
	local gone=$!
	wait "$gone"
	exits 3 "$gosonde" gctrace "$gone"
	exits 2 "$gosonde" gctrace
	exits 2 "$gosonde" gctrace 1 2
	exits 2 "$gosonde" gctrace 1 --for soon
	start "$(workload cycles)"
	exits 1 bash -c "kill -USR1 $pid; exec $gosonde gctrace $pid --for 5s >/dev/full"
	says "can't write the results: No space left on device"
}

@test "another user's process exits 4 without privileges" {
	start "$(workload cycles)"
	exits 4 "${nobody[@]}" "$(public "$gosonde")" gctrace "$pid"
}
