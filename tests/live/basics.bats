#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2030,SC2031,SC2154 # bats runs each test in a subshell; helper.bash sets the rest
#
# list, inspect, doctor, version and help: valid JSON, exit codes, and figures that hold together.

load helper

teardown() {
	stop_all
}

@test "version says which it is" {
	exits 0 "$gosonde" version
	grep -qi gosonde "$BATS_TEST_TMPDIR/stdout"
}

@test "help names every command, and each command's has examples" {
	local command
	exits 0 "$gosonde" --help
	for command in list inspect attach daemon goroutines gctrace check-config doctor version; do
		grep -q "$command" "$BATS_TEST_TMPDIR/stdout" || fail "no $command in the help"
	done
	for command in list inspect attach daemon goroutines gctrace check-config doctor version; do
		exits 0 "$gosonde" "$command" --help
		grep -q "^  gosonde $command" "$BATS_TEST_TMPDIR/stdout" || fail "no example of $command"
	done
}

@test "list finds a Go process, its version and whether it is stripped" {
	start "$(workload truth "$(goroot system)" stripped)"
	exits 0 "$gosonde" list --json
	jq -e -s --argjson pid "$pid" --arg go "$(go env GOVERSION)" \
		'any(.[]; .pid == $pid and .go == $go and .stripped)' "$BATS_TEST_TMPDIR/stdout" >/dev/null ||
		fail "the workload $pid is not in the list:" "$(cat "$BATS_TEST_TMPDIR/stdout")"
	exits 0 "$gosonde" list
	grep -qw "$pid" "$BATS_TEST_TMPDIR/stdout"
}

@test "list leaves out what is no Go program" {
	sleep 60 3>&- &
	pids+=("$!")
	exits 0 "$gosonde" list --json
	jq -e -s --argjson pid "$!" 'all(.[]; .pid != $pid)' "$BATS_TEST_TMPDIR/stdout" >/dev/null
}

@test "list --json is one object a line" {
	exits 0 "$gosonde" list --json
	while read -r line; do
		jq -e 'type == "object"' <<<"$line" >/dev/null
	done <"$BATS_TEST_TMPDIR/stdout"
}

@test "inspect of a file and of a process agree" {
	local file
	file=$(workload truth)
	start "$file"
	exits 0 "$gosonde" inspect "$file" --json
	jq -s '[.. | objects | select(has("function") and has("offset")) | {function, offset, class}] | sort' \
		"$BATS_TEST_TMPDIR/stdout" >"$BATS_TEST_TMPDIR/of-file"
	(($(jq length "$BATS_TEST_TMPDIR/of-file") >= 15)) || fail "too few probes" "$(cat "$BATS_TEST_TMPDIR/stdout")"
	exits 0 "$gosonde" inspect "$pid" --json
	jq -s '[.. | objects | select(has("function") and has("offset")) | {function, offset, class}] | sort' \
		"$BATS_TEST_TMPDIR/stdout" | cmp - "$BATS_TEST_TMPDIR/of-file"
	equal "changes by inspect" "$(text_changes "$pid")" 0
}

@test "inspect says how each offset and variable is known, and stripping changes none" {
	exits 0 "$gosonde" inspect "$(workload truth)" --json
	jq -e '(.offsets[] | select(.field == "runtime.g.goid") | .how | length > 0) and
		([.variables[] | select(.how == "symbol") | .name] |
			contains(["runtime.work", "runtime.sched", "runtime.allglen"]))' "$BATS_TEST_TMPDIR/stdout"
	exits 0 "$gosonde" inspect "$(workload truth "$(goroot system)" stripped)" --json
	jq -e '[.variables[].how | select(test("^operand in runtime"))] | length >= 7' "$BATS_TEST_TMPDIR/stdout"
	equal "missing" "$(jq -c .missing "$BATS_TEST_TMPDIR/stdout")" "[]"
}

