# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash disable=SC2154 # lib.bash sets what they share
#
# How much a target slows down by the rate at which it writes maps, under gosonde and under bpftrace.
# The load is a closed loop: what a probe takes it does not make up for.

measure_curve() {
	local rates=(10000 30000 100000 300000 1000000 3000000 0) rate
	((!quick)) || rates=(10000 100000 1000000 0)
	echo "# free_writes/s, then slow-down in %: gosonde, gosonde --budget off, bpftrace, nothing (noise)" \
		>"$data/curve.dat"
	for rate in "${rates[@]}"; do
		say "curve: $rate writes/s (0: as fast as it can)"
		curve_point "$rate" >"$tmp/point"
		(($(wc -w <"$tmp/point") == 5)) || die "no figure at $rate writes/s"
		cat "$tmp/point" >>"$data/curve.dat"
	done
	curve_table >"$data/curve.md"
	draw_curve
}

# curve_point RATE: its line of curve.dat.
curve_point() {
	local rounds seconds functions k
	rounds=$(pick 3 1) seconds=$(pick 1.2 1)
	load -pace free -rate "$1"
	mapfile -t functions < <(write_functions "$load")
	for ((k = 1; k <= rounds; k++)); do
		turns "$k" "$seconds" "${functions[@]}"
	done
	turn off "$seconds"
	unload
	speeds >"$tmp/speeds"
	echo "$(awk '$1 == "off" { print $2 }' "$tmp/speeds" | median)" \
		"$(kept gosonde <"$tmp/speeds" | slow_down) $(kept unbounded <"$tmp/speeds" | slow_down)" \
		"$(kept bpftrace <"$tmp/speeds" | slow_down) $(noise <"$tmp/speeds" | slow_down | tr -d -)"
}

# slow_down <kept: in %.
slow_down() {
	median | awk '{ printf "%.4f\n", (1 - $1) * 100 }'
}

curve_table() {
	echo "Slow-down of a closed loop:"
	echo
	echo "| writes/s | gosonde, defaults | gosonde --budget off | bpftrace | nothing (noise) |"
	echo "|---:|---:|---:|---:|---:|"
	awk '!/^#/ {
		rate = $1 >= 1e6 ? sprintf("%.1f M", $1 / 1e6) : sprintf("%.1f k", $1 / 1e3)
		printf "| %s | %.2f %% | %.2f %% | %.2f %% | ±%.2f %% |\n", rate, $2, $3, $4, $5
	}' "$data/curve.dat"
}

# The picture in docs is made by a full run only.
draw_curve() {
	local picture=$root/docs/overhead.svg
	((!quick)) || picture=$data/overhead.svg
	gnuplot -e "data='$data/curve.dat'; picture='$tmp/overhead.svg'; machine='$(machine)'" \
		"$root/tests/bench/overhead.gp" >&2 || die "gnuplot failed"
	mkdir -p "$(dirname "$picture")"
	cp "$tmp/overhead.svg" "$picture"
	chown --reference="$(dirname "$picture")" "$picture" # root draws, the user commits
	say "curve: drawn as $picture"
}
