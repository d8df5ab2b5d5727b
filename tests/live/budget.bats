#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2030,SC2031,SC2154 # bats runs each test in a subshell; helper.bash sets the rest
#
# The budget: what fits stays exact, what does not is sampled and says so, and nothing is left behind
# whenever the agent ends. Costs here are hits times the measured cost of one, no timings.

load helper

setup() {
	needs_root
}

teardown() {
	stop_all
}

# writer ARGUMENT…: the workload with a known write rate.
writer() {
	start "$(workload writer)" "$@"
}

# sampled_windows LEAST: so many windows say that their writes are sampled, or but a lower bound.
sampled_windows() {
	local n
	n=$(lines window | jq -s 'map(select(.map.accuracy != "exact")) | length')
	((n >= $1))
}

# true_writes_per_s FROM TO: the writer's own count between two Unix times, ns.
true_writes_per_s() {
	awk -v from="$1" -v to="$2" '$1 ~ /^[0-9]+$/ && $1 >= from && $1 <= to {
		if (!t) { t = $1; n = $2 }
		last_t = $1; last_n = $2
	} END { printf "%.0f\n", (last_n - n) / ((last_t - t) / 1e9) }' "$out"
}

# unix_ns TIME: of a line's "time".
unix_ns() {
	date -d "$1" +%s%N
}

# median_error SKIP: of the windows' write rates, without the first ones, in standard errors as each
# window states its own, a twentieth of the rate at least.
median_error() {
	local time seconds rate stated end true
	lines window | tail -n +$(($1 + 1)) |
		jq -r 'select(.seconds > 0.5) | "\(.time) \(.seconds) \(.map.writes_per_s) \(.map.writes_error_per_s)"' |
		while read -r time seconds rate stated; do
			end=$(unix_ns "$time")
			true=$(true_writes_per_s "$(jq -n "$end - $seconds * 1e9 | floor")" "$end")
			jq -n "(($rate - $true) | fabs) / ([$stated, $true / 20] | max)"
		done | sort -g | awk '{ v[NR] = $1 } END { printf "%.1f\n", v[int((NR + 1) / 2)] }'
}

# within_budget PCT SECONDS: of the whole, but for what a first window and its removal may cost more.
within_budget() {
	local cost
	cost=$(summary .cost.target_cpu_pct)
	jq -e -n --argjson cost "$cost" --argjson pct "$1" --argjson s "$2" \
		'$cost <= $pct + 4 / $s' >/dev/null || fail "the probes cost $cost %, the budget is $1 %"
}

# hit_costs: sets $hit_ns, what a hit costs on this machine at this moment.
hit_costs() {
	local BATS_TEST_TMPDIR=$BATS_TEST_TMPDIR/hit_costs pids=() pid out agent json messages
	mkdir -p "$BATS_TEST_TMPDIR"
	writer -rate 1000 -pace sleep
	attach "$pid" --for 1s
	await_agent 20
	hit_ns=$(lines attached | jq '.cost_ns.emulated | ceil')
	stop_all
}

# steadily COMMAND…: runs it, which goes by $hit_ns, and again if hits cost something else afterwards: what
# fits the budget at the machine's one speed doesn't at another.
steadily() {
	local hit_ns before_ns
	for _ in 1 2 3; do
		stop_all
		hit_costs
		before_ns=$hit_ns
		"$@"
		hit_costs
		((4 * hit_ns > 5 * before_ns || 4 * before_ns > 5 * hit_ns)) || return 0
	done
}

# A pause of ten milliseconds where a hit takes 0.6 us: half of the budget.
run_what_fits() {
	start "$(workload quiet)" -clients 1 -pause $((hit_ns * 10 / 6))0us
	attach "$pid" --for 3s
	await_agent 20
}

