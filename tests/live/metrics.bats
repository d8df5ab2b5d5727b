#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2030,SC2031,SC2154 # bats runs each test in a subshell; helper.bash sets the rest
#
# What Prometheus' own tools make of /metrics, against what the workload knows of itself.

load helper

dist=$root/scripts/dist

setup() {
	needs_root
	command -v curl >/dev/null || skip "curl is not installed"
	scraped=$BATS_TEST_TMPDIR/scraped
}

teardown() {
	stop_all
}

# tool NAME: a tool of Prometheus' packages; prints its path.
tool() {
	"$root/scripts/servers" "$1" 2>"$BATS_TEST_TMPDIR/servers"
}

needs_tools() {
	tool "$1" >/dev/null || skip "no $1: $(tail -n 1 "$BATS_TEST_TMPDIR/servers")"
}

# url [PAGE]: where the agent serves it.
url() {
	sed -n "s|^gosonde: metrics at \(http.*\)/metrics\$|\1/${1-metrics}|p" "$messages"
}

# get PAGE CURL-ARGUMENT…: prints the page.
get() {
	curl -sS --max-time 10 "${@:2}" "$(url "$1")"
}

# attached ARGUMENT…: attaches to $pid and serves at a port that the kernel chooses.
attached() {
	attach "$pid" --metrics=127.0.0.1:0 "$@"
	[[ -n $(url) ]] || fail "no address was told:" "$(cat "$messages")"
}

scrape() {
	get metrics --fail >"$scraped" || fail "no scrape"
}

# value NAME [LABEL]: of the sample in $scraped, whose labels have that text.
value() {
	awk -v name="$1" -v label="${2-}" 'index($0, name "{") == 1 && index($0, label) || $1 == name { print $NF }' "$scraped"
}

# run_truth: the workload does its part, and the tick after it has passed.
run_truth() {
	local end
	kill -USR1 "$pid"
	within 60 grep -q '^{"type":"truth"' "$out"
	end=$(date +%s.%N)
	within 10 ticked_since "$end"
}

ticked_since() {
	scrape && awk -v t="$(value gosonde_tick_time_seconds)" -v end="$1" 'BEGIN { exit !(t > end) }'
}

# lint: promtool has nothing to say about $scraped.
lint() {
	local said
	needs_tools promtool
	said=$("$(tool promtool)" check metrics <"$scraped" 2>&1) || fail "promtool: $said"
	equal "promtool" "$said" ""
}

@test "the figures equal the truth, and promtool finds nothing to say" {
	start "$(workload truth)"
	attached --budget off
	run_truth
	lint
	equal "writes" "$(value gosonde_map_writes_total)" "$(truth writes)"
	equal "deletes" "$(value gosonde_map_deletes_total)" "$(truth deletes)"
	equal "clears" "$(value gosonde_map_clears_total)" "$(truth clears)"
	equal "created" "$(value gosonde_goroutines_created_total)" "$(truth created)"
	equal "goroutines" "$(value go_goroutine_count)" "$(truth goroutines)"
	equal "cycles" "$(value go_memory_gc_cycles_total)" "$(truth num_gc)"
	equal "forced cycles" "$(value gosonde_gc_forced_cycles_total)" "$(truth num_forced)"
	equal "pauses" "$(value go_memory_gc_pause_duration_seconds_count)" "$(truth gc_stops)"
	equal "the last bucket" "$(value go_memory_gc_pause_duration_seconds_bucket 'le="+Inf"')" "$(truth gc_stops)"
	close_pauses "$(value go_memory_gc_pause_duration_seconds_sum | awk '{ printf "%d", $1 * 1e9 }')" "$(truth pause_ns)"
	equal "PID" "$(grep -c "^gosonde_map_writes_total{pid=\"$pid\",exe=\"truth\",module=\"gosonde.test/workloads\"} " "$scraped")" 1
	equal "accuracy" "$(value gosonde_accuracy 'group="map-write",accuracy="exact"')" 1
	# What the JSON says at the end is what the last scrape said.
	finish_agent
	equals_truth map.writes writes
}

