#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2034,SC2154 # lib.bash reads what is set here, and sets the rest
#
# What tests/bench computes from a load's lines.

setup() {
	# shellcheck source=tests/bench/lib.bash
	. "$BATS_TEST_DIRNAME/../bench/lib.bash"
	tmp=$BATS_TEST_TMPDIR load_lines=$BATS_TEST_TMPDIR/load
}

# lines N WRITES: so many more lines of 100 ms, each of so many writes.
lines() {
	local i
	for ((i = 0; i < $1; i++)); do
		when=$((when + 100000000)) count=$((count + $2))
		echo "$when $count"
	done
}

# A loop that makes 10 M writes in a line of 100 ms, and 100 k in one with probes; these come and go in
# the middle of lines.
loads_lines() {
	when=1000000000000000000 count=0
	lines 10 10000000
	lines 1 5050000
	lines 20 100000
	lines 1 5050000
	lines 10 10000000
}

@test "a turn's speed has nothing of what came before and after" {
	loads_lines >"$load_lines"
	printf '%s\n' "off 1000000000150000 1000000000950000" "on 1000000001050000 1000000003150000" \
		"off 1000000003250000 1000000004050000" >"$tmp/turns"
	run speeds
	[ "$status" -eq 0 ]
	[ "$output" = "off 100000000.000
on 1000000.000
off 100000000.000" ]
	[ "$(cost on <<<"$output" | xargs printf %.3f)" = 990.000 ]
}

@test "a turn that is shorter than two lines fails" {
	loads_lines >"$load_lines"
	echo "on 1000000001250000 1000000001280000" >"$tmp/turns"
	run speeds
	[ "$status" -ne 0 ]
}

@test "between two moments the lines are interpolated" {
	loads_lines >"$load_lines"
	run speed_between 1000000000150000 1000000000250000
	[ "$output" = 100000000.000 ]
	run speed_between 1000000001050000 1000000001150000
	[ "$output" = 25750000.000 ]
	run speed_between 999999999000000 1000000001150000
	[ "$status" -ne 0 ]
}

# bash keeps what it read of a file that it can't seek back in.
@test "looking at a process that goes leaves nothing to the next read" {
	local i k pid line strange=0
	printf 'a\nb\n' >"$tmp/two"
	for ((i = 0; i < 300; i++)); do
		sleep 0.001 &
		pid=$!
		disown "$pid" # no zombie is left
		for ((k = 0; k < 200; k++)); do
			! ended "$pid" || break
		done
		while read -r line; do
			[[ $line == [ab] ]] || strange=$((strange + 1))
		done <"$tmp/two"
	done
	[ "$strange" -eq 0 ]
}