@test "a program that fits the budget is counted exactly" {
	steadily run_what_fits
	equal "map.accuracy" "$(summary .map.accuracy)" exact
	equal "goroutine.accuracy" "$(summary .goroutine.accuracy)" exact
	lines window | jq -e -s 'all(.[] | select(.seconds > 0.5); .map.accuracy == "exact" and .map.writes_error_per_s == 0 and
		.cost.duty["map-write"] == 1 and .cost.target_cpu_pct < 1)' >/dev/null ||
		fail "$(lines window)"
	within_budget 1 3
}

@test "a loop that only writes is sampled within the budget, and left at once" {
	writer -pace free
	attach "$pid" --for 6s
	await_agent 30
	equal "exit status" "$agent_status" 0
	sampled_windows 5 || fail "$(lines window)"
	within_budget 1 6
	# Nobody can tell a loop's rate from inside a probe that costs a hundred times its body.
	equal "map.accuracy" "$(summary .map.accuracy)" lower-bound
	jq -e -n --argjson s "$(lines summary)" '$s.cost.duty["map-write"] < 0.1 and
		$s.observed_s["map-write"] < 0.6 and $s.cost.hits < $s.map.writes' >/dev/null ||
		fail "$(lines summary)"
	equal "rare groups stand" "$(summary '.cost.duty.gc')" 1
	equal "the cheap group stands" "$(summary .goroutine.accuracy)" exact
	equal "text changes left" "$(text_changes "$pid")" 0
	alive "$pid"
	lost_nothing
}

# run_rate RATE PACE
run_rate() {
	writer -rate "$1" -pace "$2"
	attach "$pid" --for 12s
	await_agent 40
}

# run_share PERMILLE: as many writes a second as take so much of a CPU by their hits.
run_share() {
	run_rate $(($1 * 1000000 / hit_ns)) sleep
}

rate_is_sampled() {
	local error
	sampled_windows 8 || fail "$(lines window)"
	within_budget 1 12
	equal "map.accuracy" "$(summary .map.accuracy)" sampled
	error=$(median_error 3)
	jq -e -n "$error < 2.5" >/dev/null || fail "median error: $error standard errors" "$(lines window)"
	# The last is of the milliseconds that are left, and may have no write.
	lines window | jq -e -s 'all(.[] | select(.map.accuracy == "sampled" and .seconds > 0.5); .map.writes_error_per_s > 0)' \
		>/dev/null || fail "a sampled rate without an error" "$(lines window)"
	# The one call site has them all.
	lines summary | jq -e '.map_sites[0] as $s | ($s.site | startswith("main.(*table).put")) and
		$s.count > 0.98 * .map.writes and $s.count < 1.02 * .map.writes' >/dev/null ||
		fail "$(lines summary)"
}

@test "300 000 writes a second that make up for the probes are estimated" {
	run_rate 300000 spin
	rate_is_sampled
}

@test "300 000 writes a second that the probes slow are estimated" {
	run_rate 300000 free
	rate_is_sampled
}

# 25 000 a second where a hit takes 0.6 us.
@test "writes whose hits take 1.5 % of a CPU are a little too much" {
	steadily run_share 15
	rate_is_sampled
	jq -e -n --argjson s "$(lines summary)" '$s.cost.duty["map-write"] > 0.05' >/dev/null ||
		fail "$(lines summary)"
}

# A million where a hit takes 0.6 us. Had they to take more than a CPU, bursts would run into each
# other in windows, and the figure be but a lower bound.
@test "writes made each millisecond, whose hits take 60 % of a CPU, are estimated" {
	steadily run_share 600
	rate_is_sampled
}

# A window sees a few thousand of a hundred thousand, or nothing.
@test "bursts that are longer than a window are not passed off as what a window saw" {
	local stated true
	writer -rate 1000000 -pace sleep -tick 100ms
	attach "$pid" --for 10s
	await_agent 30
	within_budget 1 10
	stated=$(lines summary | jq '.map | .writes_per_s + 3 * .writes_error_per_s')
	true=$(true_writes_per_s 0 9999999999999999999)
	jq -e -n --arg accuracy "$(summary .map.accuracy)" "\$accuracy == \"lower-bound\" or $stated >= $true" >/dev/null ||
		fail "$true writes/s" "$(lines summary)"
}