@test "pages, methods and formats" {
	start "$(workload truth)"
	attached
	equal "healthz" "$(get healthz -w ' %{http_code}')" $'ok\n 200'
	equal "readyz" "$(get readyz -w ' %{http_code}')" $'ready\n 200'
	equal "no page" "$(get nothing -o /dev/null -w '%{http_code}')" 404
	equal "POST" "$(get metrics -d x -o /dev/null -w '%{http_code}')" 405
	equal "HEAD" "$(get metrics -I -w '%{http_code} %{size_download}' -o /dev/null)" "200 0"
	equal "text" "$(get metrics -o /dev/null -w '%{content_type}')" "text/plain; version=0.0.4; charset=utf-8"
	equal "OpenMetrics" "$(get metrics -H 'Accept: application/openmetrics-text' -o "$scraped" -w '%{content_type}')" \
		"application/openmetrics-text; version=1.0.0; charset=utf-8"
	equal "the end" "$(tail -n 1 "$scraped")" "# EOF"
}

@test "a program with a hostile name" {
	local file=$BATS_TEST_TMPDIR/$'a"} 1\nevil{x="\\\e[2J'
	cp "$(workload truth)" "$file"
	out=$BATS_TEST_TMPDIR/evil.out
	"$file" >"$out" 2>&1 3>&- &
	pid=$!
	pids+=("$pid")
	within 20 grep -q "^ready $pid\$" "$out"
	attached
	scrape
	lint
	equal "labels" "$(grep -cF "gosonde_map_writes_total{pid=\"$pid\",exe=\"a\\\"} 1\\\\x0aevil{x=\\\"\\\\\\\\x1b[2J\",module=" "$scraped")" 1
	! grep -q '^evil' "$scraped" || fail "the name got out of its quotes"
}

# falling FILE FILE: counters that are less in the second.
falling() {
	awk '/^# TYPE / { type = $4; next } /^#/ { next }
		type != "counter" && type != "histogram" { next }
		{ key = $0; sub(/ [^ ]*$/, "", key) }
		NR == FNR { before[key] = $NF; next }
		{ seen++ } key in before && $NF < before[key] { print key, before[key], $NF }
		END { if (seen < 40) print "only", seen + 0, "counters" }' "$1" "$2"
}

@test "counters never go down, sampled ones neither" {
	start "$(workload writer)" -rate 1000000
	attached --interval 100ms
	scrape
	for _ in {1..25}; do
		mv "$scraped" "$scraped.before"
		sleep 0.2
		scrape
		equal "counters that fell" "$(falling "$scraped.before" "$scraped")" ""
	done
	equal "sampled or bounded" "$(value gosonde_accuracy 'group="map-write",accuracy="exact"')" 0
	awk -v d="$(value gosonde_probe_duty_ratio 'group="map-write"')" 'BEGIN { exit !(d < 0.5) }' ||
		fail "duty: $(value gosonde_probe_duty_ratio 'group="map-write"')"
	awk -v n="$(value gosonde_map_writes_total)" 'BEGIN { exit !(n > 1e6) }' || fail "writes: $(value gosonde_map_writes_total)"
}

free_port() {
	perl -MIO::Socket::INET -e 'print IO::Socket::INET->new(Listen => 1, LocalAddr => "127.0.0.1")->sockport'
}

