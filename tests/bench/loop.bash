# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash disable=SC2154 # lib.bash sets what they share
#
# A loop that does nothing but write a map, ≈ 100 M/s: the worst that a tracer can meet.

measure_loop() {
	local rounds pairs seconds functions k
	rounds=$(pick 7 2) pairs=$(pick 20 1) seconds=$(pick 2 1)
	load -pace free
	mapfile -t functions < <(write_functions "$load")
	for ((k = 1; k <= rounds; k++)); do
		say "loop: round $k of $rounds"
		turns "$k" "$seconds" "${functions[@]}"
	done
	# Longer ones, for a hundredth is less than what the machine's speed varies by from turn to turn,
	# and a first window, which none before it has paid for, is much of a short turn.
	seconds=$(pick 4 1)
	for ((k = 1; k <= pairs; k++)); do
		say "loop: pair $k of $pairs"
		turn off "$seconds"
		attach "$load"
		turn attached "$seconds"
		detach
	done
	turn off "$seconds"
	unload
	speeds >"$data/loop.dat"
	loop_rows <"$data/loop.dat"
}

loop_rows() {
	local all ours theirs
	all=$(cat)
	ours=$(cost unbounded <<<"$all" | median)
	theirs=$(cost bpftrace <<<"$all" | median)
	row "a loop that only writes a map, $(median < <(awk '$1 == "off" { print $2 / 1e6 }' <<<"$all") |
		xargs printf '%.0f') M/s: speed kept with gosonde attached, defaults" "≥ 0.99" \
		"$(kept attached <<<"$all" | settled %.4f)"
	row "the same, nothing attached: how exact this is" "" "$(noise <<<"$all" | settled %.4f)"
	row "the same with bpftrace counting the same functions" "for comparison" \
		"$(kept bpftrace <<<"$all" | spread %.5f)"
	row "cost per observed write, bpftrace ÷ gosonde (budget off)" "≥ 30" \
		"$(calculate "$theirs / $ours" %.1f) ($(calculate "$theirs" %.0f) ns ÷ $(calculate "$ours" %.0f) ns)"
}
