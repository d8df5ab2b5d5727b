#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2016,SC2030,SC2031,SC2034,SC2154 # eval expands; bats runs each test in a subshell; helper.bash sets the rest
#
# Container, pod and class of a program in control groups that are named as the kubelet names them:
# in the list, the metrics, every sink's alert, and what rules and the configuration match.

load helper
load daemon

readonly uid=0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0
readonly id=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef

setup() {
	needs_root
	daemon_setup
	groups=''
}

teardown() {
	stop_all
	leave
}

# hierarchy TYPE: where control groups can be made, of that version (cgroup, cgroup2) if there is a
# choice. cpuset takes no process as long as nobody gives it CPUs.
hierarchy() {
	{
		findmnt -rn -t "$1" -o TARGET
		findmnt -rn -t cgroup,cgroup2 -o TARGET
	} | grep -v cpuset | while read -r mount; do
		mkdir "$mount/gosonde-test-$$" 2>/dev/null || continue
		echo "$mount/gosonde-test-$$"
		break
	done
}

# enter PATH [TYPE]: makes that group, and sets $group to it, for programs to be put into.
enter() {
	local part
	groups=$(hierarchy "${2:-cgroup2}")
	[[ -n $groups ]] || skip "no control group can be made here"
	group=$groups
	for part in ${1//\// }; do
		group+=/$part
		mkdir "$group" || skip "no control group can be made below $groups"
	done
}

leave() {
	[[ -z ${groups:-} ]] || within 10 eval 'find "$groups" -depth -type d -exec rmdir {} + 2>/dev/null'
}

# start_there FILE ARGUMENT…: as start, the program is in the group from its first instruction on.
start_there() {
	printf '#!/bin/sh\necho $$ >%s/cgroup.procs && exec "$@"\n' "$group" >"$BATS_TEST_TMPDIR/there"
	chmod 755 "$BATS_TEST_TMPDIR/there"
	start "$BATS_TEST_TMPDIR/there" "$@"
}

burstable="kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod${uid//-/_}.slice/cri-containerd-$id.scope"

@test "the list, the metrics and what is watched know container, pod and class" {
	local watched outside
	enter "$burstable"
	start "$(copy_of quiet)"
	outside=$pid
	start_there "$(copy_of quiet)"
	equal "list" "$("$gosonde" list --json | jq -r "select(.pid == $pid) | \"\(.container) \(.engine) \(.kubernetes) \(.pod_uid) \(.qos)\"")" \
		"$id containerd true $uid Burstable"
	[[ $("$gosonde" list | grep "^ *$pid ") == *" ${id::12} containerd k8s Burstable "* ]] || fail "$("$gosonde" list)"
	configure "ignore: [{pod: \"\"}, {qos: BestEffort}]"
	daemon
	within 10 said "$pid" "is observed"
	within 10 eval '[[ -n $(metric gosonde_target_info "$pid") ]]'
	equal "labels" "$(curl -s "$(url metrics)" | sed -n "s/^gosonde_target_info{pid=\"$pid\".*,\(container=.*\)} 1\$/\1/p")" \
		"container=\"$id\",pod_uid=\"$uid\",qos=\"Burstable\""
	equal "series with the pod" "$(curl -s "$(url metrics)" | grep -c "$uid")" 1
	! said "$outside" "is observed" || fail "what is in no pod is observed"
	configure "watch: [{exe: \"$folder/*\", qos: Guaranteed}]"
	kill -HUP "$agent"
	within 10 said "$pid" "is not wanted any more"
	stop_daemon
}

@test "an alert says where it comes from, in every form" {
	enter "kubepods/besteffort/pod$uid/$id"
	receive_syslog
	receive_http 200
	configure 'budget_pct: off' "rules: rules.yaml" "alertmanager: http://127.0.0.1:$port"
	printf 'rules:\n- {rule: rehash-storm, severity: info}\n- {rule: rehash-storm, match: {pod: "%s*", qos: BestEffort}, severity: critical}\n' \
		"${uid::8}" >"$(dirname "$config")/rules.yaml"
	start_there "$(copy_of storm)"
	daemon
	within 10 said "$pid" "is observed"
	kill -USR1 "$pid"
	within 30 grep -q ' rule=rehash-storm ' "$logged"
	[[ $(grep -m 1 ' rule=rehash-storm ' "$logged") == *" severity=critical "*" container=\"$id\" pod_uid=\"$uid\" qos=\"BestEffort\" subject="* ]] ||
		fail "$(cat "$logged")"
	within 10 grep -q GosondeRehashStorm "$posted"
	equal "labels" "$(sed -n 's/^.* POST [^ ]* \[/[/p' "$posted" | head -n 1 |
		jq -r '.[0].labels | "\(.container) \(.pod_uid) \(.qos)"')" "$id $uid BestEffort"
	stop_daemon
}

@test "attach says it, too" {
	enter "kubepods/pod$uid/$id" cgroup
	start_there "$(workload storm)"
	attach "$pid" --budget off
	kill -USR1 "$pid"
	within 20 has_alert firing rehash-storm
	finish_agent
	equal "JSON" "$(lines alert | jq -r -s '.[0] | "\(.container) \(.pod_uid) \(.qos)"')" "$id $uid Guaranteed"
	grep -q "^  pod  *$uid\$" "$messages" || fail "$(cat "$messages")"
}
