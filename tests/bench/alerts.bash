# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash disable=SC2154 # lib.bash sets what they share
#
# How long from a probe's hit until somebody can know: to the line on syslog's socket, for what is told at
# once, and to the line of JSON, for what waits in the ring until the agent looks.

readonly mistakes_each=30 # that many places has the workload; an agent keeps 32 faults apart

measure_alerts() {
	local rounds k
	rounds=$(pick 8 2)
	build_workload mistakes
	build_workload storm
	: >"$data/alerts.dat"
	for ((k = 1; k <= rounds; k++)); do
		say "alerts: round $k of $rounds"
		hits_to_syslog >>"$data/alerts.dat"
	done
	growths_to_lines >>"$data/alerts.dat"
	row "a probe's hit to the alert's line on syslog's socket: p99 ($(count_of syslog) faults)" "≤ 200 ms" "$(delays_of syslog)"
	row "a map's growth to its line of JSON: p99 ($(count_of line) growths)" "≤ 200 ms" "$(delays_of line)"
}

count_of() {
	grep -c "^$1 " "$data/alerts.dat"
}

# delays_of WHAT: "2.1 ms (median 0.4 ms)"
delays_of() {
	local all
	all=$(awk -v what="$1" '$1 == what { print $2 / 1e6 }' "$data/alerts.dat")
	printf '%.1f ms (median %.1f ms)' "$(quantile 0.99 <<<"$all")" "$(median <<<"$all")"
}

# Each mistake's time before it, and its line's arrival; they come in order, one by one.
hits_to_syslog() {
	local target receiver
	rm -f "$tmp/log"
	spawn "$tmp/arrivals" "$here/stamp" "$tmp/log"
	receiver=$spawned
	ready '^listening' "$tmp/arrivals" "$receiver" "the receiver"
	spawn "$tmp/mistakes" "$build/bench/mistakes"
	target=$spawned
	ready '^ready' "$tmp/mistakes" "$target" mistakes
	attach "$target" "--syslog=unix:$tmp/log"
	kill -USR1 "$target"
	within 60 grep -q '^done' "$tmp/mistakes" || die "mistakes did not end"
	within 5 all_arrived || die "$(grep -c ' rule=fault ' "$tmp/arrivals") of $mistakes_each alerts arrived"
	detach
	finish TERM "$target" || true
	finish TERM "$receiver" || true
	paste -d' ' <(grep '^[0-9]' "$tmp/mistakes") <(grep ' rule=fault ' "$tmp/arrivals" | cut -d' ' -f1) |
		awk '{ printf "syslog %.0f\n", $2 - $1 }'
}

all_arrived() {
	(($(grep -c ' rule=fault ' "$tmp/arrivals") == mistakes_each))
}

# The line's own time is the hit's.
growths_to_lines() {
	local target
	spawn "$tmp/storm" "$build/bench/storm"
	target=$spawned
	ready '^ready' "$tmp/storm" "$target" storm
	spawn "$tmp/lines" bash -c "'$gosonde' attach $target --for 5s --output json | '$here/stamp'"
	agent=$spawned
	ready '{"type":"attached"' "$tmp/lines" "$agent" gosonde
	kill -USR1 "$target"
	wait "$agent" || die "gosonde failed: $(tail -n 5 "$tmp/lines.stderr")"
	forget "$agent"
	finish TERM "$target" || true
	# One in 16: reading a time takes a process.
	sed -n 's/^\([0-9]*\) {"type":"map_grow","time":"\([^"]*\)".*/\1 \2/p' "$tmp/lines" | awk 'NR % 16 == 1' |
		while read -r arrived time; do echo "line $arrived $(date -d "$time" +%s%N)"; done |
		awk '{ printf "line %.0f\n", $2 - $3 }'
}
