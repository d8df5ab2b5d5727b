# SPDX-License-Identifier: BSD-2-Clause
# Draws the overhead curve. Given: data, picture, machine.

set terminal svg size 800,500 font "DejaVu Sans,Helvetica,Arial,sans-serif;13" background "#ffffff"
set output picture

set title "Slow-down of a Go loop that writes maps, by tracer (".machine.")"
set xlabel "map writes per second, untraced"
set ylabel "slow-down of the target, %"

# What lies below is noise, and is drawn on the axis.
floor = 0.1
above(x) = x > floor ? x : floor

set logscale xy
set xrange [6e3:3e8]
set yrange [floor:140]
set format x "%.0s%c"
set ytics ("≤ 0.1" 0.1, "0.3" 0.3, "1" 1, "3" 3, "10" 10, "30" 30, "100" 100)
set grid xtics ytics linecolor "#dddddd" linewidth 1
set border 3 linecolor "#333333"
set tics nomirror
set key outside below center horizontal reverse Left samplen 2 spacing 1.3 width 2
set xlabel offset 0, 0.3

set arrow from graph 0, first 1 to graph 1, first 1 nohead dashtype 2 linewidth 1.2 linecolor "#333333"
set label "the budget: 1 %" at graph 0.99, first 1.3 right textcolor "#333333"

plot data using 1:(above($4)) with linespoints linewidth 2 pointtype 5 pointsize 0.7 linecolor "#c0392b" \
		title "bpftrace", \
	data using 1:(above($3)) with linespoints linewidth 2 pointtype 9 pointsize 0.8 linecolor "#e08e0b" \
		title "gosonde --budget off", \
	data using 1:(above($2)) with linespoints linewidth 3 pointtype 7 pointsize 0.7 linecolor "#1f5fa8" \
		title "gosonde", \
	data using 1:(above($5)) with points pointtype 1 pointsize 0.7 linecolor "#888888" title "nothing (noise)"