# prometheus: a real one that scrapes the agent each second, with our rules; sets $server, its address.
prometheus() {
	local dir=$BATS_TEST_TMPDIR/prometheus at
	needs_tools prometheus
	mkdir "$dir"
	at=$(url '')
	at=${at#http://}
	sed -e "s|127.0.0.1:9464|${at%/}|" -e 's|15s|1s|' "$dist/prometheus.yml" >"$dir/prometheus.yml"
	cp "$dist/gosonde-alerts.yml" "$dir"
	server=127.0.0.1:$(free_port)
	"$(tool prometheus)" --config.file="$dir/prometheus.yml" --storage.tsdb.path="$dir/data" \
		--web.listen-address="$server" >"$dir/log" 2>&1 3>&- &
	pids+=("$!")
	within 30 curl -sf -o /dev/null "http://$server/-/ready" || fail "$(tail "$dir/log")"
}

# query EXPRESSION: the one value of its answer.
query() {
	curl -sS --max-time 10 --data-urlencode "query=$1" "http://$server/api/v1/query" |
		jq -r '.data.result | if length == 1 then .[0].value[1] else "\(length) results" end'
}

answers() {
	[[ $(query "$1") == "$2" ]]
}

@test "a real Prometheus scrapes it and answers with the truth" {
	start "$(workload truth)"
	attached --budget off
	prometheus
	run_truth
	within 10 answers "gosonde_map_writes_total{pid=\"$pid\",job=\"gosonde\"}" "$(truth writes)"
	equal "created" "$(query "gosonde_goroutines_created_total{exe=\"truth\"}")" "$(truth created)"
	equal "goroutines" "$(query go_goroutine_count)" "$(truth goroutines)"
	equal "cycles" "$(query 'go_memory_gc_cycles_total')" "$(truth num_gc)"
	equal "pauses" "$(query 'go_memory_gc_pause_duration_seconds_bucket{le="+Inf"}')" "$(truth gc_stops)"
	equal "up" "$(query 'up{job="gosonde"}')" 1
	# It asks for OpenMetrics, in which a gauge may be called _count.
	equal "type" "$(curl -sS "http://$server/api/v1/metadata?metric=go_goroutine_count" | jq -r '.data[][].type')" gauge
	equal "rules that do not work" "$(curl -sS "http://$server/api/v1/rules" |
		jq -c '[.data.groups[].rules[] | select(.health == "err")]')" "[]"
	equal "last error" "$(curl -sS "http://$server/api/v1/targets" | jq -r '.data.activeTargets[].lastError')" ""
}

@test "what is shipped for Prometheus and Alertmanager is valid" {
	needs_tools promtool
	exits 0 "$(tool promtool)" check rules "$dist/gosonde-alerts.yml"
	exits 0 "$(tool promtool)" check config "$dist/prometheus.yml"
	needs_tools amtool
	exits 0 "$(tool amtool)" check-config "$dist/alertmanager.yml"
	equal "route" "$("$(tool amtool)" config routes test --config.file="$dist/alertmanager.yml" \
		alertname=GosondeAlert severity=warning)" go-services
	equal "critical" "$("$(tool amtool)" config routes test --config.file="$dist/alertmanager.yml" \
		alertname=GosondeAlert severity=critical)" on-call
	equal "others" "$("$(tool amtool)" config routes test --config.file="$dist/alertmanager.yml" \
		alertname=NodeDown)" default
}

@test "the rules fire when they should, and only then" {
	needs_tools promtool
	exits 0 "$(tool promtool)" test rules "$BATS_TEST_DIRNAME/prometheus-rules.yml" ||
		fail "$(cat "$BATS_TEST_TMPDIR/stdout")"
}

# names: what looks like a metric of ours in the text on stdin.
names() {
	grep -oE '\b(gosonde|go|process)_[a-z0-9_]+' | sort -u
}

@test "the rules and the dashboard name only what is exported" {
	start "$(workload truth)"
	attached
	run_truth
	sed -n 's/^\([a-z_]*\)[{ ].*/\1/p' "$scraped" | sort -u >"$scraped.names"
	sed -n 's/^ *\(- \)\?expr: *//p; s/^          [^ ].*/&/p' "$dist/gosonde-alerts.yml" |
		grep -v -e description -e summary | names >"$scraped.rules"
	jq -r '.. | objects | (.expr? // empty), (.query? | objects | .query)' "$dist/grafana-dashboard.json" |
		names >"$scraped.dashboard"
	(($(wc -l <"$scraped.rules") >= 10 && $(wc -l <"$scraped.dashboard") >= 20)) ||
		fail "too few names:" "$(cat "$scraped.rules" "$scraped.dashboard")"
	equal "not exported" "$(cat "$scraped.rules" "$scraped.dashboard" | sort -u | comm -23 - "$scraped.names")" ""
}

