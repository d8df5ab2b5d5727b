#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2030,SC2031,SC2154 # bats runs each test in a subshell; helper.bash sets the rest
#
# Two processes of one binary share its pages and its inode, yet only the attached one is probed.

load helper

setup() {
	needs_root
}

teardown() {
	stop_all
}

@test "the other process of the same binary is not counted and carries no breakpoint" {
	local file twin twin_out
	file=$(workload truth)
	start "$file"
	twin=$pid twin_out=$out
	start "$file"
	equal "changes before" "$(text_changes "$pid")" 0
	attach "$pid" --budget off
	(($(text_changes "$pid") > 0)) || fail "the attached one has no breakpoint: nothing is shown"
	equal "changes in the twin" "$(text_changes "$twin")" 0

	kill -USR1 "$twin" "$pid"
	within 60 grep -q '^{"type":"truth"' "$out"
	within 60 grep -q '^{"type":"truth"' "$twin_out"
	equal "changes in the twin under load" "$(text_changes "$twin")" 0
	finish_agent
	equal "map.writes" "$(summary .map.writes)" "$(truth writes)"
	equal "map.deletes" "$(summary .map.deletes)" "$(truth deletes)"
	equal "goroutine.created" "$(summary .goroutine.created)" "$(truth created)"
	equal "gc.cycles" "$(summary .gc.cycles)" "$(truth num_gc)"
}

@test "two agents on two processes of one binary each count their own" {
	local file one_pid one_out one_agent one_json
	file=$(workload truth)
	start "$file" -ops 500
	one_pid=$pid one_out=$out
	attach "$pid" --budget off
	one_agent=$agent one_json=$json
	start "$file" -ops 900
	attach "$pid" --budget off
	kill -USR1 "$pid" "$one_pid"
	within 60 grep -q '^{"type":"truth"' "$out"
	within 60 grep -q '^{"type":"truth"' "$one_out"
	finish_agent
	equal "writes of the second" "$(summary .map.writes)" "$(truth writes)"
	agent=$one_agent json=$one_json out=$one_out
	finish_agent
	equal "writes of the first" "$(summary .map.writes)" "$(truth writes)"
}
