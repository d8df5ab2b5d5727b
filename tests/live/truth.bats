#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2030,SC2031,SC2154 # bats runs each test in a subshell; helper.bash sets the rest
#
# The agent's summary equals what the workload knows about itself, with stacks growing under the probes.

load helper

setup() {
	needs_root
}

teardown() {
	stop_all
}

# compare TOOLCHAIN VARIANT
compare() {
	local dir file
	needs_go "$1"
	dir=$(goroot "$1")
	file=$(workload truth "$dir" "$2")
	start "$file"
	attach "$pid" --budget off
	kill -USR1 "$pid"
	within 60 grep -q '^{"type":"truth"' "$out"
	finish_agent
	equal "exit status" "$agent_status" 0

	echo "truth:   $(tail -n 1 "$out")"
	echo "summary: $(lines summary)"
	equal "one summary" "$(lines summary | wc -l)" 1
	equal "Go version" "$(lines attached | jq -r .go)" "$(truth go)"
	kind_is "$2"
	lost_nothing
	equals_truth map.writes writes
	equals_truth map.deletes deletes
	equals_truth map.clears clears
	equals_truth goroutine.created created
	equals_truth goroutine.live goroutines
	equals_truth gc.cycles num_gc
	equal "map.accuracy" "$(summary .map.accuracy)" exact
	equal "goroutine.accuracy" "$(summary .goroutine.accuracy)" exact
	close_pauses "$(summary .gc.pause_ns.total)" "$(truth pause_ns)"
	windows_add_up
	alive "$pid"
}

# The summary is the sum of the windows.
windows_add_up() {
	lines window | jq -e -s --argjson s "$(lines summary)" \
		'(map(.map.writes) | add) == $s.map.writes and
		 (map(.map.deletes) | add) == $s.map.deletes and
		 (map(.goroutine.created) | add) == $s.goroutine.created' >/dev/null ||
		fail "the windows do not add up to the summary"
}

@test "Go 1.19, plain: the counts equal the truth" { compare 1.19 plain; }
@test "Go 1.19, -s -w: the counts equal the truth" { compare 1.19 stripped; }
@test "Go 1.19, PIE: the counts equal the truth" { compare 1.19 pie; }
@test "newest Go, plain: the counts equal the truth" { compare newest plain; }
@test "newest Go, -s -w: the counts equal the truth" { compare newest stripped; }
@test "newest Go, PIE: the counts equal the truth" { compare newest pie; }

# Each stop gets its own reason, however the requests overlap.
stops() {
	needs_go "$1"
	start "$(workload stops "$(goroot "$1")")"
	attach "$pid" --budget off --probes gc
	kill -USR1 "$pid"
	within 60 grep -q '^{"type":"truth"' "$out"
	finish_agent
	equal "gc.cycles" "$(summary .gc.cycles)" "$(truth num_gc)"
	equal "gc.pauses" "$(summary .gc.pauses)" "$(truth gc_stops)"
	equal "gc.other_stops" "$(summary .gc.other_stops)" "$(truth other_stops)"
	close_pauses "$(summary .gc.pause_ns.total)" "$(truth pause_ns)"
	# Each cycle has the two, and mark termination again where it was begun again.
	lines gc | jq -s -e --argjson again $(($(truth gc_stops) - 2 * $(truth num_gc))) '
		all(.[]; [.pauses[].reason] | length > 1 and .[0] == "gc sweep termination" and
			all(.[1:][]; . == "gc mark termination")) and
		(map(.pauses | length - 2) | add) == $again' >/dev/null ||
		fail "reasons:" "$(lines gc | jq -c '[.pauses[].reason]' | sort | uniq -c)"
}

@test "Go 1.19: stops of the world keep their reasons apart" { stops 1.19; }
@test "newest Go: stops of the world keep their reasons apart" { stops newest; }

# 19 of them, and each client's request has up to three more on their way. Breakpoints go one by one, within
# milliseconds.
@test "goroutines that begin and those that end are counted until the same moment" {
	local i lives=()
	start "$(workload quiet)" -clients 4 -pause 5ms
	for i in 1 2 3 4 5 6 7 8; do
		attach "$pid" --for 300ms --budget off
		await_agent 20
		equal "goroutine.accuracy" "$(summary .goroutine.accuracy)" exact
		lives+=("$(summary .goroutine.live)")
	done
	jq -e -s 'max - min <= 12' <<<"${lives[*]}" >/dev/null || fail "live at the end: ${lives[*]}"
}

@test "without their group nothing is said of goroutines" {
	start "$(workload quiet)"
	attach "$pid" --probes gc --for 2s
	await_agent 20
	jq -e -s 'map(select(.type == "window" or .type == "summary").goroutine) | length > 1 and
		all(.[]; .live == null and .accuracy == null)' "$json" >/dev/null || fail "$(lines summary)"
}

@test "a target that exits ends the agent with a summary" {
	start "$(workload truth)"
	attach "$pid" --budget off
	kill -USR1 "$pid"
	within 60 grep -q '^{"type":"truth"' "$out"
	kill -TERM "$pid"
	await_agent 20
	equal "exit status" "$agent_status" 0
	equal "map.writes" "$(summary .map.writes)" "$(truth writes)"
	equal "goroutine.created" "$(summary .goroutine.created)" "$(truth created)"
}

@test "--for ends the agent in time" {
	start "$(workload truth)"
	local began=$SECONDS
	attach "$pid" --budget off --for 2s
	await_agent 10
	equal "exit status" "$agent_status" 0
	((SECONDS - began >= 2)) || fail "ended after $((SECONDS - began)) s"
	equal "one summary" "$(lines summary | wc -l)" 1
	equal "text changes left" "$(text_changes "$pid")" 0
}

@test "every line is JSON and begins with its type" {
	start "$(workload truth)"
	attach "$pid" --budget off --interval 200ms
	kill -USR1 "$pid"
	within 60 grep -q '^{"type":"truth"' "$out"
	finish_agent
	jq -e . "$json" >/dev/null
	! grep -v '^{"type":"' "$json" || fail "lines that do not begin with the type"
	equal "first line" "$(head -n 1 "$json" | jq -r .type)" attached
	equal "last line" "$(tail -n 1 "$json" | jq -r .type)" summary
	(($(lines window | wc -l) >= 5)) || fail "too few windows: $(lines window | wc -l)"
	(($(lines gc | wc -l) == $(truth num_gc))) || fail "gc lines: $(lines gc | wc -l) of $(truth num_gc)"
	equal "forced cycles" "$(lines gc | jq -s 'map(select(.forced)) | length')" "$(truth num_forced)"
	(($(lines map_grow | wc -l) > 0)) || fail "no map growth"
	# Each growth has a record, or is counted among those that have none.
	equal "map growths" "$(summary .map.grows)" \
		$(($(lines map_grow | wc -l) + $(summary .map.grows_unrecorded)))
}
