#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2016,SC2034,SC2030,SC2031,SC2154 # eval expands; bats runs each test in a subshell; helper.bash and daemon.bash set the rest
#
# The daemon finds programs by itself, several at once, and lets them go. It looks at programs of this
# test only: their copies lie in a folder of their own.

load helper
load daemon

setup() {
	needs_root
	daemon_setup
}

teardown() {
	stop_all
}

@test "programs that run and programs that start are observed, and let go when they end" {
	local first second
	configure
	start "$(copy_of truth)"
	first=$pid
	daemon
	curl -s "$(url metrics)" | grep -q '^gosonde_build_info' || fail "no metrics of its own, at once"
	within 10 said "$first" "is observed"
	start "$(copy_of quiet)"
	second=$pid
	within 10 said "$second" "is observed"
	within 10 eval '[[ $(metric go_goroutine_count "$second") -gt 0 ]]'
	kill -KILL "$second"
	within 10 said "$second" "has exited"
	alive "$first"
	! grep 'is not observed' "$messages" || fail "it may look into all that root may"
	stop_daemon
	equal "changes" "$(text_changes "$first")" 0
	alive "$first"
}

@test "two at once are counted apart, and exactly" {
	local first first_out
	configure 'budget_pct: off'
	start "$(copy_of truth)" -for 2s
	first=$pid first_out=$out
	start "$(copy_of truth)" -for 2s
	daemon
	within 10 said "$first" "is observed"
	within 10 said "$pid" "is observed"
	kill -USR1 "$first" "$pid"
	within 60 grep -q '^{"type":"truth"' "$first_out"
	within 60 grep -q '^{"type":"truth"' "$out"
	within 10 eval '[[ $(metric gosonde_map_writes_total "$pid") == "$(truth writes)" ]]'
	out=$first_out
	within 10 eval '[[ $(metric gosonde_map_writes_total "$first") == "$(truth writes)" ]]'
	stop_daemon
}

@test "a slot that is used again starts from nothing" {
	configure 'budget_pct: off' 'max_targets: 1'
	start "$(copy_of truth)" -for 1s
	daemon
	within 10 said "$pid" "is observed"
	kill -USR1 "$pid"
	within 60 grep -q '^{"type":"truth"' "$out"
	kill -KILL "$pid"
	within 10 said "$pid" "has exited"
	start "$(copy_of quiet)"
	within 10 said "$pid" "is observed"
	within 10 eval '[[ -n $(metric gosonde_map_writes_total "$pid") ]]'
	# It writes thousands a second itself; the one before wrote half a million.
	(($(metric gosonde_map_writes_total "$pid") < 100000)) || fail "$(metric gosonde_map_writes_total "$pid") writes"
	stop_daemon
}

# The next process gets that number, unless another one takes it first: then this one is of no use.
start_as() {
	local wanted=$1
	echo $((wanted - 1)) >/proc/sys/kernel/ns_last_pid
	"${@:2}" >"$BATS_TEST_TMPDIR/again.out" 2>&1 3>&- &
	pid=$!
	pids+=("$pid")
	[[ $pid == "$wanted" ]] && return
	kill -KILL "$pid"
	wait "$pid" || true
	unset 'pids[-1]'
	return 1
}

@test "a PID that is used again at once is another process" {
	local first tries=0 other
	configure 'budget_pct: off'
	sed -i 's/^min_age: .*/min_age: 0s/' "$config"
	other=$(copy_of truth)
	start "$(copy_of quiet)"
	first=$pid
	daemon
	within 10 said "$first" "is observed"
	kill -KILL "$first"
	wait "$first" || true
	until start_as "$first" "$other"; do
		((++tries < 100)) || skip "process $first's number was not to be had again"
	done
	within 10 eval '[[ $(grep -c "^gosonde: process $first: is observed\$" "$messages") == 2 ]]'
	within 10 eval '[[ $(curl -s "$(url metrics)" | grep "^go_goroutine_count{pid=\"$first\"") == *exe=\"truth\"* ]]'
	# A stray one that had another number may have been seen.
	within 10 eval '[[ $(curl -s "$(url metrics)" | grep -c "^go_goroutine_count") == 1 ]]'
	stop_daemon
	equal "changes" "$(text_changes "$first")" 0
}

@test "a program that executes itself anew is observed anew" {
	configure
	start "$(copy_of reexec)"
	daemon
	within 10 said "$pid" "is observed"
	kill -USR1 "$pid"
	within 10 said "$pid" "has executed another program"
	within 10 eval '(($(grep -c "^gosonde: process $pid: is observed" "$messages") == 2))'
	stop_daemon
}

