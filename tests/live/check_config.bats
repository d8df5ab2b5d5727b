#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2030,SC2031,SC2154 # bats runs each test in a subshell; helper.bash sets the rest
#
# Files of rules: what is said of them, and that attach takes those that are for its target.

load helper

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
}

teardown() {
	stop_all
}

# stdout_is TEXT, stderr_is TEXT: of the last command run by exits, whole.
stdout_is() {
	equal "stdout" "$(cat stdout)" "$1"
}

stderr_is() {
	equal "stderr" "$(cat stderr)" "$1"
}

# row PATTERN: a line of the table, with single spaces.
row() {
	tr -s ' ' <stdout | grep -qxE -- "$1" || fail "no line $1:" "$(cat stdout)"
}

@test "the shipped file is right" {
	exits 0 "$gosonde" check-config "$root/scripts/dist/rules.yaml"
	grep -qE ': ok, [0-9]+ rules, 0 includes$' stdout
	stderr_is ""
}

@test "a right file, and those of its folder, are counted" {
	mkdir rules.d
	echo 'rules: [{rule: fault, severity: info}]' >rules.d/a.yaml
	printf 'include: rules.d\nrules: [{rule: fault}, {rule: fault, match: {exe: /x}}]\n' >rules.yaml
	exits 0 "$gosonde" check-config rules.yaml
	stdout_is "rules.yaml: ok, 3 rules, 1 include"
	stderr_is ""
}

@test "a wrong file exits 2 and names file, line, key and what was expected" {
	mkdir rules.d
	printf 'rules:\n- rule: fault\n  raise: "abc"\n' >value.yaml
	exits 2 "$gosonde" check-config value.yaml
	stdout_is ""
	stderr_is 'gosonde: value.yaml:3: rules[0].raise: "abc": expected a number above 0, or off'
	printf 'rules:\n- rule: fault\n  rise: 3\n' >rules.d/key.yaml
	echo 'include: rules.d' >main.yaml
	exits 2 "$gosonde" check-config main.yaml
	stderr_is 'gosonde: rules.d/key.yaml:3: rules[0].rise: unknown key; expected one of: rule, match, enabled, dry_run, severity, cooldown, raise, clear, for, levels, labels'
	printf 'rules: [{rule: "\\e[2Jx"}]\n' >evil.yaml
	exits 2 "$gosonde" check-config evil.yaml
	grep -qF '"\x1b[2Jx": expected one of: rehash-storm, ' stderr || fail "$(cat -v stderr)"
}

@test "a file that can't be read exits 1, and of several the first failure counts" {
	echo 'rules: []' >good.yaml
	echo 'rules: {}' >bad.yaml
	exits 1 "$gosonde" check-config none.yaml
	stderr_is "gosonde: none.yaml: No such file or directory"
	exits 1 "$gosonde" check-config .
	exits 1 "$gosonde" check-config good.yaml none.yaml bad.yaml
	stdout_is "good.yaml: ok, 0 rules, 0 includes"
	equal "messages" "$(wc -l <stderr)" 2
	exits 2 "$gosonde" check-config bad.yaml none.yaml
	exits 1 bash -c '"$1" check-config good.yaml >/dev/full' full "$gosonde"
	says "can't write the results: no space left"
}

@test "the daemon's configuration: the shipped file, and one with conf.d and rules" {
	exits 0 "$gosonde" check-config "$root/scripts/dist/gosonde.yaml"
	stdout_is "$root/scripts/dist/gosonde.yaml: ok, the daemon's, 0 files of conf.d, default rules"
	stderr_is ""
	mkdir conf.d
	printf 'interval: 2s\nrules: r.yaml\n' >gosonde.yaml
	printf '%s\n' 'watch: [{exe: "/srv/\e[2J*"}]' >conf.d/a.yaml
	echo 'rules: [{rule: fault, enabled: false}]' >r.yaml
	exits 0 "$gosonde" check-config gosonde.yaml conf.d/a.yaml
	stdout_is "gosonde.yaml: ok, the daemon's, 1 file of conf.d, 1 rule, 0 includes
conf.d/a.yaml: ok, the daemon's, 0 files of conf.d, default rules"
	exits 0 "$gosonde" check-config --show gosonde.yaml
	row 'interval: 2s'
	row ' - \{exe: "/srv/\\\\x1b\[2J\*"\}'
	row 'rules: "r.yaml"'
	row 'fault faults faults off - - .*'
}

@test "the daemon's configuration: what is wrong, in whichever of its files" {
	mkdir conf.d
	echo 'rules: r.yaml' >gosonde.yaml
	printf 'interval: 2s\nmax_targets: many\n' >conf.d/a.yaml
	exits 2 "$gosonde" check-config gosonde.yaml
	stdout_is ""
	stderr_is 'gosonde: conf.d/a.yaml:2: max_targets: "many": expected a number from 1 to 255'
	rm conf.d/a.yaml
	exits 1 "$gosonde" check-config gosonde.yaml
	stderr_is 'gosonde: rules: r.yaml: No such file or directory'
	echo 'rules: [{rule: fault, rise: 3}]' >r.yaml
	exits 2 "$gosonde" check-config gosonde.yaml
	grep -qF 'gosonde: r.yaml:1: rules[0].rise: unknown key; expected one of: ' stderr || fail "$(cat stderr)"
}

