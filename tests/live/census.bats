#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2030,SC2031,SC2154 # bats runs each test in a subshell; helper.bash sets the rest
#
# The census of a live process against what the program itself knows: how many goroutines it started
# where and when, runtime.NumGoroutine, and the runtime's own traceback of every one of them.

load helper

setup() {
	needs_root
}

teardown() {
	stop_all
}

# begin GO VARIANT FLAG…: the workload, up to its ready line.
begin() {
	local file
	needs_go "$1"
	file=$(workload census "$(goroot "$1")" "$2")
	start "$file" "${@:3}"
}

# census ARGUMENT…: into $found, one JSON object a line; $before_ns and $after_ns are around it.
census() {
	found=$BATS_TEST_TMPDIR/census.json
	before_ns=$(date +%s%N)
	"$gosonde" goroutines "$pid" "$@" >"$found"
	after_ns=$(date +%s%N)
}

# The workload's groups as "site count", in order of their names.
groups_told() {
	grep '^{"type":"group"' "$out" | jq -r '"\(.site) \(.count)"' | sort
}

groups_found() {
	jq -r 'select(.type == "goroutine_group" and (.site | startswith("main."))) |
		"\(.site | split(" ")[0]) \(.count)"' "$found" | sort
}

# same_counts: every group, and the total as runtime.NumGoroutine has it.
same_counts() {
	equal groups "$(groups_found)" "$(groups_told)" &&
		equal total "$(jq -r 'select(.type == "goroutine_total") | "\(.live) \(.skipped)"' "$found")" \
			"$(truth goroutines) 0"
}

# ages_hold: the true age of each group's middle goroutine is within the interval that is stated, as
# is the estimate. What the program tells is by the wall clock, from before the first to after the last.
ages_hold() {
	local site first last least most p50 accuracy n=0
	while read -r site first last; do
		read -r least most p50 accuracy < <(jq -r --arg site "$site" \
			'select(.site // "" | startswith($site + " ")) |
			"\(.age_least_s) \(.age_most_s) \(.age_s.p50) \(.age_accuracy)"' "$found")
		awk -v least="$least" -v most="$most" -v p50="$p50" -v youngest="$(((before_ns - last) / 1000))" \
			-v oldest="$(((after_ns - first) / 1000))" 'BEGIN {
				slack = 0.005 # the wall clock is read beside the monotonic one
				exit !(least <= oldest / 1e6 + slack && most >= youngest / 1e6 - slack &&
					least <= p50 && p50 <= most)
			}' || fail "$site: $accuracy age $p50 in [$least, $most], but it is from" \
			"$(((before_ns - last) / 1000)) to $(((after_ns - first) / 1000)) us" || return 1
		[[ -z ${1:-} || $accuracy == "$1" ]] || fail "$site: $accuracy" || return 1
		n=$((n + 1))
	done < <(grep '^{"type":"group"' "$out" | jq -r "select(.site | test(\"${2:-.}\")) | \"\(.site) \(.first_ns) \(.last_ns)\"")
	((n > 0)) || fail "no group to compare"
}

