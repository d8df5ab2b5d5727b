#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2030,SC2031,SC2154 # bats runs each test in a subshell; helper.bash sets the rest
#
# An agent that is killed under load leaves the target as it was.

load helper

setup() {
	needs_root
}

teardown() {
	stop_all
}

no_changes() {
	[[ $(text_changes "$1") == 0 ]]
}

# killed TOOLCHAIN
killed() {
	needs_go "$1"
	start "$(workload truth "$(goroot "$1")")" -for 4s
	equal "changes before" "$(text_changes "$pid")" 0
	attach "$pid" --budget off
	(($(text_changes "$pid") > 0)) || fail "no breakpoint while attached: nothing is shown"
	kill -USR1 "$pid"
	sleep 1
	kill -KILL "$agent"
	wait "$agent" || true
	# The kernel closes the links after the process is gone from view.
	within 10 no_changes "$pid"
	within 60 grep -q '^{"type":"truth"' "$out"
	alive "$pid"
	equal "changes at the end" "$(text_changes "$pid")" 0
	kill -TERM "$pid"
	within 10 ended "$pid"
	wait "$pid"
}

@test "kill -9 of the agent leaves no breakpoint, and the target ends well (system Go)" {
	killed system
}

@test "kill -9 of the agent leaves no breakpoint, and the target ends well (newest Go)" {
	killed newest
}

@test "kill -9 in the middle of attaching leaves no breakpoint" {
	local i
	start "$(workload truth)" -for 30s
	kill -USR1 "$pid"
	for i in 1 2 3 4 5 6 7 8 9 10; do
		attach_only "$pid" --budget off
		sleep "0.0$((i * 7 % 10))$((i % 10))"
		kill -KILL "$agent"
		wait "$agent" || true
		within 10 no_changes "$pid"
		alive "$pid"
	done
}

@test "what an agent left that was killed with its survivor goes when gosonde attaches again" {
	local left
	start "$(workload truth)" -for 30s
	left=$("$build/tests/live/strand" "$pid") || { (($? == 3)) && skip "this kernel left no breakpoint"; }
	((left > 0)) || fail "strand: $left"
	equal "changes" "$(text_changes "$pid")" "$left"
	attach "$pid" --budget off
	equal "left out" "$(lines attached | jq '.omitted | length')" 0
	finish_agent
	equal "status" "$agent_status" 0
	within 10 no_changes "$pid"
	alive "$pid"
}

@test "kill -9 while probes come and go leaves no breakpoint" {
	local i
	start "$(workload writer)" -rate 300000 -pace spin
	for i in 1 2 3 4 5; do
		attach "$pid"
		sleep "1.$((i * 3))"
		kill -KILL "$agent"
		wait "$agent" || true
		within 10 no_changes "$pid"
		alive "$pid"
	done
}

@test "an agent leaves no process behind, however it ends" {
	local survivor
	start "$(workload truth)" -for 30s
	attach "$pid"
	survivor=$(pgrep -P "$agent")
	[[ -n $survivor ]] || fail "no survivor"
	finish_agent
	equal "status" "$agent_status" 0
	[[ ! -e /proc/$survivor ]] || fail "the survivor outlived its agent's end"
	attach "$pid"
	survivor=$(pgrep -P "$agent")
	kill -KILL "$agent"
	wait "$agent" || true
	within 10 ended "$survivor"
}