@test "an executable that is written over after its process is gone does not end the daemon" {
	local i copy=$folder/app cut=$BATS_TEST_TMPDIR/cut storm reexec
	storm=$(workload storm) reexec=$(workload reexec)
	printf '%s\n' '#!/bin/sh' "until truncate -s 0 '$copy' 2>/dev/null; do sleep 0.01; done" 'sleep 4' >"$cut"
	chmod +x "$cut"
	configure
	daemon
	for i in 1 2 3; do
		rm -f "$copy" && cp "$storm" "$copy"
		start "$copy"
		within 10 said "$pid" "is observed"
		kill -USR1 "$pid"
		sleep 0.1
		kill -KILL "$pid"
		wait "$pid" || true
		rewrite "$copy" "$reexec"
		within 10 said "$pid" "has exited"
		rm "$copy" && cp "$reexec" "$copy"
		start "$copy" -into "$cut"
		within 10 said "$pid" "is observed"
		kill -USR1 "$pid"
		within 10 said "$pid" "has executed another program"
	done
	start "$(copy_of storm)"
	within 10 said "$pid" "is observed"
	stop_daemon
}

@test "an alert reaches syslog" {
	receive_syslog
	configure 'budget_pct: off'
	start "$(copy_of storm)"
	daemon
	within 10 said "$pid" "is observed"
	kill -USR1 "$pid"
	within 30 grep -q " rule=rehash-storm pid=$pid " "$logged"
	stop_daemon
}

@test "all together have one budget" {
	local first
	configure 'budget_pct: 1' 'host_budget_pct: 0.5'
	start "$(copy_of quiet)"
	first=$pid
	start "$folder/quiet"
	daemon
	within 10 said "$first" "is observed"
	within 10 said "$pid" "is observed"
	within 10 eval '[[ $(metric gosonde_budget_ratio "$first") == 0.0025 ]]'
	equal "the other's share" "$(metric gosonde_budget_ratio "$pid")" 0.0025
	kill -KILL "$pid"
	within 10 eval '[[ $(metric gosonde_budget_ratio "$first") == 0.005 ]]'
	stop_daemon
}

@test "a program is told by user and control group" {
	configure
	sed -i "s|^watch:.*|watch: [{exe: \"$folder/*\", user: $(id -un), cgroup: \"/*\"}]|" "$config"
	echo "ignore: [{exe: \"$folder/quiet\", user: nobody}]" >>"$config"
	start "$(copy_of quiet)"
	daemon
	within 10 said "$pid" "is observed"
	sed -i 's/user: nobody/user: '"$(id -un)"'/' "$config"
	kill -HUP "$agent"
	within 10 said "$pid" "is not wanted any more"
	stop_daemon
}

@test "SIGHUP applies the whole configuration, or none of it" {
	local kept
	configure
	start "$(copy_of quiet)"
	kept=$pid
	daemon
	within 10 said "$kept" "is observed"
	echo 'interwal: 2s' >>"$config"
	kill -HUP "$agent"
	within 10 grep -q 'the configuration stays as it was: .*gosonde.yaml:5: .*interwal' "$messages"
	configure 'interval: 2s'
	kill -HUP "$agent"
	within 10 grep -q 'the configuration stays as it was: interval changes only with a restart' "$messages"
	configure "ignore: [{exe: \"$folder/quiet\"}]"
	kill -HUP "$agent"
	within 10 said "$kept" "is not wanted any more"
	equal "changes" "$(text_changes "$kept")" 0
	configure
	kill -HUP "$agent"
	within 10 eval '(($(grep -c "^gosonde: process $kept: is observed" "$messages") == 2))'
	stop_daemon
}

@test "a configuration that is wrong keeps it from starting, with its place" {
	echo 'budget_pct: much' >"$config"
	run "$gosonde" daemon --config "$config"
	equal "exit status" "$status" 2
	[[ $output == *"gosonde.yaml:1: budget_pct: \"much\": expected "* ]] || fail "$output"
}

@test "kill -9 of the daemon leaves no breakpoint in any program" {
	local first
	configure
	start "$(copy_of truth)" -for 30s
	first=$pid
	start "$(copy_of writer)" -rate 300000 -pace spin
	daemon
	within 10 said "$first" "is observed"
	within 10 said "$pid" "is observed"
	sleep 1
	kill -KILL "$agent"
	wait "$agent" || true
	within 10 no_changes "$first"
	within 10 no_changes "$pid"
	alive "$first"
	alive "$pid"
}

# held: file descriptors, and rows of the kernel's tables, that the daemon has.
held() {
	local fds
	fds=$(find "/proc/$agent/fd" | wc -l)
	echo "fds $fds rows $(rows maps) $(rows map_sites) $(rows go_sites)"
}

# table NAME COMMAND: what bpftool says of that table of the daemon's.
table() {
	local fd id
	for fd in "/proc/$agent/fdinfo/"*; do
		id=$(sed -n 's/^map_id:\t//p' "$fd" 2>/dev/null) || continue
		[[ -n $id && $(/usr/sbin/bpftool -j map show id "$id" | jq -r .name) == "$1" ]] || continue
		/usr/sbin/bpftool -j map "$2" id "$id"
		return
	done
}