# Of the runtime's traceback: "id state created-by file:line", a line a goroutine. The one that
# prints (main) runs meanwhile; a wait of minutes and a locked thread are no part of the state.
traceback() {
	sed -n '/^goroutine [0-9]/,/^end of stacks$/p' "$out" | awk '
		/^goroutine [0-9]+ / {
			id = $2; state = $0
			sub(/^[^[]*\[/, "", state); sub(/(, [0-9]+ minutes)?(, locked to thread)?\]:.*/, "", state)
		}
		/^created by / { by = $3; getline; n = split($1, path, "/"); print id "|" state "|" by " " path[n] }' |
		sort
}

# The same of the census.
listed() {
	jq -r 'select(.type == "goroutine" and (.system | not) and .id != 1) |
		"\(.id)|\(.wait // .state)|\(.site)"' "$found" | sort
}

# Goroutine by goroutine.
same_traceback() {
	kill -USR2 "$pid"
	within 20 grep -q '^end of stacks$' "$out"
	census --list
	equal goroutines "$(listed | volatile)" "$(traceback | volatile)"
	(($(listed | wc -l) > 60)) || fail "only $(listed | wc -l) goroutines"
}

# The spinning goroutine changes its state from moment to moment, and so does the one that has just
# been handed our signal.
volatile() {
	sed -E '/\|(main\.startSpin|os\/signal\.Notify[^ ]*) /s/\|[^|]*\|/|busy|/'
}

check_census() {
	begin "$@"
	census --json
	same_counts
	ages_hold
	same_traceback
}

@test "census of Go 1.15 is the runtime's" {
	check_census 1.15 plain
}

@test "census of Go 1.19, stripped" {
	check_census 1.19 stripped
}

@test "census of Go 1.22, PIE" {
	check_census 1.22 pie
}

@test "census of the newest Go, plain, stripped and PIE" {
	local variant
	for variant in plain stripped pie; do
		check_census newest "$variant"
		stop_all
	done
}

@test "what goroutines wait for, and their states, add up" {
	begin newest plain
	census --json --by wait
	equal receive "$(jq -r 'select(.wait == "chan receive").count' "$found")" 5
	equal "IO wait" "$(jq -r 'select(.wait == "IO wait").count' "$found")" 12
	equal "select and main" "$(jq -r 'select(.wait == "select").count' "$found")" 8
	equal total "$(jq -s 'map(.count // 0) | add' "$found")" "$(truth goroutines)"
	census --json --by state
	equal total "$(jq -s 'map(.count // 0) | add' "$found")" "$(truth goroutines)"
	equal syscall "$(jq -r 'select(.state == "syscall" and .by == "state").count >= 3' "$found")" true
}

# sample: `gosonde goroutines $pid --for 2s` in the background, until it has the program open; sets $sampler,
# and $found, its output.
sample() {
	found=$BATS_TEST_TMPDIR/sampled.json
	"$gosonde" goroutines "$pid" --for 2s --json >"$found" 2>"$found.messages" 3>&- &
	sampler=$!
	pids+=("$sampler")
	within 10 has_open "$sampler" "$(readlink "/proc/$pid/exe")"
}

has_open() {
	find "/proc/$1/fd" -lname "$2" | grep -q .
}

@test "what is born while the counter is sampled has a measured age" {
	local sampler
	begin newest plain
	before_ns=$(($(date +%s%N) + 2000000000)) # it samples for so long before it looks
	sample
	sleep 0.8
	kill -USR1 "$pid"
	within 20 ended "$sampler"
	after_ns=$(stat -c %.9Y "$found" | tr -d .) # when it wrote
	ages_hold sampled startLate
	ages_hold bounded 'start[^L]'
	jq -es 'any(.[]; (.site // "" | startswith("main.startLate ")) and .age_error_s < 0.25)' "$found"
}

@test "100 000 goroutines are read whole" {
	begin newest stripped -many 100000 -gap 400ms
	census --json
	same_counts
	ages_hold
	echo "# 100 000 goroutines in $(((after_ns - before_ns) / 1000000)) ms" >&3
}

@test "goroutines: a table for people, its heap and its options" {
	begin newest plain
	census --top 3
	grep -qE '^[0-9]+ goroutines? in PID [0-9]+' "$found"
	grep -qE '^GC: [0-9]+ cycles; heap .* live, goal .*; last [0-9]+ pauses?: p50 ' "$found"
	grep -qE ' 12 +[0-9.]+ % +IO wait .* main.startIO main.go:[0-9]+ ' "$found"
	grep -qE ' other .* [0-9]+ more groups' "$found"
	equal "escape sequences" "$(grep -c $'\e' "$found")" 0
	exits 2 "$gosonde" goroutines
	exits 2 "$gosonde" goroutines "$pid" --by colour
	exits 2 "$gosonde" goroutines "$pid" --top some
	exits 2 "$gosonde" goroutines no-pid
	exits 3 "$gosonde" goroutines 4194305
	exits 1 "$gosonde" goroutines $$
	says 'not a Go'
	exits 0 "$gosonde" goroutines --help
}

@test "a target that executes itself anew meanwhile has no census" {
	local sampler status=0
	start "$(workload reexec)"
	sample
	sleep 0.5
	kill -USR1 "$pid"
	within 20 ended "$sampler"
	wait "$sampler" || status=$?
	equal "exit status" "$status" 3
	grep -q "process $pid has executed a program" "$found.messages" || fail "$(cat "$found.messages")"
	equal "bytes of result" "$(stat -c %s "$found")" 0
}

@test "a time to sample that is none is a usage error" {
	exits 2 "$gosonde" goroutines 1 --for soon
	says ' --for wants a duration of at least 1 ns'
}

@test "goroutines of somebody else's process are not permitted" {
	begin newest plain
	exits 4 "${nobody[@]}" "$(public "$gosonde")" goroutines "$pid"
}