# Each asks again and again and never reads: what has no room in the sockets stays with the server.
@test "clients that never read hold up nothing" {
	local at before rss fds
	start "$(workload truth)"
	attached --interval 100ms
	at=$(url '')
	at=${at#http://127.0.0.1:}
	scrape
	rss=$(value process_resident_memory_bytes)
	perl -MIO::Socket::INET -e '
		$SIG{PIPE} = "IGNORE";
		my @s = map { IO::Socket::INET->new(PeerAddr => "127.0.0.1", PeerPort => $ARGV[0]) } 1..64;
		for my $s (@s) { $s and $s->blocking(0), $s->syswrite("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n" x 2000) }
		print "holding ", scalar(grep { $_ } @s), "\n"; STDOUT->flush; sleep 60' "${at%/}" >"$scraped.clients" 3>&- &
	pids+=("$!")
	within 10 grep -q holding "$scraped.clients"
	before=$(lines window | wc -l)
	sleep 2
	(($(lines window | wc -l) - before >= 15)) || fail "ticks: $before to $(lines window | wc -l) in 2 s"
	fds=$(find "/proc/$agent/fd" | wc -l)
	((fds < 120)) || fail "$fds files open"
	within 20 scrape
	awk -v a="$rss" -v b="$(value process_resident_memory_bytes)" 'BEGIN { exit !(b < a + 4e6) }' ||
		fail "memory: $rss to $(value process_resident_memory_bytes)"
	finish_agent
	equal "exit status" "$agent_status" 0
}

# Half a request, and nothing more.
@test "clients that never finish asking are let go" {
	start "$(workload truth)"
	attached
	perl -MIO::Socket::INET -e '
		my ($port) = $ARGV[0] =~ /:(\d+)/;
		my @s = map { IO::Socket::INET->new(PeerAddr => "127.0.0.1", PeerPort => $port) } 1..16;
		$_->syswrite("GET /met") for @s;
		print "holding\n"; STDOUT->flush;
		$_->read(my $rest, 1) for @s;
		print "let go\n"; STDOUT->flush' "$(url)" >"$scraped.clients" 3>&- &
	pids+=("$!")
	within 10 grep -q holding "$scraped.clients"
	within 15 grep -q "let go" "$scraped.clients"
	scrape
}

@test "a port in use is told, and nothing is attached" {
	local at
	start "$(workload truth)"
	attached
	at=$(url '')
	at=${at#http://}
	exits 1 "$gosonde" attach "$pid" --metrics="${at%/}" --for 1s
	says "can't serve metrics on ${at%/}: the port is in use"
	equal "output" "$(cat "$BATS_TEST_TMPDIR/stdout")" ""
}

@test "an address that is none is a usage error" {
	local address
	for address in '' 9464 localhost:9464 127.0.0.1 127.0.0.1:70000 127.0.0.1:-1 ::1:9464 '[::1]' unix: tcp:1:2; do
		exits 2 "$gosonde" attach 1 --metrics="$address"
		says "127.0.0.1:9464|lacks its path"
	done
}

@test "a Unix socket: private, and gone at the end" {
	local path=$BATS_TEST_TMPDIR/metrics.sock
	start "$(workload truth)"
	attach "$pid" --metrics="unix:$path"
	curl -sS --fail --unix-socket "$path" http://gosonde/metrics >"$scraped"
	lint
	equal "mode" "$(stat -c %a "$path")" 660
	exits 1 "$gosonde" attach "$pid" --metrics="unix:$path" --for 1s
	says "in use"
	finish_agent
	[[ ! -e $path ]] || fail "the socket is still there"
}

@test "a killed agent leaves no port, and a socket that gives way" {
	local path=$BATS_TEST_TMPDIR/metrics.sock survivor port
	start "$(workload truth)"
	attached
	port=$(url '')
	port=${port#http://}
	survivor=$(pgrep -P "$agent")
	equal "sockets of the survivor" "$(find "/proc/$survivor/fd" -lname 'socket:*' | wc -l)" 0
	kill -KILL "$agent"
	wait "$agent" || true
	attach "$pid" --metrics="${port%/}"
	kill -KILL "$agent"
	wait "$agent" || true
	attach "$pid" --metrics="unix:$path"
	kill -KILL "$agent"
	wait "$agent" || true
	[[ -S $path ]] || fail "no socket was left: nothing is shown"
	attach "$pid" --metrics="unix:$path"
	curl -sS --fail --unix-socket "$path" http://gosonde/readyz
}

@test "a file that is no socket does not give way" {
	local path=$BATS_TEST_TMPDIR/precious
	echo precious >"$path"
	start "$(workload truth)"
	exits 1 "$gosonde" attach "$pid" --metrics="unix:$path" --for 1s
	equal "the file" "$(cat "$path")" precious
}