# Seven hundred writes each millisecond look like a clock while they last, which is not long.
@test "a series of bursts is not taken for what always goes on" {
	local ratio
	writer -rate 700000 -pace sleep -bursts 5ms
	attach "$pid" --for 12s
	await_agent 40
	within_budget 1 12
	ratio=$(jq -n "$(summary .map.writes_per_s) / $(true_writes_per_s 0 9999999999999999999)")
	jq -e -n "$ratio > 0.6 and $ratio < 1.5" >/dev/null || fail "$ratio of the true rate" "$(lines summary)"
}

@test "idle, then hot: the breaker takes the probes out, and calm brings them back" {
	local seen
	writer -pace free -bursts 3s
	# Hot for three seconds, calm for nine, hot from the twelfth on, calm from the fifteenth.
	attach "$pid" --for 21s
	await_agent 40
	within_budget 1 21
	seen=$(lines window | jq -r '.map.accuracy == "exact"' | uniq | tr '\n' ' ')
	[[ $seen =~ true\ false\ true\ $ ]] ||
		fail "exact: $seen" "$(lines window | jq -c '[.map.accuracy, .cost.duty["map-write"]]')"
}

@test "goroutines made faster than the budget allows: created is sampled, live is read" {
	start "$(workload spawner)"
	attach "$pid" --for 6s
	await_agent 30
	within_budget 1 6
	equal "goroutine.accuracy" "$(summary .goroutine.accuracy)" sampled
	lines window | jq -s -e 'all(.[]; .goroutine.live < 200)' >/dev/null ||
		fail "$(lines window | jq -c .goroutine)"
	lines alert | jq -s -e 'length == 0' >/dev/null || fail "$(lines alert)"
}

# Two growths for every twenty writes. A probe on a growth leaves a record with its stack.
@test "maps that grow by the ten thousand a second: sampled too, since the budget comes first" {
	writer -rate 300000 -pace spin -fresh 20
	attach "$pid" --for 10s
	await_agent 30
	within_budget 1 10
	equal "map.grows_accuracy" "$(summary .map.grows_accuracy)" sampled
	jq -s -e 'map(.map.grows_per_s) | sort | .[length / 2 | floor] | . > 24000 and . < 36000' \
		<(lines window) >/dev/null || fail "$(lines window | jq -c '[.map.grows_per_s, .cost]')"
}

@test "--budget 0.2 costs a fifth of --budget 1" {
	writer -rate 300000 -pace spin
	attach "$pid" --for 10s --budget 0.2
	await_agent 30
	equal "budget_pct" "$(lines attached | jq .budget_pct)" 0.2
	within_budget 0.2 10
}

@test "--budget off counts every write, whatever it costs" {
	writer -rate 100000 -pace sleep
	attach "$pid" --for 3s --budget off
	await_agent 20
	equal "map.accuracy" "$(summary .map.accuracy)" exact
	equal "duty" "$(summary '.cost.duty["map-write"]')" 1
	equal "hits" "$(summary .map.writes)" "$(summary .map_sites[0].count)"
	equal "budget_pct" "$(lines attached | jq .budget_pct)" null
}

# dearness ARGUMENT…: sets $times, of what a hit takes in the agent's own loop at that moment: so much it is
# said to cost in a writer with these.
dearness() {
	writer "$@"
	attach "$pid" --budget off --probes map-write --for 2s
	await_agent 20
	times=$(jq -n "$(summary '.cost.target_cpu_pct * .seconds / .cost.hits * 1e7') / $(lines attached | jq .cost_ns.emulated)")
}

@test "a hit in a program that goes through much memory between two is counted as dearer" {
	local hot
	dearness -rate 200000 -pace spin
	hot=$times
	dearness -pace free -walk 8192
	jq -e -n "$times > 1.2 * $hot" >/dev/null || fail "$times times, and $hot times where caches are warm"
}

