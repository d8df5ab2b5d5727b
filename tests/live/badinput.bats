#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2030,SC2031,SC2154 # bats runs each test in a subshell; helper.bash sets the rest
#
# What cannot be traced gets a clear message and the right exit code, and nothing is left attached.

load helper

teardown() {
	stop_all
}

@test "usage errors exit 2" {
	local arguments
	while read -r -a arguments; do
		exits 2 "$gosonde" "${arguments[@]}"
		[[ -s $BATS_TEST_TMPDIR/stderr ]] || fail "nothing said about: ${arguments[*]}"
	done <<-'END'
		nosuchcommand
		attach
		attach notapid
		attach 0
		attach -5
		attach 99999999999999999999
		attach 1 2
		attach 1 --nosuchoption
		attach 1 --for soon
		attach 1 --for -3s
		attach 1 --interval 0
		attach 1 --output xml
		attach 1 --probes nosuchgroup
		attach 1 --budget lots
		attach 1 --budget -1
		attach 1 --syslog=nosuchscheme:x
		inspect
		list --nosuchoption
		doctor surplus
		check-config
		check-config --nosuchoption rules.yaml
	END
	exits 2 "$gosonde"
}

@test "no such process exits 3" {
	sleep 0 3>&- &
	local gone=$!
	wait "$gone"
	exits 3 "$gosonde" attach "$gone"
	says "$gone"
	says "no (such )?process|is gone|not exist"
}

@test "a process that is no Go program exits 1" {
	needs_root
	sleep 60 3>&- &
	pids+=("$!")
	exits 1 "$gosonde" attach "$!"
	says "not a Go|no Go"
	exits 1 "$gosonde" inspect "$!"
	says "not a Go|no Go"
}

@test "a kernel thread exits 1" {
	needs_root
	[[ $(cat /proc/2/comm) == kthreadd ]] || skip "no kernel thread is visible in this PID namespace"
	exits 1 "$gosonde" attach 2
	[[ -s $BATS_TEST_TMPDIR/stderr ]]
}

@test "another user's process exits 4 without privileges" {
	needs_root
	start "$(workload truth)"
	exits 4 "${nobody[@]}" "$(public "$gosonde")" attach "$pid"
	says "permi|privileg|CAP_|root"
	equal "changes" "$(text_changes "$pid")" 0
}

@test "files that are no Go binary exit 1" {
	local dir=$BATS_TEST_TMPDIR/files file
	mkdir "$dir"
	: >"$dir/empty"
	echo "#!/bin/sh" >"$dir/script"
	printf '\177ELF' >"$dir/magic-only"
	{ printf '\177ELF\2\1\1\0'; head -c 100000 /dev/urandom; } >"$dir/magic-and-noise"
	head -c 100000 /dev/zero >"$dir/zeros"
	cp "$(command -v sleep)" "$dir/c-program"
	mkdir "$dir/folder"
	mkfifo "$dir/pipe"
	for file in "$dir"/* "$dir/missing"; do
		exits 1 "$gosonde" inspect "$file"
		says "$(basename "$file")"
	done
}

@test "truncated Go binaries exit 1" {
	local whole size
	whole=$(workload truth)
	for size in 1 63 64 100 4096 65536 500000 1000000; do
		head -c "$size" "$whole" >"$BATS_TEST_TMPDIR/truncated"
		exits 1 "$gosonde" inspect "$BATS_TEST_TMPDIR/truncated"
		says truncated
	done
}

@test "a Go binary with noise in it is refused or read, never more" {
	local whole size round
	whole=$(workload truth)
	size=$(stat -c %s "$whole")
	for round in 1 2 3 4 5 6 7 8; do
		cp "$whole" "$BATS_TEST_TMPDIR/noisy"
		head -c $((size / 8)) /dev/urandom | dd of="$BATS_TEST_TMPDIR/noisy" bs=4K conv=notrunc \
			oflag=seek_bytes seek=$((size * (round - 1) / 8)) status=none
		exits 1 "$gosonde" inspect "$BATS_TEST_TMPDIR/noisy" ||
			exits 0 "$gosonde" inspect "$BATS_TEST_TMPDIR/noisy"
	done
}

# of_unknown_version: a copy of the workload that says it was built with a Go to come.
of_unknown_version() {
	local version
	version=$(go env GOVERSION)
	LC_ALL=C sed "s/${version//./\\.}/${version/.??./.99.}/g" "$(workload truth)" >"$BATS_TEST_TMPDIR/tomorrow"
	chmod +x "$BATS_TEST_TMPDIR/tomorrow"
}

@test "results that can't be written exit 1 and say so" {
	needs_root
	start "$(workload truth)"
	exits 1 sh -c "exec $gosonde attach $pid --budget off --output json --for 5s >/dev/full"
	says "can't write the results: No space left on device"
	equal "text changes left" "$(text_changes "$pid")" 0
}

@test "an unknown Go version is named, and nothing is guessed" {
	needs_root
	of_unknown_version
	start "$BATS_TEST_TMPDIR/tomorrow"
	exits 1 "$gosonde" attach "$pid" --for 1s
	says 'go ?1\.99'
	equal "changes" "$(text_changes "$pid")" 0
	alive "$pid"
}

@test "a target that exits in the middle of attaching exits 3 and leaves nothing" {
	needs_root
	local file round attached=0 gone=0
	file=$(workload truth)
	for round in {0..24}; do
		start "$file"
		attach_only "$pid" --budget off
		sleep "0.$(printf %03d $((round * 8)))"
		kill -KILL "$pid"
		await_agent 20
		if grep -q '^{"type":"attached"' "$json"; then
			equal "exit status of one that was attached" "$agent_status" 0
			attached=$((attached + 1))
		else
			equal "exit status of one that was not" "$agent_status" 3
			[[ -s $messages ]] || fail "nothing was said"
			gone=$((gone + 1))
		fi
	done
	echo "gone while attaching: $gone, later: $attached"
	((gone > 0)) || fail "no target was ever gone while the agent attached: nothing is shown"
	within 10 no_programs_left
}

no_programs_left() {
	! PATH=$PATH:/usr/sbin bpftool prog show 2>/dev/null | grep -q gosonde
}

@test "a kernel without BTF exits 4" {
	needs_root
	mkdir "$BATS_TEST_TMPDIR/nothing"
	start "$(workload truth)"
	unshare --mount mount --bind "$BATS_TEST_TMPDIR/nothing" /sys/kernel/btf ||
		skip "this machine does not let one hide /sys/kernel/btf"
	exits 4 unshare --mount bash -c 'mount --bind "$1" /sys/kernel/btf && exec "$2" attach "$3" --for 1s' \
		hide "$BATS_TEST_TMPDIR/nothing" "$gosonde" "$pid"
	says BTF
	equal "changes" "$(text_changes "$pid")" 0
}

@test "a target keeps its text when the agent refuses it" {
	needs_root
	start "$(workload truth)"
	exits 2 "$gosonde" attach "$pid" --output xml
	exits 1 "$gosonde" attach "$pid" --rules /nonexistent/rules.yaml
	says "/nonexistent/rules.yaml"
	printf 'rules: [{rule: nosuchrule}]\n' >"$BATS_TEST_TMPDIR/rules.yaml"
	exits 2 "$gosonde" attach "$pid" --rules "$BATS_TEST_TMPDIR/rules.yaml"
	says "nosuchrule"
	equal "changes" "$(text_changes "$pid")" 0
}