# The table does not hold it, so its struct offsets are derived from the code, and checked.
@test "a Go version without a table of offsets: exact counts, and nothing missing" {
	local file
	needs_root
	needs_go 1.19
	file=$BATS_TEST_TMPDIR/older
	LC_ALL=C sed 's/go1\.19\./go1.18./g' "$(workload truth "$(goroot 1.19)")" >"$file"
	chmod +x "$file"
	start "$file"
	exits 0 "$gosonde" list --json
	equal "caveat of the list" "$(jq -r --argjson pid "$pid" 'select(.pid == $pid).caveat' "$BATS_TEST_TMPDIR/stdout")" \
		"offsets are derived and checked at attach"
	attach "$pid" --budget off
	kill -USR1 "$pid"
	within 60 grep -q '^{"type":"truth"' "$out"
	finish_agent
	equal "Go version" "$(lines attached | jq -r '.go[:6]')" go1.18
	equal "missing" "$(lines attached | jq -c .missing)" "[]"
	equal "map.writes" "$(summary .map.writes)" "$(truth writes)"
	equal "map.deletes" "$(summary .map.deletes)" "$(truth deletes)"
	equal "goroutine.created" "$(summary .goroutine.created)" "$(truth created)"
	equal "gc.cycles" "$(summary .gc.cycles)" "$(truth num_gc)"
	equal "goroutine.live" "$(summary .goroutine.live)" "$(truth goroutines)"
	close_pauses "$(summary .gc.pause_ns.total)" "$(truth pause_ns)"
}

# What a hit costs is measured with a program in the kernel; without the right to load one it is not known.
@test "inspect without privileges shows all but the cost, and that as unknown" {
	local file inspect subject
	needs_root
	file=$(public "$(workload truth)")
	inspect=("${nobody[@]}" "$(public "$gosonde")" inspect)
	start "${nobody[@]}" "$file"
	for subject in "$file" "$pid"; do
		exits 0 "${inspect[@]}" "$subject" --json
		jq -e '(.probes | length >= 15 and all(.[]; .ns == null and has("ns"))) and (.missing | length == 0)' \
			"$BATS_TEST_TMPDIR/stdout" >/dev/null || fail "$subject:" "$(cat "$BATS_TEST_TMPDIR/stdout")"
		exits 0 "${inspect[@]}" "$subject"
		grep -qE ' runtime\.mapassign  .* emulated +-  ' "$BATS_TEST_TMPDIR/stdout" ||
			fail "$subject:" "$(cat "$BATS_TEST_TMPDIR/stdout")"
	done
	exits 0 "$gosonde" inspect "$file" --json
	jq -e '.probes | all(.[]; .ns > 0)' "$BATS_TEST_TMPDIR/stdout" >/dev/null
}

@test "inspect: no hot site is single-stepped" {
	local file variant
	needs_go newest
	for variant in plain stripped pie; do
		file=$(workload truth "$(goroot newest)" "$variant")
		exits 0 "$gosonde" inspect "$file" --json
		jq -s -e '[.. | objects | select(.function? // "" | test("^runtime\\.(mapassign|mapdelete|newproc1)"))] |
			length >= 9 and all(.[]; .class == "emulated" or .class == "optimised")' \
			"$BATS_TEST_TMPDIR/stdout" >/dev/null || fail "$variant:" "$(cat "$BATS_TEST_TMPDIR/stdout")"
	done
}

@test "a binary that was deleted while it runs is attached to" {
	needs_root
	local copy=$BATS_TEST_TMPDIR/deleted
	cp "$(workload truth)" "$copy"
	start "$copy"
	rm "$copy"
	attach "$pid" --budget off
	kill -USR1 "$pid"
	within 60 grep -q '^{"type":"truth"' "$out"
	finish_agent
	equal "map.writes" "$(summary .map.writes)" "$(truth writes)"
}

