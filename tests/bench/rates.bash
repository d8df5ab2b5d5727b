# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash disable=SC2154 # lib.bash sets what they share
#
# How well the agent tells a write rate that it may only sample: each of its windows is compared with
# the load's own count over the very same time.

readonly rate_skip=3 # seconds in which the governor finds its duty

measure_rates() {
	local rates=(20000 100000 300000 1000000) paces=(free sleep spin) rate pace windows
	windows=$(pick 10 4)
	((!quick)) || rates=(100000 1000000)
	: >"$data/rates.dat"
	for rate in "${rates[@]}"; do
		for pace in "${paces[@]}"; do
			say "rates: $rate writes/s, pace $pace"
			load -rate "$rate" -pace "$pace"
			attach "$load"
			sleep $((rate_skip + windows + 1)) # and the window that the skip ends in
			detach
			unload
			rate_windows "$windows" >"$tmp/windows"
			(($(wc -l <"$tmp/windows") == windows)) || die "gosonde printed too few windows"
			rate_errors "$rate $pace" <"$tmp/windows" >>"$data/rates.dat"
		done
	done
	rate_table "${rates[*]}" "${paces[*]}" >"$data/rates.md"
	row "rate error at $(for rate in "${rates[@]}"; do short "$rate"; done | list) writes/s, worst of three paces (below)" "≤ 2 % each" \
		"$(for rate in "${rates[@]}"; do worst_error "$rate"; done | list)"
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

# rate_errors LABEL <windows: "LABEL ERROR_% TRUE ESTIMATE ACCURACY" of each.
rate_errors() {
	local end seconds estimate accuracy truth
	while read -r end seconds estimate accuracy; do
		truth=$(speed_between "$(calculate "$end / 1e3 - $seconds * 1e6" %.0f)" "$(calculate "$end / 1e3" %.0f)")
		echo "$1 $(calculate "($estimate / $truth - 1) * 100" %.3f) $truth $estimate $accuracy"
	done
}

# errors RATE PACE [abs]: in %, from rates.dat.
errors() {
	awk -v rate="$1" -v pace="$2" -v abs="${3:-}" '
	$1 == rate && $2 == pace { print abs && $3 < 0 ? -$3 : $3 }' "$data/rates.dat"
}

worst_error() {
	local pace
	for pace in free sleep spin; do
		errors "$1" "$pace" | median
	done | awk '{ a = $1 < 0 ? -$1 : $1; if (a >= worst) { worst = a; signed = $1 } } END { printf "%+.2f %%\n", signed }'
}

rate_table() {
	local rate pace rates paces
	read -ra rates <<<"$1"
	read -ra paces <<<"$2"
	echo "Error of the estimated write rate: median of its windows, median of what they are off by, accuracy that they claim."
	echo
	printf '| writes/s | goal |%s\n' "$(printf ' -pace %s |' "${paces[@]}")"
	printf '|---:|---|%s\n' "$(printf -- '---|%.0s' "${paces[@]}")"
	for rate in "${rates[@]}"; do
		printf '| %d | ≤ 2 %% |' "$rate"
		for pace in "${paces[@]}"; do
			printf ' %+.2f %%, ±%.2f %%, %s |' "$(errors "$rate" "$pace" | median)" \
				"$(errors "$rate" "$pace" abs | median)" "$(accuracies "$rate" "$pace")"
		done
		echo
	done
}

accuracies() {
	awk -v rate="$1" -v pace="$2" '$1 == rate && $2 == pace { print $6 }' "$data/rates.dat" | sort -u | paste -sd/
}
