#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2030,SC2031,SC2154 # bats runs each test in a subshell; helper.bash sets the rest
#
# A real journald, of our own, has the alert and its fields. It runs in a mount namespace where
# /run is another, so that this machine's journal, if it has one, is out of its sight.

load helper

setup() {
	needs_root
	journald=/lib/systemd/systemd-journald
	dir=$BATS_TEST_TMPDIR/journal
	socket=$dir/run/socket
}

teardown() {
	stop_all
}

# run_journald: again in the same place after it was stopped.
run_journald() {
	[[ -x $journald ]] || skip "systemd-journald is not installed"
	command -v journalctl >/dev/null || skip "journalctl is not installed"
	mkdir -p "$dir/run" "$dir/log"
	rm -f "$dir/run"/*
	[[ -s $dir/machine-id ]] || echo 0123456789abcdef0123456789abcdef >"$dir/machine-id"
	[[ -e /etc/machine-id ]] || skip "no /etc/machine-id to lay another one over"
	# shellcheck disable=SC2016 # for the inner shell
	unshare --mount --propagation private sh -c '
		mount --bind "$1/machine-id" /etc/machine-id &&
			mount -t tmpfs none /run &&
			mkdir -p /run/systemd/journal /run/log &&
			mount --bind "$1/run" /run/systemd/journal &&
			mount --bind "$1/log" /run/log &&
			exec "$2"' sh "$dir" "$journald" >"$dir/messages" 2>&1 3>&- &
	daemon=$!
	pids+=("$daemon")
	within 20 test -S "$socket"
}

# entries MATCH…: of the journal, as JSON.
entries() {
	journalctl --quiet --no-pager -o json -D "$dir/log/journal" SYSLOG_IDENTIFIER=gosonde "$@" 2>/dev/null
}

has_entry() {
	[[ -n $(entries "$@") ]]
}

# storm: a storm whose alert goes there.
storm() {
	start "$(workload storm)"
	attach "$pid" --budget off --rules "$(only_rule rehash-storm)" "--journald=$socket"
	kill -USR1 "$pid"
	within 20 has_alert firing rehash-storm
}

@test "a real journald has the alert, field by field, and that it is over" {
	local entry
	run_journald
	storm
	within 10 has_entry GOSONDE_RULE=rehash-storm
	kill -USR2 "$pid"
	within 40 has_alert resolved rehash-storm
	within 10 has_entry GOSONDE_STATE=resolved
	finish_agent
	entry=$(entries GOSONDE_STATE=firing | head -n 1)
	field() { jq -r "$1" <<<"$entry"; }
	equal "severity and priority" "$(field '"\(.GOSONDE_SEVERITY) \(.PRIORITY) \(.SYSLOG_FACILITY)"')" "warning 4 3"
	equal "PID of the target" "$(field .GOSONDE_PID)" "$pid"
	equal "PID of the agent, which the kernel vouches for" "$(field ._PID)" "$agent"
	equal "exe" "$(field .GOSONDE_EXE)" "$(readlink "/proc/$pid/exe")"
	[[ $(field .MESSAGE_ID) =~ ^7a1c40d92f6e4b58[0-9a-f]{16}$ ]] || fail "MESSAGE_ID: $(field .MESSAGE_ID)"
	[[ $(field .MESSAGE) == *main.* ]] || fail "MESSAGE: $(field .MESSAGE)"
	[[ $(field .GOSONDE_ADVICE) == *'make(map'* ]] || fail "advice: $(field .GOSONDE_ADVICE)"
	equal "summary" "$(field .MESSAGE)" "$(lines alert | jq -r -s 'map(select(.state == "firing"))[0].summary')"
	# A stack is a field that is there once for each frame.
	equal "stack" "$(field '.GOSONDE_EVIDENCE_STACK | if type == "array" then .[] else . end')" \
		"$(lines alert | jq -r -s 'map(select(.state == "firing"))[0].evidence.stack[]')"
	equal "same MESSAGE_ID when it is over" "$(entries GOSONDE_STATE=resolved | jq -r .MESSAGE_ID | sort -u)" \
		"$(field .MESSAGE_ID)"
}

@test "a journald that is restarted misses nothing" {
	run_journald
	start "$(workload storm)"
	attach "$pid" --budget off --rules "$(only_rule rehash-storm)" "--journald=$socket"
	kill -KILL "$daemon"
	wait "$daemon" || true
	kill -USR1 "$pid"
	within 20 has_alert firing rehash-storm
	run_journald
	within 10 has_entry GOSONDE_STATE=firing
	finish_agent
	! grep -q 'did not reach' "$messages" || fail "told a loss:" "$(cat "$messages")"
}

@test "a machine without journald: the loss is told" {
	mkdir -p "$dir/run"
	storm
	finish_agent
	equal "exit status" "$agent_status" 0
	grep -q 'did not reach journald: [1-9][0-9]* (No such file' "$messages" || fail "not told:" "$(cat "$messages")"
}
