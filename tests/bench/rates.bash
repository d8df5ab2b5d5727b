# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash disable=SC2154 # lib.bash sets what they share
#
# How well the agent tells a write rate that it may only sample: each of its windows is compared with
# the load's own count over the very same time.

readonly rate_skip=3 # seconds in which the governor finds its duty

measure_rates() {
	local rates=(20000 100000 300000 1000000) paces=(free sleep spin) rate pace i windows runs
	windows=$(pick 10 4)
	runs=$(pick 3 1)
	((!quick)) || rates=(100000 1000000)
	: >"$data/rates.dat"
	for rate in "${rates[@]}"; do
		for pace in "${paces[@]}"; do
			for ((i = 1; i <= runs; i++)); do
				say "rates: $rate writes/s, pace $pace, $i of $runs"
				rate_run "$rate" "$pace" "$windows" >"$tmp/errors"
				sed "s/^/$rate $pace $i /" "$tmp/errors" >>"$data/rates.dat"
			done
		done
	done
	rate_table "${rates[*]}" "${paces[*]}" "$runs" "$windows" >"$data/rates.md"
	row "rate error at $(for rate in "${rates[@]}"; do short "$rate"; done | list) writes/s, median over $windows s: worst of $runs runs of three paces each (below)" \
		"≤ 2 % each" "$(for rate in "${rates[@]}"; do run_errors "$rate" "free sleep spin" | worst; done | list)"
}

# rate_run RATE PACE WINDOWS: "ERROR_% TRUE ESTIMATE ACCURACY" of each window.
rate_run() {
	load -rate "$1" -pace "$2"
	attach "$load"
	sleep $((rate_skip + $3 + 1)) # and the window that the skip ends in
	detach
	unload
	rate_windows "$3" >"$tmp/windows"
	(($(wc -l <"$tmp/windows") == $3)) || die "gosonde printed too few windows"
	rate_errors <"$tmp/windows"
}

list() {
	paste -sd, | sed 's/,/, /g'
}

# short 300000: "300 k"
short() {
	if (($1 >= 1000000)); then echo "$(($1 / 1000000)) M"; else echo "$(($1 / 1000)) k"; fi
}

# rate_windows N: "END_NS SECONDS WRITES/S ACCURACY" of the N windows after the skip.
rate_windows() {
	jq -rs --argjson skip "$rate_skip" --argjson n "$1" '
	map(select(.type == "window")) | .[$skip:$skip + $n][]
	| "\(.time[:19] + "Z" | fromdateiso8601)\(.time[20:29]) \(.seconds) \(.map.writes_per_s) \(.map.accuracy)"' \
		"$agent_json"
}

# rate_errors <windows: "ERROR_% TRUE ESTIMATE ACCURACY" of each.
rate_errors() {
	local end seconds estimate accuracy truth
	while read -r end seconds estimate accuracy; do
		truth=$(speed_between "$(calculate "$end / 1e3 - $seconds * 1e6" %.0f)" "$(calculate "$end / 1e3" %.0f)")
		echo "$(calculate "($estimate / $truth - 1) * 100" %.3f) $truth $estimate $accuracy"
	done
}

# errors RATE PACE [RUN]: of each window, in %, from rates.dat.
errors() {
	awk -v rate="$1" -v pace="$2" -v run="${3:-}" '
	$1 == rate && $2 == pace && (run == "" || $3 == run) { print $4 }' "$data/rates.dat"
}

# run_errors RATE "PACE…": the median of each run's windows.
run_errors() {
	local pace run
	for pace in $2; do
		for run in $(awk -v rate="$1" -v pace="$pace" '$1 == rate && $2 == pace { print $3 }' "$data/rates.dat" | uniq); do
			errors "$1" "$pace" "$run" | median
		done
	done
}

# The value that is furthest from 0.
worst() {
	awk '{ a = $1 < 0 ? -$1 : $1; if (a >= worst) { worst = a; signed = $1 } } END { printf "%+.2f %%\n", signed }'
}

absolute() {
	tr -d -
}

# rate_table "RATE…" "PACE…" RUNS WINDOWS
rate_table() {
	local rate pace rates paces
	read -ra rates <<<"$1"
	read -ra paces <<<"$2"
	echo "Error of the estimated write rate: of $3 runs the median over $4 windows of a second that is the furthest off, the"
	echo "median of what all windows are off by, and the accuracy that they claim."
	echo
	printf '| writes/s | goal |%s\n' "$(printf ' -pace %s |' "${paces[@]}")"
	printf '|---:|---|%s\n' "$(printf -- '---|%.0s' "${paces[@]}")"
	for rate in "${rates[@]}"; do
		printf '| %d | ≤ 2 %% |' "$rate"
		for pace in "${paces[@]}"; do
			printf ' %s, ±%.2f %%, %s |' "$(run_errors "$rate" "$pace" | worst)" \
				"$(errors "$rate" "$pace" | absolute | median)" "$(accuracies "$rate" "$pace")"
		done
		echo
	done
}

accuracies() {
	awk -v rate="$1" -v pace="$2" '$1 == rate && $2 == pace { print $7 }' "$data/rates.dat" | sort -u | paste -sd/
}
