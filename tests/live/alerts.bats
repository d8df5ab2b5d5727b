#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2030,SC2031,SC2154 # bats runs each test in a subshell; helper.bash sets the rest
#
# Each misbehaviour raises its own rule and no other, names its culprit, and resolves when the cause ends.

load helper

setup() {
	needs_root
}

teardown() {
	stop_all
}

# only RULE…: no other rule fired.
only() {
	local wanted got
	wanted=$(printf '%s\n' "$@" | sort -u)
	got=$(lines alert | jq -r .rule | sort -u)
	equal "rules that fired" "$got" "$wanted"
}

# evidence RULE PATTERN: some line of the alert, its evidence included, names it.
evidence() {
	lines alert | jq -c --arg rule "$1" 'select(.rule == $rule and .state == "firing")' | grep -qE -- "$2" ||
		fail "$1 does not name $2:" "$(lines alert)"
}

# complete RULE: the fields that the contract promises.
complete() {
	lines alert | jq -e -s --arg rule "$1" '[.[] | select(.rule == $rule)] | length > 0 and all(.[];
		(.severity | IN("info", "warning", "critical")) and (.value | type) == "number" and
		(.threshold | type) == "number" and .dry_run == false and (.summary | length) > 0 and
		(.subject | type) == "string" and (.evidence | type) == "object")' >/dev/null ||
		fail "incomplete:" "$(lines alert)"
}

@test "rehash-storm: a cache that is rebuilt without a size hint" {
	start "$(workload storm)"
	attach "$pid" --budget off
	kill -USR1 "$pid"
	within 20 has_alert firing rehash-storm
	kill -USR2 "$pid"
	within 40 has_alert resolved rehash-storm
	finish_agent
	only rehash-storm
	complete rehash-storm
	evidence rehash-storm 'main\.\(\*Cache\)\.Rebuild'
	evidence rehash-storm 'map\[int64\]\*main\.Order'
}

@test "rehash-storm: the newest Go, stripped, names the same culprit" {
	needs_go newest
	start "$(workload storm "$(goroot newest)" stripped)"
	attach "$pid" --budget off
	kill -USR1 "$pid"
	within 20 has_alert firing rehash-storm
	finish_agent
	only rehash-storm
	evidence rehash-storm 'main\.\(\*Cache\)\.Rebuild'
	evidence rehash-storm 'map\[int64\]\*main\.Order'
}

# spikes TOOLCHAIN: until the alert has fired and the cause has ended.
spikes() {
	start "$(workload pressure "$(goroot "$1")")"
	attach "$pid" --budget off
	kill -USR1 "$pid"
	within 20 has_alert firing gc-pause-spike
	kill -USR2 "$pid"
}

# spikes_end: of $agent, which writes to $json.
spikes_end() {
	within 120 has_alert resolved gc-pause-spike
	finish_agent
	only gc-pause-spike
	complete gc-pause-spike
	evidence gc-pause-spike 'gc (sweep|mark) termination'
	lines alert | jq -e -s 'any(.[]; .state == "firing" and .value >= 50e6 and .value < 1e9)' >/dev/null ||
		fail "no stop of 50 ms or more:" "$(lines alert)"
}

# It takes a minute until a spike is over: the second one's begins meanwhile.
@test "gc-pause-spike: stops that wait for a loop (system and newest Go)" {
	local first_agent first_json
	spikes system
	first_agent=$agent first_json=$json
	if has_other_go; then
		spikes newest
		spikes_end
	fi
	agent=$first_agent json=$first_json
	spikes_end
	needs_go newest # it was left out
}

@test "gc-pause-budget: ten pauses of some milliseconds each second" {
	cat >"$BATS_TEST_TMPDIR/rules.yaml" <<-'END'
		# The default takes half a minute. A machine that others keep busy makes spikes of any pauses.
		rules:
		  - {rule: gc-pause-budget, raise: 80ms, clear: 40ms}
		  - {rule: gc-pause-spike, enabled: false}
	END
	start "$(workload pressure)" -stop 4ms -every 90ms
	attach "$pid" --budget off --rules "$BATS_TEST_TMPDIR/rules.yaml"
	kill -USR1 "$pid"
	within 20 has_alert firing gc-pause-budget
	finish_agent
	only gc-pause-budget
	complete gc-pause-budget
	evidence gc-pause-budget 'GOGC|preemption point'
	lines alert | jq -e 'select(.rule == "gc-pause-budget") | .evidence |
		.pauses > 2 and .pause_max_ns >= .pause_p50_ns and (.mark_termination | test("pauses"))' >/dev/null ||
		fail "evidence:" "$(lines alert)"
}

# pressure MODE TOOLCHAIN PATTERN
pressure() {
	needs_go "$2"
	start "$(workload collecting "$(goroot "$2")")" -mode "$1"
	attach "$pid" --budget off
	kill -USR1 "$pid"
	within 30 has_alert firing gc-pressure
	finish_agent
	only gc-pressure
	complete gc-pressure
	evidence gc-pressure "$3"
}

@test "gc-pressure: a large heap that may hardly grow (system Go)" { pressure tight system 'raise GOGC'; }
@test "gc-pressure: a large heap that may hardly grow (newest Go)" { pressure tight newest 'raise GOGC'; }
@test "gc-pressure: a program that calls for collections" { pressure forced system 'debug\.FreeOSMemory'; }

