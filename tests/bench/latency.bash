# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash disable=SC2154 # lib.bash sets what they share
#
# How long one waits: from starting the agent to its first figures, and from Ctrl-C to its end.

readonly first_window_us=100000

measure_latency() {
	local times k
	times=$(pick 15 4)
	load -rate 20000 -pace sleep
	say "latency: attach and detach $times times"
	: >"$data/latency.dat"
	for ((k = 0; k < times; k++)); do
		first_figures "$load" >>"$data/latency.dat"
		time_detach "$load" >>"$data/latency.dat"
	done
	unload
	row "attach: from starting gosonde to probes that stand" "" "$(latency_of attached) ms"
	row "attach to first figures, less their window of 100 ms" "≤ 150 ms" "$(latency_of figures) ms"
	row "detach: from SIGINT to its end" "≤ 150 ms" "$(latency_of detach) ms"
}

latency_of() {
	awk -v what="$1" '$1 == what { print $2 / 1000 }' "$data/latency.dat" | spread %.0f
}

# first_figures PID: "attached µS" and "figures µS". The clock stops at the first bytes of a line: bash
# reads a pipe byte by byte, and lines are long.
first_figures() {
	local now begin head attached='' figures=''
	stamp
	begin=$now
	while IFS= read -r -N 16 head; do
		stamp
		case $head in
		'{"type":"attache') attached=$((now - begin)) ;;
		'{"type":"window"') figures=${figures:-$((now - begin - first_window_us))} ;;
		esac
		IFS= read -r
	done < <(exec timeout 30 "$gosonde" attach "$1" --for 100ms --interval 100ms --output json \
		2>"$tmp/first.stderr")
	[[ -n $attached && -n $figures ]] || die "gosonde showed no figures: $(tail -n 5 "$tmp/first.stderr")"
	printf '%s\n' "attached $attached" "figures $figures"
}

# time_detach PID: "detach µS".
time_detach() {
	local now begin
	attach "$1" --for 1m # should SIGINT not end it
	sleep 0.3
	stamp
	begin=$now
	kill -INT "$agent"
	wait "$agent" || die "gosonde failed: $(tail -n 5 "$agent_json.stderr")"
	stamp
	forget "$agent"
	echo "detach $((now - begin))"
}
