# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash disable=SC2154 # lib.bash sets what they share
#
# A real Go server under load: caddy serves a file, wrk asks for it. Both share the machine's CPUs with
# the agent, as they would in production.
#
# Its throughput on such a machine wavers by 3 % however long a turn is, so it is many short ones under
# one long load, by what caddy itself has written. wrk tells latencies at its end only: for them it is
# started anew each turn.

caddy='' caddy_url=''

measure_server() {
	start_caddy
	write_wrk_script
	ask 1 >/dev/null # warm
	measure_throughput "$(pick 100 4)" 0.5
	measure_latencies "$(pick 8 3)" "$(pick 5 1)"
	finish TERM "$caddy" || true
	row "caddy under load, $(server_column 2 | awk '$1 == "off" { print $2 }' | median | xargs printf '%.0f') requests/s: throughput, attached ÷ not" \
		"≥ 0.99" "$(kept gosonde <"$data/throughput.dat" | settled %.3f)"
	row "its p99 latency, attached ÷ not" "≤ 1.02" "$(server_column 3 | kept gosonde | settled %.3f)"
	row "the same two, nothing attached: how exact this is" "" \
		"$(noise <"$data/throughput.dat" | settled %.3f); $(server_column 3 | noise | settled %.3f)"
}

# measure_throughput PAIRS SECONDS: "NAME BYTES/S" of each turn into throughput.dat. A second after
# attaching the first windows, which no pause before them has paid for, are paid off; and as long after
# detaching the kernel has put away what the agent had.
measure_throughput() {
	local k asker
	: >"$data/throughput.dat"
	spawn "$tmp/wrk.out" wrk -t 1 -c 16 -d 1h "$caddy_url"
	asker=$spawned
	sleep 1
	for ((k = 1; k <= $1; k++)); do
		((k % 10 != 1)) || say "server: throughput, pair $k of $1"
		sleep 1
		written_as off "$2"
		attach "$caddy"
		sleep 1
		written_as gosonde "$2"
		detach
	done
	sleep 1
	written_as off "$2"
	! ended "$asker" || die "wrk ended: $(tail -n 3 "$tmp/wrk.out")"
	finish INT "$asker" || true
}

# written_as NAME SECONDS
written_as() {
	local now begin written before
	stamp && count_written
	begin=$now before=$written
	sleep "$2"
	stamp && count_written
	((written > before)) || die "caddy stood still"
	echo "$1 $(calculate "($written - $before) * 1e6 / ($now - $begin)" %.0f)" >>"$data/throughput.dat"
}

# Sets $written, bytes that caddy has written; a fork would cost a millisecond.
count_written() {
	local key value
	while read -r key value; do
		[[ $key != wchar: ]] || written=$value
	done <"/proc/$caddy/io"
}

# measure_latencies PAIRS SECONDS: "NAME REQUESTS/S P99_µS" of each turn into server.dat.
measure_latencies() {
	local k
	: >"$data/server.dat"
	for ((k = 1; k <= $1; k++)); do
		say "server: latency, pair $k of $1"
		ask_as off "$2"
		attach "$caddy"
		ask_as gosonde "$2"
		detach
	done
	ask_as off "$2"
}

# server_column N: "NAME FIGURE" of each turn, as speeds prints them.
server_column() {
	awk -v column="$1" '{ print $1, $column }' "$data/server.dat"
}

# Sets $caddy and $caddy_url. A port that was free may be taken a moment later, so it is tried again.
start_caddy() {
	local port
	mkdir -p "$tmp/caddy/site"
	head -c 4096 /dev/zero | tr '\0' x >"$tmp/caddy/site/page.txt"
	for _ in {1..5}; do
		port=$((20000 + RANDOM % 10000))
		! answers "$port" || continue
		write_caddyfile "$port"
		spawn "$tmp/caddy/out" env HOME="$tmp/caddy" XDG_CONFIG_HOME="$tmp/caddy/config" \
			XDG_DATA_HOME="$tmp/caddy/data" caddy run --adapter caddyfile --config "$tmp/caddy/Caddyfile"
		caddy=$spawned
		within 10 answers_or_ended "$port" "$caddy" || die "caddy does not answer after 10 s"
		caddy_url=http://127.0.0.1:$port/page.txt
		ended "$caddy" || return 0
	done
	die "caddy ended: $(tail -n 3 "$tmp/caddy/out.stderr")"
}

answers() {
	(exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

answers_or_ended() {
	answers "$1" || ended "$2"
}

write_caddyfile() {
	cat >"$tmp/caddy/Caddyfile" <<-END
	{
		admin off
		auto_https off
	}
	http://127.0.0.1:$1 {
		root * $tmp/caddy/site
		file_server
	}
	END
}

# wrk's own words have two digits after the point; this has microseconds.
write_wrk_script() {
	cat >"$tmp/figures.lua" <<-'END'
	function done(summary, latency)
		local e = summary.errors
		io.write(string.format("figures %.3f %d %d\n", summary.requests / summary.duration * 1e6,
			latency:percentile(99), e.connect + e.read + e.write + e.status + e.timeout))
	end
	END
}

# ask SECONDS: "REQUESTS/S P99_µS".
ask() {
	local rate p99 errors
	wrk -t 1 -c 16 -d "${1}s" -s "$tmp/figures.lua" "$caddy_url" >"$tmp/wrk.out" 2>&1 ||
		die "wrk failed: $(tail -n 3 "$tmp/wrk.out")"
	read -r rate p99 errors < <(sed -n 's/^figures //p' "$tmp/wrk.out") ||
		die "wrk said no figures: $(tail -n 3 "$tmp/wrk.out")"
	((errors == 0)) || die "caddy answered $errors requests wrongly"
	echo "$rate $p99"
}

# ask_as NAME SECONDS
ask_as() {
	local figures
	figures=$(ask "$2")
	echo "$1 $figures" >>"$data/server.dat"
}