@test "writes are told by map, each of them" {
	writer -rate 2000 -pace sleep -writers 3
	attach "$pid" --for 2s --budget off
	await_agent 20
	lines summary | jq -e '(.maps | length == 3) and all(.maps[]; .map_type == "main.table" and .deletes == 0) and
		(.maps | map(.writes) | add) == .map.writes and .maps_other == 0 and .map_sites_other == 0' >/dev/null ||
		fail "$(lines summary)"
}

# A thousand new maps a second: more than there is room for. Their site has all of their writes. The
# maps are those of the last window, so that one is to have some.
@test "maps beyond the table's room count as others, and to their site" {
	writer -rate 20000 -pace sleep -fresh 20
	attach "$pid" --for 4500ms --budget off
	await_agent 20
	equal "lost.table" "$(summary .lost.table)" 0
	lines summary | jq -e '(.maps | length == 10) and .maps_other > 0.9 * .map.writes and
		(.map_sites[0].count - .map.writes | fabs) <= 20' >/dev/null || fail "$(lines summary)"
}

@test "whenever the agent dies in its cycle, no breakpoint is left" {
	local i
	writer -rate 300000 -pace free
	for i in 1 2 3 4 5 6; do
		attach "$pid"
		sleep "1.$((i * 17 % 10))$i"
		kill -KILL "$agent"
		within 5 ended "$agent"
		within 5 clean || fail "breakpoints are left" "$(text_changes "$pid")"
	done
	alive "$pid"
}

clean() {
	[[ $(text_changes "$pid") == 0 ]]
}

# The byte is in a function that the writer never calls. Two probes of the same kind must not meet.
@test "a site whose bytes change while the group is off is not armed again" {
	local site
	writer -rate 300000 -pace spin
	attach "$pid"
	within 20 sampled_windows 2
	site=$(lines attached | jq -r '.probes[] | select(.function == "runtime.mapassign_fast64ptr" or .function == "runtime.mapassign_fast32") | .site' | head -n 1)
	[[ $site == 0x* ]] || fail "$(lines attached)"
	within 20 stays_off "$site"
	finish_agent
	equal "map.accuracy" "$(summary .map.accuracy)" lower-bound
	[[ $(summary .budget_failure) == *"bytes at a site have changed"* ]] || fail "$(summary .budget_failure)"
	alive "$pid"
}

# stays_off SITE: pokes a byte there. While the probe stands, its detaching puts the byte back: so again.
stays_off() {
	printf '\x90' | dd of="/proc/$pid/mem" bs=1 seek="$(($1))" conv=notrunc status=none
	lines window | tail -n 1 | jq -e '.cost.duty["map-write"] == 0 and .map.accuracy == "lower-bound"' >/dev/null
}

@test "a target that exits in a window ends the observation" {
	writer -rate 300000 -pace free
	attach "$pid"
	within 20 sampled_windows 2
	kill -KILL "$pid"
	await_agent 10
	equal "exit status" "$agent_status" 0
	equal "one summary" "$(lines summary | wc -l)" 1
}

@test "attached and doctor tell what a hit costs" {
	writer -rate 1000 -pace sleep
	attach "$pid" --for 1s
	await_agent 20
	lines attached | jq -e '.budget_pct == 1 and .cost_ns.emulated > 0 and .cost_ns.lean > 0 and
		.cost_ns["single-step"] > .cost_ns.emulated and .cost_ns.stack > 0' >/dev/null ||
		fail "$(lines attached)"
	lines window | jq -e -s 'all(.[]; .agent.rss_bytes > 0 and .agent.cpu_pct >= 0)' >/dev/null
	exits 0 "$gosonde" doctor
	grep -q 'emulated' "$BATS_TEST_TMPDIR/stdout" || fail "$(cat "$BATS_TEST_TMPDIR/stdout")"
}
