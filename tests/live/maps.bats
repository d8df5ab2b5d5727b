#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2030,SC2031,SC2154 # bats runs each test in a subshell; helper.bash sets the rest
#
# What programs do with maps: each misuse raises its own rule and no other and names its line; what
# looks alike and is well raises none. With the budget and without: hot maps are mostly sampled.

load helper

setup() {
	needs_root
	# The defaults take one minute and ten.
	cat >"$BATS_TEST_TMPDIR/rules.yaml" <<-'END'
		rules:
		  - {rule: map-hot-overwrite, raise: 100000, for: 5s}
		  - {rule: map-missing-delete, raise: 3000, for: 5s}
	END
}

teardown() {
	stop_all
}

# tables GOROOT-NAME ARGUMENT…
tables() {
	needs_go "$1"
	start "$(workload tables "$(goroot "$1")")" "${@:2}"
}

# observe ARGUMENT…: attaches with the rules above, then lets the workload begin.
observe() {
	attach "$pid" --rules "$BATS_TEST_TMPDIR/rules.yaml" "$@"
	kill -USR1 "$pid"
}

# only RULE: it fired, and no other.
only() {
	equal "rules that fired" "$(lines alert | jq -r .rule | sort -u)" "$1"
}

# evidence FIELD PATTERN: of the alert that fired.
evidence() {
	lines alert | jq -r --arg field "$1" 'select(.state == "firing") | .evidence[$field]' | grep -qE -- "$2" ||
		fail "evidence $1 is not $2:" "$(lines alert)"
}

# fired FILTER: true of an alert that fired.
fired() {
	lines alert | jq -e -s "any(.[] | select(.state == \"firing\"); $1)" >/dev/null ||
		fail "no alert that fired is $1:" "$(lines alert)"
}

# overwrites GOROOT-NAME ARGUMENT…
overwrites() {
	tables "$1" -mode counter
	observe "${@:2}"
	within 25 has_alert firing map-hot-overwrite
	finish_agent
	only map-hot-overwrite
	evidence site '^main\.\(\*Metrics\)\.count main\.go:[0-9]+$'
	evidence map_type '^map\[uint32\]uint64$'
	evidence entries '^64(\.0)?$'
	# A million a minute, as far as that is sure.
	fired '.value > 600000 and .value < 1100000 and (.advice | length) > 0'
}

@test "map-hot-overwrite: a counter map, every write counted" { overwrites system --budget off; }
@test "map-hot-overwrite: a counter map within the budget" { overwrites system; }
@test "map-hot-overwrite: a counter map, newest Go" { overwrites newest; }

@test "map-hot-overwrite: a counter map that is sampled" {
	tables system -mode counter -rate 100000
	observe
	within 25 has_alert firing map-hot-overwrite
	finish_agent
	only map-hot-overwrite
	equal "map.accuracy" "$(summary .map.accuracy)" sampled
	# A sampled figure is told as far as it is sure.
	fired '.value > 3000000 and .value < 6300000'
}

# leaks GOROOT-NAME ARGUMENT…
leaks() {
	tables "$1" -mode leak -rate 1000
	observe "${@:2}"
	within 25 has_alert firing map-missing-delete
	kill -USR2 "$pid"
	within 60 has_alert resolved map-missing-delete
	finish_agent
	only map-missing-delete
	evidence site '^main\.\(\*Sessions\)\.begin main\.go:[0-9]+$'
	evidence map_type '^map\[uint64\]\*main\.Session$'
	fired '.value >= 3000 and .evidence.deletes_pct_of_new_keys_at_most < 1 and
		.evidence.growth_per_s > 500 and .evidence.growth_per_s < 2000'
	# The truth is known to the map itself.
	lines summary | jq -e '.maps[0] | .entries == .writes' >/dev/null || fail "$(lines summary | jq -c .maps)"
}

@test "map-missing-delete: sessions that are never forgotten" { leaks system --budget off; }
@test "map-missing-delete: sessions that are never forgotten, newest Go" { leaks newest; }

@test "map-missing-delete: the same, sampled" {
	# Not so fast that it were a storm of growths too.
	tables system -mode leak -rate 17000
	observe --budget 0.2
	within 25 has_alert firing map-missing-delete
	finish_agent
	only map-missing-delete
	equal "map.accuracy" "$(summary .map.accuracy)" sampled
	evidence site '^main\.\(\*Sessions\)\.begin main\.go:[0-9]+$'
}

# healthy GOROOT-NAME MODE RATE ARGUMENT…: it is as hot and as large as what raises, and raises nothing.
healthy() {
	tables "$1" -mode "$2" -rate "$3"
	observe "${@:4}" --for 17s
	await_agent 40
	equal "exit status" "$agent_status" 0
	equal "alerts" "$(lines alert)" ""
	(($(summary .map.writes) > $3 * 7)) || fail "writes: $(summary .map.writes)"
	lines summary | jq -e '.maps[0].entries > 2000 and .maps[0].entries < 6000' >/dev/null ||
		fail "$(lines summary | jq -c .maps)"
}

@test "a cache of steady size, new keys all the time, raises nothing" { healthy system cache 17000 --budget off; }
@test "the same within the budget" { healthy system cache 17000; }
@test "the same, sampled" { healthy system cache 100000; }
@test "the same, newest Go" { healthy newest cache 17000; }
@test "a map that shrinks and grows raises nothing" { healthy system fill 10000 --budget off; }

@test "map-write-rate: above the level that was set" {
	cat >"$BATS_TEST_TMPDIR/rules.yaml" <<-'END'
		# Off unless it is set. As the strict preset, but sooner.
		rules:
		  - {rule: map-write-rate, raise: 10000, clear: 8000, for: 2s}
	END
	tables system -mode cache
	observe
	within 25 has_alert firing map-write-rate
	kill -USR2 "$pid"
	within 20 has_alert resolved map-write-rate
	finish_agent
	only map-write-rate
	evidence site '^main\.\(\*Sessions\)\.begin main\.go:[0-9]+$'
	fired '.value >= 10000 and .value < 25000 and
		(.evidence.sites[0] | test("^main\\.\\(\\*Sessions\\)\\.begin main\\.go:[0-9]+: (9[0-9]|100) %"))'
}

# A nil map's row and that of maps for which there was no room are one.
@test "deletes from nil maps are counted once, beside those of maps that have no row" {
	start "$(workload nils)"
	attach "$pid" --budget off --interval 500ms
	kill -USR1 "$pid"
	within 20 grep -q '^{"type":"truth"' "$out"
	finish_agent
	equal "map.deletes" "$(summary .map.deletes)" "$(truth deletes)"
	equal "by site" "$(summary '[.map_sites[] | select(.site | startswith("main.drop ")) | .count] | add')" "$(truth deletes)"
}
