#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2154 # helper.bash sets root, build, pid and out
#
# Go plugins: their code calls copies of the runtime's functions in the plugin's own file.

load helper

setup() {
	needs_root
	command -v gcc >/dev/null || skip "needs a C compiler for cgo"
}

teardown() {
	stop_all
}

# build_plugged TOOLCHAIN: the program, and its plugin beside it with .so added.
build_plugged() {
	local goroot
	needs_go "$1"
	goroot=$(goroot "$1")
	file=$BATS_TEST_TMPDIR/plugged
	(
		cd "$root/tests/workloads"
		export GOROOT=$goroot GOFLAGS=-mod=mod GOPROXY=off GOTOOLCHAIN=local CGO_ENABLED=1 \
			GOCACHE=$build/gocache
		"$goroot/bin/go" build -o "$file" ./plugged
		"$goroot/bin/go" build -buildmode=plugin -o "$file.so" ./plugged/code
	) >&2
}

# counted TOOLCHAIN: loaded before the agent came, a plugin's calls count like the program's.
counted() {
	build_plugged "$1"
	start "$file" "$file.so"
	attach "$pid" --budget off
	kill -USR1 "$pid"
	within 30 grep -q '^{"type":"truth"' "$out"
	finish_agent
	equal "exit status" "$agent_status" 0
	equal "plugins" "$(lines attached | jq -r '.plugins[].file')" plugged.so
	equal "map.writes" "$(summary .map.writes)" "$(truth writes)"
	equal "goroutine.created" "$(summary .goroutine.created)" "$(truth created)"
	equal "goroutine.live" "$(summary .goroutine.live)" "$(truth goroutines)"
	equal "accuracy" "$(summary '.map.accuracy + " " + .goroutine.accuracy')" "exact exact"
	equal "text changes left" "$(text_changes "$pid")" 0
}

@test "Go 1.19: what a plugin does is counted" { counted 1.19; }
@test "newest Go: what a plugin does is counted" { counted newest; }

# The program has no function for maps of 64-bit keys, only the plugin has.
@test "what a plugin does is within the budget" {
	build_plugged system
	start "$file" -writes 3000000 "$file.so"
	attach "$pid"
	kill -USR1 "$pid"
	within 60 grep -q '^{"type":"truth"' "$out"
	finish_agent
	jq -e -n --argjson s "$(lines summary)" --argjson writes "$(truth writes)" \
		'$s.cost.hits < $writes / 10 and $s.map.accuracy != "exact"' >/dev/null || fail "$(lines summary)"
}

@test "a plugin that is loaded under observation is probed, and the figures are lower bounds" {
	build_plugged newest
	start "$file" -late "$file.so"
	attach "$pid" --budget off --interval 100ms
	kill -USR1 "$pid"
	within 30 grep -q '^loaded$' "$out"
	within 10 saw_plugin
	kill -USR1 "$pid"
	within 30 grep -q '^{"type":"truth"' "$out"
	finish_agent
	# plugin.Open itself writes maps: what the program did is counted too.
	(($(summary .map.writes) >= $(truth writes))) ||
		fail "map.writes: $(summary .map.writes), the plugin did $(truth writes)"
	(($(summary .goroutine.created) >= $(truth created))) ||
		fail "goroutine.created: $(summary .goroutine.created), the plugin did $(truth created)"
	equal "accuracy" "$(summary '.map.accuracy + " " + .goroutine.accuracy')" "lower-bound lower-bound"
	equal "text changes left" "$(text_changes "$pid")" 0
}

saw_plugin() {
	lines window | jq -e -s 'any(.[]; .lost.missed > 0)' >/dev/null
}