# rows TABLE: that are some program's. The last slot is the daemon's own, which measures what a hit costs and
# has a row by site, too, if the programs' maps left no room for one by map.
rows() {
	table "$1" dump | jq --argjson own $(($(table targets show | jq .max_entries) - 1)) '
		[.[].formatted.key | .slot // (.site / pow(2; 56) | floor) | select(. != $own)] | length'
}

@test "short-lived processes by the thousand, and programs that come and go, leave nothing" {
	local before i k programs
	configure
	daemon
	copy_of quiet >/dev/null
	before=$(held)
	[[ $before == *' rows 0 0 0' ]] || fail "$before"
	for i in {1..2000}; do
		/bin/true
	done
	for i in {1..3}; do
		programs=()
		for k in {1..5}; do
			start "$folder/quiet" -clients 1
			programs+=("$pid")
		done
		within 10 said "$pid" "is observed"
		within 10 eval '(($(rows maps) > 0 && $(rows go_sites) > 0))'
		kill -KILL "${programs[@]}"
		within 10 said "$pid" "has exited"
	done
	within 10 eval '[[ $(held) == "$before" ]]' || fail "$(held), and before: $before"
	stop_daemon
}

# All in one shell, so that the machine has only what they take.
@test "two hundred programs at once, in 100 MB, and all let go together" {
	local i kib
	configure
	copy_of quiet >/dev/null
	for i in {1..200}; do
		"$folder/quiet" -clients 1 -pause 1s >"$BATS_TEST_TMPDIR/many.$i" 2>&1 3>&- &
		pids+=("$!")
		pid=$!
	done
	for i in {1..200}; do
		within 20 grep -q ^ready "$BATS_TEST_TMPDIR/many.$i"
	done
	daemon
	within 60 eval '(($(grep -c ": is observed" "$messages") == 200))'
	within 20 eval '[[ $(metric gosonde_map_writes_total "$pid") -gt 0 ]]'
	sleep 3
	kib=$(awk '/^VmRSS/ { print $2 }' "/proc/$agent/status")
	((kib * 1024 < 100000000)) || fail "$kib KiB resident with 200 programs"
	stop_daemon
	for i in "${pids[0]}" "$pid"; do
		equal "changes" "$(text_changes "$i")" 0
	done
}

tick_time() {
	curl -s --max-time 5 "$(url metrics)" | sed -n 's/^gosonde_tick_time_seconds //p'
}

@test "the wall clock is set while it runs: times follow it" {
	local clock
	clock=$(other_clock)
	receive_syslog
	configure 'budget_pct: off'
	start "$(copy_of storm)"
	LD_PRELOAD=$clock daemon
	within 10 said "$pid" "is observed"
	within 10 eval 'ahead_by 0 "$(tick_time)"'
	echo 86400 >"$BATS_TEST_TMPDIR/ahead"
	within 10 eval 'ahead_by 86400 "$(tick_time)"'
	kill -USR1 "$pid"
	within 30 grep -q " rule=rehash-storm pid=$pid " "$logged"
	grep " rule=rehash-storm pid=$pid " "$logged" | grep -q "^<[0-9]*>$(date -d tomorrow '+%b %e ')" || fail "$(cat "$logged")"
	stop_daemon
}

@test "and so they do for who attaches" {
	local clock last='lines window | jq -rs ".[-1].time | sub(\"[.][0-9]+\"; \"\") | fromdate"'
	clock=$(other_clock)
	start "$(workload quiet)"
	LD_PRELOAD=$clock attach "$pid" --interval 200ms
	within 10 eval 'ahead_by 0 "$('"$last"')"'
	echo 86400 >"$BATS_TEST_TMPDIR/ahead"
	within 10 eval 'ahead_by 86400 "$('"$last"')"'
	finish_agent
}

# refused PID WHY: told once.
refused() {
	[[ $(grep -c "^gosonde: process $1 is not observed: " "$messages") == 1 ]] && grep -q "^gosonde: process $1 is not observed: $2" "$messages"
}

@test "who could not be observed is looked at again, and told of once" {
	local first second traced told=$messages
	start "$(copy_of quiet)"
	traced=$pid
	attach "$traced" --budget off
	tracer=$agent messages=$told
	start "$folder/quiet"
	first=$pid
	configure 'max_targets: 1'
	daemon
	within 10 refused "$traced" "another tracer observes process $traced: "
	within 10 said "$first" "is observed"
	start "$folder/quiet"
	second=$pid
	within 10 refused "$second" "max_targets: 1 are observed already"
	kill -INT "$tracer"
	within 10 ended "$tracer"
	within 40 eval '[[ $(grep -c "process $traced is not observed: max_targets" "$messages") == 1 ]]'
	kill -KILL "$first" "$second"
	within 40 said "$traced" "is observed"
	equal "messages" "$(grep -c 'is not observed' "$messages")" 3
	stop_daemon
	equal "changes" "$(text_changes "$traced")" 0
}
