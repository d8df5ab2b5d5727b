#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2016,SC2030,SC2031,SC2154 # eval expands; bats runs each test in a subshell; helper.bash and daemon.bash set the rest
#
# What fires while the configuration changes: whoever was told that it fires is told that it is over,
# and whoever is to be told now hears of it.

load helper
load daemon

setup() {
	needs_root
	daemon_setup
}

teardown() {
	stop_all
}

# busy KEY…: rules of which only map-write-rate fires, as long as the writer writes, with those keys too.
busy() {
	{
		echo rules:
		"$gosonde" check-config --show "$root/scripts/dist/rules.yaml" |
			awk 'NR > 1 && $1 ~ /^[a-z-]+$/ && $1 != "map-write-rate" && !seen[$1]++ { print "- {rule: " $1 ", enabled: false}" }'
		printf -- '- {rule: map-write-rate, for: 0s, cooldown: 1h%s}\n' "${*/#/, }"
	} >"$(dirname "$config")/rules.yaml"
}

# told FILE: what Alertmanager heard, in one line. An alert that fires is repeated.
told() {
	sed -n 's/^[0-9.]* POST [^ ]* //p' "$1" |
		jq -r '.[].labels * {over: (.[].endsAt != null)} | "\(.severity)\(.team // "")\(if .over then " over" else "" end)"' | uniq | paste -sd,
}

was_told() {
	[[ $(told "$1") == "$2" ]]
}

# hears FILE WHAT
hears() {
	within 15 was_told "$@" || fail "$(told "$1")"
}

@test "a rule that changes while it fires: what it told is over, and what still holds fires anew" {
	local to want=warning
	busy 'raise: 1000'
	receive_http 200
	configure 'rules: rules.yaml' 'budget_pct: off' "alertmanager: http://127.0.0.1:$port"
	start "$(copy_of writer)" -pace sleep -rate 20000
	daemon
	hears "$posted" "$want"
	for to in 'raise: 1000, labels: {team: A}:warningA' 'raise: 1000, labels: {team: B}:warningB' \
		'raise: 1000, severity: critical:critical' 'raise: 1000, dry_run: true:' 'raise: 1000:warning' \
		'raise: off:' 'raise: 1000:warning' 'enabled: false:'; do
		[[ $want == *over ]] || want+=",${want##*,} over"
		busy "${to%:*}"
		reload
		tail -n 1 "$messages" | grep -q 'was read again' || fail "$(tail -n 1 "$messages")"
		[[ -z ${to##*:} ]] || want+=,${to##*:}
		hears "$posted" "$want"
	done
	stop_daemon
	hears "$posted" "$want"
}

@test "dry_run: true while it fires: what was sent is over, nothing more is sent" {
	busy 'raise: 1000'
	receive_http 200
	configure 'rules: rules.yaml' 'budget_pct: off' "alertmanager: http://127.0.0.1:$port"
	start "$(copy_of writer)" -pace sleep -rate 20000
	daemon
	hears "$posted" warning
	configure 'rules: rules.yaml' 'budget_pct: off' "alertmanager: http://127.0.0.1:$port" 'dry_run: true'
	reload
	hears "$posted" "warning,warning over"
	within 10 eval '[[ $(sink_metric withheld alertmanager) == 1 ]]'
	kill -KILL "$pid"
	within 10 said "$pid" "has exited"
	within 10 eval '[[ $(sink_metric withheld alertmanager) == 2 ]]'
	hears "$posted" "warning,warning over"
	stop_daemon
}

@test "a receiver that changes while it fires: the old one hears that it is over, the new one that it fires" {
	local first
	busy 'raise: 1000'
	receive_http 200
	first=$posted
	configure 'rules: rules.yaml' 'budget_pct: off' "alertmanager: http://127.0.0.1:$port"
	start "$(copy_of writer)" -pace sleep -rate 20000
	daemon
	hears "$first" warning
	posted=$posted.second
	perl "$BATS_TEST_DIRNAME/http-receive" 200 >"$posted" 2>&1 3>&- &
	pids+=("$!")
	within 10 grep -q '^listening' "$posted"
	port=$(sed -n 's/^listening \([0-9]*\)$/\1/p' "$posted")
	configure 'rules: rules.yaml' 'budget_pct: off' "alertmanager: http://127.0.0.1:$port"
	reload
	hears "$first" "warning,warning over"
	hears "$posted" warning

	# One that is added; what is wrong changes nothing.
	configure 'rules: rules.yaml' 'budget_pct: off' "alertmanager: http://127.0.0.1:$port" && sed -i 's|^syslog:.*|syslog: udp:no-port|' "$config"
	reload
	tail -n 1 "$messages" | grep -q 'the configuration stays as it was' || fail "$(tail -n 3 "$messages")"
	equal "the second" "$(told "$posted")" warning
	receive_syslog
	configure 'rules: rules.yaml' 'budget_pct: off' "alertmanager: http://127.0.0.1:$port"
	reload
	within 10 grep -q " rule=map-write-rate pid=$pid state=firing " "$logged"
	hears "$posted" "warning,warning over,warning"
	grep -q 'its receiver was changed' "$posted" || fail "$(cat "$posted")"
	stop_daemon
	equal "the first" "$(told "$first")" "warning,warning over"
}
