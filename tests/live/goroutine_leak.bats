#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2030,SC2031,SC2154 # bats runs each test in a subshell; helper.bash sets the rest
#
# goroutine-leak: a slow leak raises it and nothing else, healthy servers raise nothing. What stays must be
# seen to be older than half a minute, so all of them are watched side by side, once, for a minute.

load helper

# What each test looks at: its program, the agent that is beside it, and their output.
setup_file() {
	((EUID == 0)) || return 0
	BATS_TEST_TMPDIR=$BATS_FILE_TMPDIR
	cat >"$BATS_FILE_TMPDIR/rules.yaml" <<-'END'
		# The default takes five minutes.
		rules:
		  - {rule: goroutine-leak, raise: 20, clear: 10, for: 5s}
	END
	start "$(workload leak)" -rate 5
	watch_it leak
	kill -USR1 "$pid"
	start "$(workload pool)"
	watch_it pool
	if serve_files "$BATS_FILE_TMPDIR"; then
		# A machine that is busy with something else makes its collections wait, which is told and true.
		echo '  - {rule: gc-pause-spike, enabled: false}' >>"$BATS_FILE_TMPDIR/rules.yaml"
		watch_it caddy
	fi
}

# watch_it NAME: attaches to $pid; what belongs to it is kept for the tests.
watch_it() {
	attach "$pid" --rules "$BATS_FILE_TMPDIR/rules.yaml"
	printf '%s=%q\n' pid "$pid" out "$out" agent "$agent" json "$json" messages "$messages" \
		>"$BATS_FILE_TMPDIR/$1.vars"
	echo "$pid $agent" >>"$BATS_FILE_TMPDIR/started"
}

# serve_files DIR: Caddy with a site of one file, and somebody who asks for it, over connections that
# stay and over new ones.
serve_files() {
	local port=$((20000 + RANDOM % 10000))
	command -v caddy >/dev/null && command -v curl >/dev/null || return 1
	mkdir -p "$1/site" "$1/home"
	echo hello >"$1/site/hello"
	HOME=$1/home XDG_CONFIG_HOME=$1/home XDG_DATA_HOME=$1/home caddy file-server --root "$1/site" \
		--listen "127.0.0.1:$port" >"$1/caddy.out" 2>&1 3>&- &
	pid=$!
	out=$1/caddy.out
	within 20 curl -sf -o /dev/null "http://127.0.0.1:$port/hello" || return 1
	ask "http://127.0.0.1:$port/hello" "$1/asked" 3>&- &
	echo $! >>"$1/started"
}

# ask URL FILE: some hundred requests a second, until it is ended.
ask() {
	local urls=() n
	for n in {1..50}; do
		urls+=(-o /dev/null "$1?$n")
	done
	while curl -sf -w '%{http_code}\n' "${urls[@]}" >>"$2"; do
		sleep 0.1
	done
}

# of NAME: what setup_file kept of it.
of() {
	needs_root
	[[ -e $BATS_FILE_TMPDIR/$1.vars ]] || skip "$1 is not there"
	# shellcheck source=/dev/null
	source "$BATS_FILE_TMPDIR/$1.vars"
}

# Long enough for the leak to be told, and so for anything else: half a minute until something can
# have stayed, five censuses, and the rule's duration.
watched_enough() {
	(($(lines window | wc -l) >= 65))
}

# finish NAME: ends its agent. It is no child of a test's, so it has no exit status here.
finish() {
	kill -INT "$agent"
	within 20 ended "$agent"
	lines summary | jq -e 'type == "object"' >/dev/null || fail "no summary:" "$(tail -n 5 "$messages")"
	equal "censuses that failed" "$(summary '.census_failure // "none"')" none
}

teardown_file() {
	local p
	[[ -e $BATS_FILE_TMPDIR/started ]] || return 0
	for p in $(<"$BATS_FILE_TMPDIR/started"); do
		kill -KILL "$p" 2>/dev/null || true
	done
}

@test "goroutine-leak: five a second that nobody answers, with function, line and what they wait for" {
	of leak
	within 90 has_alert firing goroutine-leak
	kill -USR2 "$pid" # lets them go
	within 20 has_alert resolved goroutine-leak
	finish
	equal "rules that fired" "$(lines alert | jq -r .rule | sort -u)" goroutine-leak
	lines alert | jq -e -s '.[0] | .state == "firing" and .severity == "warning" and .value >= 20 and
		(.subject | test("^main\\.\\(\\*Server\\)\\.handle main\\.go:22$")) and
		(.advice | test("ctx\\.Done")) and
		(.evidence | (.site | test("main\\.\\(\\*Server\\)\\.handle main\\.go:22")) and
			(.start_function | test("main\\.\\(\\*Server\\)\\.(handle|wait)")) and
			.waits_for == ["select 100 %"] and .older_than_s == 30 and
			.growth_per_s > 3 and .growth_per_s < 7 and
			.oldest_age_s > 30 and .mean_age_s > 15 and (.clusters | length) == 1)' >/dev/null ||
		fail "the evidence:" "$(lines alert)"
}

@test "goroutine-leak: a busy pool beside short-lived goroutines and steady connections is none" {
	of pool
	within 90 watched_enough
	finish
	equal "alerts" "$(lines alert)" ""
	# It was indeed busy, and seen.
	(($(summary .goroutine.created) > 3000)) || fail "created: $(summary .goroutine.created)"
	kill -TERM "$pid"
	within 10 grep -q '"truth"' "$out"
	(($(truth jobs) > 20000)) || fail "jobs: $(truth jobs)"
}

@test "goroutine-leak: caddy under a little load has none, and the census costs the agent next to nothing" {
	of caddy
	within 90 watched_enough
	finish
	equal "alerts" "$(lines alert)" ""
	(($(grep -c '^200$' "$BATS_FILE_TMPDIR/asked") > 5000)) || fail "asked: $(wc -l <"$BATS_FILE_TMPDIR/asked")"
	# Not of the census alone; a bound that only a census gone wild would pass.
	summary .agent.cpu_pct | awk '{ exit !($1 < 5) }' || fail "agent: $(summary .agent.cpu_pct) % of a CPU"
}