@test "--show: presets, matches and labels" {
	echo 'preset: strict' >strict.yaml
	exits 0 "$gosonde" check-config --show strict.yaml
	row 'gc-pause-spike longest ns 20\.0 ms 10\.0 ms 0 ns 5m00s warning no -'
	cat >rules.yaml <<-'END'
		rules:
		  - {rule: goroutine-growth, raise: 500, for: 1m, dry_run: true, levels: [{measure: live, raise: off}]}
		  - {rule: gc-pause-spike, match: {exe: /srv/*, container: ""}, raise: 20ms, labels: {team: shop}}
	END
	exits 0 "$gosonde" check-config --show rules.yaml
	row 'goroutine-growth slope goroutines/s 500 250 1m00s 5m00s warning yes -'
	row 'goroutine-growth live goroutines off - - 5m00s warning yes -'
	row 'gc-pause-spike longest ns 50\.0 ms 25\.0 ms 0 ns 5m00s warning no -'
	row 'gc-pause-spike longest ns 20\.0 ms 10\.0 ms 0 ns 5m00s warning no exe="/srv/\*" container="" labels: team="shop"'
}

# The storm raises rehash-storm by default, too: what differs is which entries are for it.
@test "attach takes the entries that match its target, their labels and dry_run" {
	local file
	needs_root
	mkdir rules.d
	file=$(workload storm)
	cat >rules.yaml <<-'END'
		include: rules.d
		rules:
		  - {rule: rehash-storm, labels: {team: nobody, tier: "1"}}
		  - {rule: rehash-storm, match: {exe: /nowhere/*}, enabled: false}
		  - {rule: rehash-storm, match: {container: "?*"}, enabled: false}
	END
	cat >rules.d/50-storm.yaml <<-END
		rules:
		  - rule: rehash-storm
		    match: {exe: $(dirname "$file")/st?rm, module: gosonde.test/*, container: ""}
		    severity: critical
		    labels: {team: 'cache "x"'}
	END
	start "$file"
	if grep -qE '[0-9a-f]{64}' "/proc/$pid/cgroup"; then
		skip "this machine is itself a container"
	fi
	attach "$pid" --budget off --rules rules.yaml
	kill -USR1 "$pid"
	within 20 has_alert firing rehash-storm
	finish_agent
	equal "severity" "$(lines alert | jq -r 'select(.rule == "rehash-storm") | .severity' | sort -u)" critical
	equal "labels" "$(lines alert | jq -c 'select(.rule == "rehash-storm") | .labels' | sort -u)" '{"team":"cache \"x\"","tier":"1"}'
	equal "dry_run" "$(lines alert | jq .dry_run | sort -u)" false
	grep -qF 'labels             team="cache \"x\""' "$messages" || fail "$(cat "$messages")"
}

@test "attach leaves out the rule that is off for this target, deleted since or not" {
	local copy=$BATS_TEST_TMPDIR/deleted needed
	needs_root
	cp "$(workload storm)" "$copy"
	start "$copy"
	rm "$copy"
	attach "$pid" --budget off --rules "$(only_rule rehash-storm)"
	kill -USR1 "$pid"
	within 20 has_alert firing rehash-storm
	finish_agent
	needed=$(lines window | wc -l)
	attach "$pid" --budget off --rules "$(only_rule rehash-storm "match: {exe: $copy}, enabled: false")"
	within $((20 + 4 * needed)) windows_storm $((2 * needed + 2))
	finish_agent
	equal "alerts" "$(lines alert)" ""
}

# windows_storm COUNT: in so many windows maps grew.
windows_storm() {
	lines window | jq -e -s --argjson n "$1" '[.[] | select(.map.moved_per_s > 0)] | length >= $n' >/dev/null
}

# What is dry is shown here and sent nowhere, be it by the file or by --dry-run.
@test "dry_run of a rule: marked, and not sent to syslog" {
	local received=$BATS_TEST_TMPDIR/received
	needs_root
	perl "$BATS_TEST_DIRNAME/syslog-receive" unix "$BATS_TEST_TMPDIR/log.sock" >"$received" 2>&1 3>&- &
	pids+=("$!")
	within 10 grep -q '^listening' "$received"
	start "$(workload storm)"
	attach "$pid" --budget off --rules "$(only_rule rehash-storm 'dry_run: true')" "--syslog=unix:$BATS_TEST_TMPDIR/log.sock"
	kill -USR1 "$pid"
	within 20 has_alert firing rehash-storm
	finish_agent
	equal "dry_run" "$(lines alert | jq .dry_run | sort -u)" true
	grep -q 'dry run .*sent nowhere' "$messages" || fail "$(cat "$messages")"
	equal "what syslog got" "$(grep -v '^listening' "$received")" ""
}

@test "labels go to the local syslog" {
	local received=$BATS_TEST_TMPDIR/received
	needs_root
	perl "$BATS_TEST_DIRNAME/syslog-receive" unix "$BATS_TEST_TMPDIR/log.sock" >"$received" 2>&1 3>&- &
	pids+=("$!")
	within 10 grep -q '^listening' "$received"
	start "$(workload storm)"
	attach "$pid" --budget off --rules "$(only_rule rehash-storm 'labels: {team: cache}')" "--syslog=unix:$BATS_TEST_TMPDIR/log.sock"
	kill -USR1 "$pid"
	within 20 grep -q ' label_team="cache" subject=' "$received"
	finish_agent
}
