#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2030,SC2031,SC2154 # bats runs each test in a subshell; helper.bash sets the rest
#
# What gc-pause-spike says of a long pause is what made it long.

load helper

group='' subtree=''

setup() {
	needs_root
}

teardown() {
	stop_all
	[[ -z $group ]] || within 10 rmdir "$group"
	[[ -z $subtree ]] || echo -cpu >"$subtree"
}

# mount_of TYPE WORD: where a hierarchy of that type is mounted whose options have the word, if one is given.
mount_of() {
	awk -v type="$1" -v word="$2" '{
		for (i = 7; $i != "-"; i++);
		if ($(i + 1) == type && $4 == "/" && (word == "" || ("," $NF ",") ~ "," word ",")) { print $5; exit }
	}' /proc/self/mountinfo
}

# quota_group: makes a control group that may use a fifth of a CPU; sets $group.
quota_group() {
	local v1 v2
	v1=$(mount_of cgroup cpu) v2=$(mount_of cgroup2 '')
	if [[ -n $v1 ]]; then
		group=$v1/gosonde-test.$$
		mkdir "$group"
		[[ -w $group/cpu.cfs_quota_us ]] || skip "this kernel has no CPU quotas"
		echo 20000 >"$group/cpu.cfs_quota_us"
		return
	fi
	if [[ -z $v2 ]] || ! grep -qw cpu "$v2/cgroup.controllers"; then
		skip "no cgroup hierarchy with the cpu controller is mounted"
	fi
	if ! grep -qw cpu "$v2/cgroup.subtree_control"; then
		echo +cpu >"$v2/cgroup.subtree_control" || skip "the cpu controller can't be enabled in $v2"
		subtree=$v2/cgroup.subtree_control
	fi
	group=$v2/gosonde-test.$$
	mkdir "$group"
	[[ -w $group/cpu.max ]] || skip "this kernel has no CPU quotas"
	echo '20000 100000' >"$group/cpu.max"
}

# verdict FILTER: of the spike's alert.
verdict() {
	lines alert | jq -r "select(.rule == \"gc-pause-spike\" and .state == \"firing\") | $1"
}

# rules LONGEST SECOND [OUTLIER]: a file of levels, or off; prints its path. The default's 3 ms for outliers
# is too low here: on a machine with others on it some pauses of some milliseconds have other reasons.
rules() {
	only_rule gc-pause-spike "raise: $1, levels: [{measure: second-longest, raise: $2},
    {measure: third-outlier, raise: ${3:-off}}]"
}

# busy: others take so much of the machine's CPUs that a verdict may rightly say so.
busy() {
	awk -v cpus="$(nproc)" '{ exit !($1 > cpus / 2) }' /proc/loadavg
}

# verdict_is WANTED
verdict_is() {
	local got
	got=$(verdict .evidence.verdict)
	[[ $got != "$1" ]] || return 0
	[[ $got != cpu-wait ]] || ! busy || skip "the machine is busy, and the pause for lack of CPU"
	fail "verdict $got, wanted $1:" "$(verdict .)"
}

# spike RULES: $pid begins, and the agent watches it until an alert fires.
spike() {
	attach "$pid" --budget off --rules "$1"
	kill -USR1 "$pid"
	within 25 has_alert firing gc-pause-spike
	finish_agent
	kill -KILL "$pid"
}

# looked_late: what was read goes over much more than the pause, be it that the agent had no CPU itself, or that
# it began before the target did.
looked_late() {
	verdict .evidence | jq -e '.cpu_lack == "possible" and .cpu_read_over_ns > 2 * .pause_ns' >/dev/null
}

# throttled TOOLCHAIN
throttled() {
	needs_go "$1"
	quota_group
	for _ in 1 2 3; do
		start "$(workload throttled "$(goroot "$1")")"
		echo "$pid" >"$group/cgroup.procs"
		spike "$(rules 50ms off)"
		looked_late || break
	done
	equal "rules that fired" "$(lines alert | jq -r .rule | sort -u)" gc-pause-spike
	verdict_is throttled
	equal "lack of CPU" "$(verdict .evidence.cpu_lack)" likely
	verdict .summary | grep -q 'its control group was throttled for .* around it' || fail "$(verdict .)"
	verdict .advice | grep -q 'raise the CPU limit' || fail "$(verdict .)"
	# The kernel's own count since the group was made has no less.
	(($(verdict .evidence.throttled_ns) <= $(group_throttled_ns))) ||
		fail "more than the kernel says, $(group_throttled_ns):" "$(verdict .)"
}