# drag TOOLCHAIN
drag() {
	needs_go "$1"
	cat >"$BATS_TEST_TMPDIR/rules.yaml" <<-'END'
		# Stops that wait for a loop wait for a CPU too where others keep the machine busy.
		rules:
		  - {rule: gc-pause-spike, enabled: false}
	END
	start "$(workload pressure "$(goroot "$1")")" -always -stop 8ms -every 1100ms
	attach "$pid" --budget off --rules "$BATS_TEST_TMPDIR/rules.yaml"
	kill -USR1 "$pid"
	within 25 has_alert firing mark-termination-drag
	finish_agent
	only mark-termination-drag
	complete mark-termination-drag
	lines alert | jq -e 'select(.rule == "mark-termination-drag") | .evidence.cycles | length == 3 and
		all(.[]; test("^gc [0-9]+: [0-9.]+[+][0-9.]+[+][0-9.]+ ms clock, .* P [(]forced[)]$"))' >/dev/null ||
		fail "cycles:" "$(lines alert)"
}

@test "mark-termination-drag: a loop that every stop waits for (system Go)" { drag system; }
@test "mark-termination-drag: a loop that every stop waits for (newest Go)" { drag newest; }

# mark_storm TOOLCHAIN
mark_storm() {
	needs_go "$1"
	start "$(workload markgrow "$(goroot "$1")")"
	# Counting writes would slow the filling down until the marking is over.
	attach "$pid" --budget off --probes map-grow,gc
	kill -USR1 "$pid"
	within 20 has_alert firing mark-storm
	finish_agent
	only mark-storm
	complete mark-storm
	evidence mark-storm 'main\.\(\*Index\)\.Load main\.go:[0-9]+'
	evidence mark-storm 'map\[int64\]\*main\.Entry'
}

@test "mark-storm: a map that is filled while the collector marks (system Go)" { mark_storm system; }
@test "mark-storm: a map that is filled while the collector marks (newest Go)" { mark_storm newest; }

@test "goroutine-growth: a server that leaks one a request" {
	cat >"$BATS_TEST_TMPDIR/rules.yaml" <<-'END'
		# The default takes 30 s.
		rules:
		  - {rule: goroutine-growth, raise: 100, clear: 50, for: 3s}
	END
	start "$(workload leak)"
	attach "$pid" --budget off --rules "$BATS_TEST_TMPDIR/rules.yaml"
	kill -USR1 "$pid"
	within 30 has_alert firing goroutine-growth
	kill -USR2 "$pid"
	within 60 has_alert resolved goroutine-growth
	finish_agent
	only goroutine-growth
	complete goroutine-growth
	evidence goroutine-growth 'main\.\(\*Server\)\.handle'
}

# fault MODE PATTERN [TOOLCHAIN]
fault() {
	needs_go "${3:-system}"
	start "$(workload faults "$(goroot "${3:-system}")")" -mode "$1"
	attach "$pid" --budget off
	kill -USR1 "$pid"
	within 20 has_alert firing fault
	# That one ends the process, and so the agent.
	if [[ $1 == concurrent ]]; then
		await_agent 20
	else
		finish_agent
	fi
	equal "exit status" "$agent_status" 0
	only fault
	complete fault
	evidence fault "$2"
}

@test "fault: a write to a nil map, with its message and function" {
	fault nilmap 'assignment to entry in nil map'
	evidence fault 'main\.\(\*registry\)\.register'
}

@test "fault: a failed type assertion" {
	fault assertion 'TypeAssertionError|interface conversion|type assertion'
	evidence fault 'main\.asCount'
}

@test "fault: concurrent map writes, told although the process dies of them" {
	fault concurrent 'concurrent map writes'
	evidence fault 'main\.scribble'
}

@test "fault: a write to a nil map, newest Go" {
	fault nilmap 'assignment to entry in nil map' newest
	evidence fault 'main\.\(\*registry\)\.register'
}

@test "fault: concurrent map writes, newest Go" {
	fault concurrent 'concurrent map writes' newest
}

# stolen_ticks: hundredths of a second that the hypervisor took of this machine's CPUs.
stolen_ticks() {
	awk '$1 == "cpu" { print $9 }' /proc/stat
}

# A stop of the world takes as long as the CPU of who has to stop is stolen, and is then rightly told.
@test "a healthy server under load raises nothing" {
	local before
	for _ in 1 2 3; do
		stop_all
		before=$(stolen_ticks)
		start "$(workload quiet)"
		attach "$pid" --budget off --for 25s
		await_agent 40
		[[ -n $(lines alert) ]] && (($(stolen_ticks) >= before + 2)) || break
	done
	equal "exit status" "$agent_status" 0
	equal "alerts" "$(lines alert)" ""
	equal "alerts in the summary" "$(summary .alerts)" 0
	# It was indeed under load, and seen.
	(($(summary .map.writes) > 5000)) || fail "writes: $(summary .map.writes)"
	(($(summary .goroutine.created) > 5000)) || fail "created: $(summary .goroutine.created)"
	kill -TERM "$pid"
	within 10 grep -q ' failed 0$' "$out"
}

@test "dry-run evaluates and reports, and says that it is one" {
	start "$(workload storm)"
	attach "$pid" --budget off --dry-run
	kill -USR1 "$pid"
	within 20 has_alert firing rehash-storm
	finish_agent
	lines alert | jq -e -s 'length > 0 and all(.[]; .dry_run)' >/dev/null
}
