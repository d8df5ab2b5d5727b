# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash disable=SC2154 # lib.bash sets what they share
#
# The daemon with 200 Go programs: idle ones, and ones that write maps, start goroutines and collect.

readonly fleet=200

measure_fleet() {
	build_workload quiet
	: >"$data/fleet.dat"
	fleet_of idle -clients 0
	fleet_of busy -clients 1 -pause 500ms
	row "the daemon with $fleet idle programs: memory, and CPU" "≤ 100 MB" "$(fleet_figure idle 4) MB, $(fleet_figure idle 3) %"
	row "with $fleet small servers under load" "≤ 100 MB" "$(fleet_figure busy 4) MB, $(fleet_figure busy 3) %"
	row "its BPF maps beside, in the kernel's memory" "" "$(fleet_figure busy 5) MB"
	row "from its start until it observes all $fleet, and from SIGTERM to its end" "" \
		"$(fleet_figure busy 2) s, $(fleet_figure busy 6) s"
}

# fleet_of LABEL ARGUMENT…: "LABEL START_s CPU_% RSS_MB BPF_MB END_s" into fleet.dat; the programs' arguments.
fleet_of() {
	local i before after begin start_s cpu rss bpf
	say "fleet: $fleet programs, $1"
	for ((i = 0; i < fleet; i++)); do
		spawn "$tmp/$1.$i" "$data/quiet" "${@:2}"
	done
	within 60 fleet_ready "$1" || die "the programs did not start"
	printf '%s\n' "watch: [{exe: \"$data/quiet\"}]" 'min_age: 100ms' 'metrics: 127.0.0.1:0' 'syslog: off' >"$tmp/fleet.yaml"
	stamp
	begin=$now
	spawn "$tmp/$1.daemon" "$gosonde" daemon --config "$tmp/fleet.yaml"
	agent=$spawned
	within 120 fleet_observed "$tmp/$1.daemon.stderr" || die "not all are observed: $(tail -n 3 "$tmp/$1.daemon.stderr")"
	stamp
	start_s=$(calculate "($now - $begin) / 1e6" %.1f)
	sleep 5
	stamp
	begin=$now
	before=$(cpu_ns "$agent")
	sleep "$(pick 30 10)"
	stamp
	after=$(cpu_ns "$agent")
	cpu=$(calculate "($after - $before) / ($now - $begin) / 10" %.1f)
	rss=$(memory_mb VmRSS "$agent")
	bpf=$(cat "/proc/$agent/fdinfo/"* | awk '$1 == "memlock:" { held = $2 } $1 == "map_id:" && !seen[$2]++ { sum += held } END { printf "%.1f", sum / 1e6 }')
	stamp
	begin=$now
	finish TERM "$agent"
	stamp
	echo "$1 $start_s $cpu $rss $bpf $(calculate "($now - $begin) / 1e6" %.1f)" >>"$data/fleet.dat"
	for i in "${pids[@]}"; do
		kill -KILL "$i"
	done
	wait 2>/dev/null || true
	pids=()
}

fleet_ready() {
	local i
	for ((i = 0; i < fleet; i++)); do
		grep -q '^ready' "$tmp/$1.$i" || return 1
	done
}

fleet_observed() {
	(($(grep -c ': is observed$' "$1") == fleet))
}

# fleet_figure LABEL COLUMN
fleet_figure() {
	awk -v label="$1" -v column="$2" '$1 == label { print $column }' "$data/fleet.dat"
}