group_throttled_ns() {
	awk '$1 == "throttled_time" { print $2 } $1 == "throttled_usec" { print $2 "000" }' "$group/cpu.stat"
}

@test "throttled: a quota that ends within stops of the world (system Go)" { throttled system; }
@test "throttled: a quota that ends within stops of the world (newest Go)" { throttled newest; }

# last_cpu: one that we may run on.
last_cpu() {
	taskset -cp $$ | grep -o '[0-9]*$'
}

@test "waiting for a CPU: one CPU, and another program that wants it more" {
	local other
	needs_go newest
	for _ in 1 2 3; do
		start nice -n 10 taskset -c "$(last_cpu)" "$(workload throttled "$(goroot newest)")"
		taskset -c "$(last_cpu)" bash -c 'while ((SECONDS < 40)); do :; done' 3>&- &
		other=$!
		pids+=("$other")
		spike "$(rules 50ms 15ms)"
		kill -KILL "$other"
		looked_late || break
	done
	equal "rules that fired" "$(lines alert | jq -r .rule | sort -u)" gc-pause-spike
	verdict_is cpu-wait
	equal "lack of CPU" "$(verdict .evidence.cpu_lack)" likely
	verdict .summary | grep -q 'one of its threads waited .* around' || fail "$(verdict .)"
	verdict .advice | grep -q 'overcommitted' || fail "$(verdict .)"
}

@test "slow to stop: a goroutine without a preemption point" {
	needs_go newest # the parts of a stop are told from Go 1.23 on
	start "$(workload pressure "$(goroot newest)")"
	attach "$pid" --budget off
	kill -USR1 "$pid"
	within 20 has_alert firing gc-pause-spike
	finish_agent
	equal "rules that fired" "$(lines alert | jq -r .rule | sort -u)" gc-pause-spike
	verdict_is slow-to-stop
	verdict .summary | grep -q 'of it waited for a goroutine to stop' || fail "$(verdict .)"
	verdict .advice | grep -q 'preemption point' || fail "$(verdict .)"
	# Both were read, be it that they rule it out or not.
	verdict .evidence | jq -e '.runqueue_ns >= 0 and .cpu_read_over_ns >= .pause_ns and
		.stop_latency_ns > .stopped_ns and (.stop_latency_ns + .stopped_ns - .pause_ns | fabs) <= 1' ||
		fail "$(verdict .)"
}

# rehashed TOOLCHAIN
rehashed() {
	local figure='([0-9]+) of ([0-9]+) long pauses had a rehash' after longs seen
	needs_go "$1"
	start "$(workload rehashed "$(goroot "$1")")"
	attach "$pid" --budget off --rules "$(rules off off 30ms)"
	kill -USR1 "$pid"
	within 25 has_alert firing gc-pause-spike
	finish_agent
	equal "rules that fired" "$(lines alert | jq -r .rule | sort -u)" gc-pause-spike
	equal "map type" "$(verdict .evidence.rehash_map_type)" 'map[int]*main.Order'
	verdict .evidence.rehash_site | grep -q '^main\.(\*Index)\.Build main\.go:' || fail "$(verdict .)"
	[[ $(verdict .summary) =~ likely\ cause:\ a\ map\[int\]\*main\.Order\ .*\($figure ]] || fail "$(verdict .)"
	# Others of a millisecond and more may be long where others use the machine; the last cycle may be open.
	after=${BASH_REMATCH[1]} longs=${BASH_REMATCH[2]}
	seen=$(lines gc | jq -s '[.[].pauses[] | select(.stopping_ns + .stopped_ns >= 1e6)] | length + 1')
	((after >= 3 && after <= longs && longs <= seen)) || fail "of $seen pauses:" "$(verdict .summary)"
}

@test "rehash: long pauses that follow the growth of a map (system Go)" { rehashed system; }
@test "rehash: long pauses that follow the growth of a map (newest Go)" { rehashed newest; }