@test "a target in a mount and PID namespace of its own is attached to" {
	needs_root
	local outer
	unshare --mount --pid --fork --mount-proc true ||
		skip "this machine gives no mount and PID namespace (a chroot?)"
	outer=$BATS_TEST_TMPDIR/namespaced.out
	: >"$outer"
	unshare --mount --pid --fork --mount-proc "$(workload truth)" >"$outer" 2>&1 3>&- &
	pids+=("$!")
	within 20 grep -q '^ready ' "$outer"
	pid=$(cat "/proc/$!/task/$!/children" | tr -d ' ')
	pids+=("$pid")
	out=$outer
	attach "$pid" --budget off
	equal "PID as seen from here" "$(lines attached | jq .pid)" "$pid"
	kill -USR1 "$pid"
	within 60 grep -q '^{"type":"truth"' "$out"
	finish_agent
	equal "map.writes" "$(summary .map.writes)" "$(truth writes)"
	equal "goroutine.created" "$(summary .goroutine.created)" "$(truth created)"
}

@test "a target that executes itself anew ends the observation, and carries no probe" {
	needs_root
	start "$(workload reexec)"
	attach "$pid" --budget off
	kill -USR1 "$pid"
	await_agent 10
	equal "exit status" "$agent_status" 0
	grep -q "process $pid has executed a program" "$messages" || fail "$(cat "$messages")"
	equal "one summary" "$(lines summary | wc -l)" 1
	equal "text changes" "$(text_changes "$pid")" 0
	alive "$pid"
}

@test "an executable that is written over after its process was killed does not end the agent" {
	needs_root
	local i copy=$BATS_TEST_TMPDIR/app storm
	storm=$(workload storm)
	for i in 1 2 3; do
		cp "$storm" "$copy"
		start "$copy"
		attach "$pid" --budget off
		kill -USR1 "$pid"
		within 20 has_alert firing rehash-storm
		kill -KILL "$pid"
		wait "$pid" || true
		rewrite "$copy" "$(type -P true)"
		await_agent 20
		equal "exit status" "$agent_status" 0
		equal "one summary" "$(lines summary | wc -l)" 1
	done
}

@test "nor one that is written over after its process executed another program" {
	needs_root
	local i copy=$BATS_TEST_TMPDIR/app reexec
	reexec=$(workload reexec)
	for i in 1 2 3; do
		cp "$reexec" "$copy"
		start "$copy" -into "$reexec"
		attach "$pid" --budget off
		kill -USR1 "$pid"
		rewrite "$copy" "$(type -P true)"
		await_agent 20
		equal "exit status" "$agent_status" 0
		equal "one summary" "$(lines summary | wc -l)" 1
	done
}

# What README names as enough: no user 0, no other capability.
@test "CAP_BPF, CAP_PERFMON and CAP_SYS_PTRACE are enough to attach" {
	needs_root
	local caps=-all,+bpf,+perfmon,+sys_ptrace
	"$gosonde" doctor | grep -q '^ok .*uprobe_multi' || skip "without uprobe_multi it takes CAP_SYS_ADMIN"
	start "$(workload truth)"
	gosonde=$(public "$gosonde")
	agent_prefix=("${nobody[@]}" "--inh-caps=$caps" "--ambient-caps=$caps" "--bounding-set=$caps")
	attach "$pid" --budget off
	kill -USR1 "$pid"
	within 60 grep -q '^{"type":"truth"' "$out"
	finish_agent
	equal "exit status" "$agent_status" 0
	equal "map.writes" "$(summary .map.writes)" "$(truth writes)"
	equal "gc.cycles" "$(summary .gc.cycles)" "$(truth num_gc)"
	equal "missing" "$(lines attached | jq -c .missing)" "[]"
}

@test "doctor tells what this machine allows" {
	needs_root
	exits 0 "$gosonde" doctor
	grep -qi btf "$BATS_TEST_TMPDIR/stdout"
	grep -qi multi "$BATS_TEST_TMPDIR/stdout"
}
