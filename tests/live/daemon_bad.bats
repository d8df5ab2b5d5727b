#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2016,SC2030,SC2031,SC2034,SC2154 # eval expands; bats runs each test in a subshell; helper.bash and daemon.bash set the rest
#
# What goes wrong around a daemon: its configuration, its privileges, its disk, whoever reads its
# metrics and takes its alerts. It says what is wrong and what to do, and observes on.

load helper
load daemon

setup() {
	needs_root
	daemon_setup
}

teardown() {
	stop_all
	! mountpoint -q "$BATS_TEST_TMPDIR/full" || umount "$BATS_TEST_TMPDIR/full"
}

# refuses STATUS PATTERN: the daemon does not start, and says so in one line of that kind.
refuses() {
	exits "$1" "$gosonde" daemon --config "$config"
	says "^gosonde: $2"
	equal "lines" "$(grep -vc '^gosonde: metrics at ' "$BATS_TEST_TMPDIR/stderr")" 1
}

# rules LINE…: the file of rules beside the configuration.
rules() {
	printf '%s\n' "$@" >"$(dirname "$config")/rules.yaml"
}

# only_storms: rules of which only rehash-storm fires, and once.
only_storms() {
	mv "$(only_rule rehash-storm 'cooldown: 1h')" "$(dirname "$config")/rules.yaml"
}

@test "a configuration that is wrong keeps it from starting, and tells file and line" {
	local dir
	dir=$(dirname "$config")
	config=$dir/missing.yaml refuses 1 "$dir/missing.yaml: No such file"
	config=$dir refuses 1 "$dir: a folder; expected a file"
	configure 'interval: 1s' 'syslog: [' && refuses 2 "$config:6: not YAML: "
	configure 'alertmanager: ftp://x/' && refuses 2 "$config:5: alertmanager: .*http://"
	configure 'rules: rules.yaml' && refuses 1 "rules: $dir/rules.yaml: No such file"
	rules 'rules:' '- {rule: gc-pause-spike}' '- {rule: no-such}' && refuses 2 "$dir/rules.yaml:3: rules\[1\].rule: \"no-such\": expected one of: "
	configure && mkdir "$dir/conf.d"
	printf 'min_age: 1s\nmax_targets: 1000\n' >"$dir/conf.d/10-more.yaml" && refuses 2 "$dir/conf.d/10-more.yaml:2: max_targets: .*255"
	printf '%s\0%s' 'min_age: 1s' '#' >"$dir/conf.d/10-more.yaml" && refuses 2 "$dir/conf.d/10-more.yaml:1: "
	head -c 70000 /dev/zero | tr '\0' '#' >"$dir/conf.d/10-more.yaml" && refuses 1 "$dir/conf.d/10-more.yaml: more than the 65536 bytes"
	rm "$dir/conf.d/10-more.yaml" && mkfifo "$dir/conf.d/10-more.yaml" && refuses 2 "$dir/conf.d/10-more.yaml: not a regular file"
}

# stays PATTERN: a reload is refused for that reason, and what is observed is so still.
stays() {
	reload
	tail -n 1 "$messages" | grep -qE "^gosonde: the configuration stays as it was: $1" || fail "$(tail -n 3 "$messages")"
	! said "$pid" "is not wanted any more" || fail "it was applied in part"
}

@test "a configuration that is wrong changes nothing of a daemon that runs" {
	local dir
	dir=$(dirname "$config")
	configure
	start "$(copy_of quiet)"
	daemon
	within 10 said "$pid" "is observed"
	configure 'watch: []' 'ignore: [{exe: "*"}]' 'rules: rules.yaml' && stays "rules: $dir/rules.yaml: No such file"
	rules 'rules: [{rule: fault, raise: much}]' && stays "$dir/rules.yaml:1: rules\[0\].raise: \"much\""
	rm "$dir/rules.yaml"
	configure 'ignore: [{exe: "*"}]' 'alertmanager: nowhere' && stays "$config:6: alertmanager: "
	configure 'ignore: [{exe: "*"}]' 'metrics: 127.0.0.1:1' && sed -i '/^metrics: 127.0.0.1:0/d' "$config" &&
		stays "metrics changes only with a restart"
	mkdir "$dir/conf.d" && configure 'ignore: [{exe: "*"}]' && echo 'x' >"$dir/conf.d/x.yaml" && stays "$dir/conf.d/x.yaml:1: "
	rm -r "$dir/conf.d" "$config" && stays "$config: No such file"
	within 5 eval '[[ -n $(metric go_goroutine_count "$pid") ]]'
	configure && reload
	equal "the last word" "$(tail -n 1 "$messages")" "gosonde: the configuration was read again"
	stop_daemon
}

is_away() {
	[[ $(sink_metric away syslog) == 1 ]]
}

@test "a syslog host that nobody knows keeps it neither from starting nor from what is new" {
	syslog='"udp:no-such-host.invalid:514"' configure
	daemon
	within 5 is_away
	configure && reload
	syslog='"tcp:no-such-host.invalid:514"' configure && reload
	equal "the last word" "$(tail -n 1 "$messages")" "gosonde: the configuration was read again"
	within 5 is_away
	stop_daemon
}

free_port() {
	perl -MIO::Socket::INET -e 'print IO::Socket::INET->new(Listen => 1, LocalAddr => "127.0.0.1")->sockport'
}

@test "a port in use, and a folder without room for a socket" {
	receive_http 200
	configure && sed -i "s|^metrics:.*|metrics: 127.0.0.1:$port|" "$config"
	refuses 1 "can't serve metrics on 127.0.0.1:$port: the port is in use"
	mkdir "$BATS_TEST_TMPDIR/full"
	mount -t tmpfs -o nr_inodes=1 none "$BATS_TEST_TMPDIR/full" || skip "no tmpfs can be mounted here"
	sed -i "s|^metrics:.*|metrics: unix:$BATS_TEST_TMPDIR/full/metrics|" "$config"
	refuses 1 "can't serve metrics on unix:$BATS_TEST_TMPDIR/full/metrics: No space left"
}

@test "without privileges it ends, and says which it lacks" {
	local program
	program=$(public "$gosonde")
	configure
	install -m 644 "$config" "$BATS_TEST_TMPDIR/public/gosonde.yaml"
	exits 4 "${nobody[@]}" "$program" daemon --config "$BATS_TEST_TMPDIR/public/gosonde.yaml"
	says "CAP_BPF"
	says "CAP_PERFMON"
	chmod 600 "$BATS_TEST_TMPDIR/public/gosonde.yaml"
	exits 4 "${nobody[@]}" "$program" daemon --config "$BATS_TEST_TMPDIR/public/gosonde.yaml"
	says "gosonde.yaml: Permission denied"
}

@test "without CAP_SYS_PTRACE it says once that it can't look into others' processes" {
	local program
	"$gosonde" doctor | grep -q 'uprobe_multi' || skip "kernels before 6.6 need CAP_SYS_ADMIN, which is more"
	program=$(public "$gosonde")
	configure
	install -m 644 "$config" "$BATS_TEST_TMPDIR/public/gosonde.yaml"
	start "$(copy_of quiet)"
	start "$folder/quiet"
	"${nobody[@]}" --inh-caps +bpf,+perfmon --ambient-caps +bpf,+perfmon "$program" daemon \
		--config "$BATS_TEST_TMPDIR/public/gosonde.yaml" >/dev/null 2>"$messages" 3>&- &
	agent=$!
	pids+=("$agent")
	within 30 grep -q 'is not observed' "$messages"
	sleep 1
	equal "messages" "$(grep -c 'is not observed: .*needs root, or CAP_SYS_PTRACE' "$messages")" 1
	alive "$agent"
	equal "changes" "$(text_changes "$pid")" 0
	stop_daemon
}

@test "results that can't be written are an error of every command" {
	local arguments
	start "$(workload quiet)"
	while read -r -a arguments; do
		exits 1 sh -c 'exec "$@" >/dev/full' sh "$gosonde" "${arguments[@]}"
		says '^gosonde: .*No space left on device'
		equal "lines of ${arguments[*]}" "$(grep -c 'No space' "$BATS_TEST_TMPDIR/stderr")" 1
	done <<-END
		version
		--help
		daemon --help
		doctor
		list
		list --json
		inspect $pid
		inspect $pid --json
		goroutines $pid
		goroutines $pid --json
		gctrace $pid --for 1s
		attach $pid --for 100ms --interval 100ms
		check-config --show $root/scripts/dist/gosonde.yaml
	END
	equal "changes" "$(text_changes "$pid")" 0
}

# serves FILE…: it observes and serves, whatever its messages come to.
serves() {
	within 10 eval '[[ -n $(metric go_goroutine_count "$pid") ]]'
	alive "$agent"
}

# daemon_at PORT REDIRECTION: a daemon whose messages go there.
daemon_at() {
	local port=$1
	sed -i "s|^metrics:.*|metrics: 127.0.0.1:$port|" "$config"
	echo "gosonde: metrics at http://127.0.0.1:$port/metrics" >"$messages" # for url
	bash -c 'exec 3>&-; exec "$1" daemon --config "$2" '"$2" sh "$gosonde" "$config" &
	agent=$!
	pids+=("$agent")
}

@test "messages that find no room, no reader or no file do not end it" {
	local to
	configure
	start "$(copy_of quiet)"
	for to in '>/dev/full 2>&1' '<&- >&- 2>&-' '2>&-' '2> >(exec true)'; do
		daemon_at "$(free_port)" "$to"
		serves || fail "with $to"
		kill -HUP "$agent" # it says something
		sleep 0.3
		serves || fail "after a message, with $to"
		stop_daemon || fail "with $to"
		equal "changes" "$(text_changes "$pid")" 0
	done
}

# waits SINK COUNT: that many alerts wait for it, which is away.
waits() {
	[[ $(sink_metric waiting "$1") == "$2" && $(sink_metric away "$1") == 1 ]]
}

@test "syslog's socket gone and back: what waits comes once, over a reload too" {
	only_storms
	receive_syslog
	configure 'rules: rules.yaml' 'budget_pct: off'
	start "$(copy_of storm)"
	daemon
	within 10 said "$pid" "is observed"
	kill -KILL "$receiver"
	wait "$receiver" || true
	rm "$BATS_TEST_TMPDIR/log.sock"
	kill -USR1 "$pid"
	within 30 waits syslog 1
	configure 'rules: rules.yaml' 'budget_pct: off' 'host_budget_pct: 50'
	reload
	within 5 waits syslog 1
	receive_syslog
	within 10 grep -q " rule=rehash-storm pid=$pid state=firing " "$logged"
	within 5 eval '[[ $(sink_metric sent syslog) == 1 && $(sink_metric away syslog) == 0 ]]'
	equal "lost" "$(sink_metric lost syslog)" 0
	equal "lines" "$(grep -c 'state=firing' "$logged")" 1
	stop_daemon
	! grep -q 'did not reach' "$messages" || fail "$(cat "$messages")"
}

@test "what never reached a receiver is told at the end" {
	only_storms
	configure 'rules: rules.yaml' 'budget_pct: off' && sed -i "s|^syslog:.*|syslog: unix:$BATS_TEST_TMPDIR/nowhere|" "$config"
	start "$(copy_of storm)"
	daemon
	within 10 said "$pid" "is observed"
	kill -USR1 "$pid"
	within 30 waits syslog 1
	stop_daemon
	grep -q '^gosonde: alerts that did not reach syslog: 1 (No such file or directory)$' "$messages" || fail "$(cat "$messages")"
}

# posted_storms STATE…: bodies of posts that tell of the storm.
posted_storms() {
	sed -n 's/^[0-9.]* POST [^ ]* //p' "$posted" | grep GosondeRehashStorm
}

posts() {
	(($(posted_storms | wc -l) >= $1))
}

@test "an Alertmanager that answers 500: over a reload its alert comes once, and is resolved" {
	receive_http 500 503 500 200
	configure 'rules: rules.yaml' 'budget_pct: off' "alertmanager: http://127.0.0.1:$port"
	only_storms
	start "$(copy_of storm)"
	daemon
	within 10 said "$pid" "is observed"
	kill -USR1 "$pid"
	within 30 posts 1
	sed -i 's/enabled: false/severity: info, &/' "$(dirname "$config")/rules.yaml"
	reload
	within 20 posts 4
	within 5 eval '[[ $(sink_metric sent alertmanager) == 1 ]]'
	kill -KILL "$pid" # which ends what fires
	within 10 posts 5
	equal "posts" "$(posted_storms | jq -c '[.[].endsAt != null]' | uniq -c | xargs)" "4 [false] 1 [true]"
	equal "one alert" "$(posted_storms | jq -cS '.[].labels' | sort -u | wc -l)" 1
	equal "lost" "$(sink_metric lost alertmanager)" 0
	stop_daemon
}

ticks() {
	awk -v a="$1" -v b="$(curl -s --max-time 5 "$(url metrics)" | sed -n 's/^gosonde_tick_time_seconds //p')" 'BEGIN { exit !(b > a + 1.5) }'
}

# ticks_on: the daemon ends one window after another.
ticks_on() {
	within 8 ticks "$(curl -s --max-time 5 "$(url metrics)" | sed -n 's/^gosonde_tick_time_seconds //p')"
}

@test "an Alertmanager that never answers, and clients that never read: it ticks, and reloads" {
	local at rss fds
	only_storms
	receive_http hang
	configure 'rules: rules.yaml' 'budget_pct: off' "alertmanager: http://127.0.0.1:$port"
	start "$(copy_of storm)"
	daemon
	within 10 said "$pid" "is observed"
	kill -USR1 "$pid"
	within 30 posts 1
	fds=$(find "/proc/$agent/fd" | wc -l) rss=$(awk '/^VmRSS/ { print $2 }' "/proc/$agent/status")
	at=$(url '')
	at=${at%/}
	perl -MIO::Socket::INET -e '
		$SIG{PIPE} = "IGNORE";
		my @s = map { IO::Socket::INET->new(PeerAddr => "127.0.0.1", PeerPort => $ARGV[0]) } 1..64;
		for my $s (@s) { $s and $s->blocking(0), $s->syswrite("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n" x 2000) }
		print "holding\n"; STDOUT->flush; sleep 60' "${at##*:}" >"$BATS_TEST_TMPDIR/clients" 3>&- &
	pids+=("$!")
	within 10 grep -q holding "$BATS_TEST_TMPDIR/clients"
	(($(find "/proc/$agent/fd" | wc -l) < fds + 40)) || fail "$(find "/proc/$agent/fd" | wc -l) files, $fds before"
	configure 'rules: rules.yaml' 'budget_pct: off' "alertmanager: http://127.0.0.1:$port" 'dry_run: true'
	reload
	within 20 ticks_on
	(($(awk '/^VmRSS/ { print $2 }' "/proc/$agent/status") < rss + 8192)) || fail "it grew from $rss KiB: $(grep VmRSS "/proc/$agent/status")"
	stop_daemon
	grep -q '^gosonde: alerts that did not reach alertmanager: 2 ' "$messages" || fail "$(cat "$messages")"
}

# What a target may call itself: it ends lines, strings and labels, talks to terminals, and is markup.
readonly evil=$'a"} 1\nevil{x="\\\e[2J\e]0;owned\a<script>alert(1)\xff\xc2\x9b31m'

# evil_storm: a storm of that name, whose module is no better. The module's path has as many bytes before.
evil_storm() {
	local module=$'g\e[2J<b>"\\{}\x9b.workload'
	LC_ALL=C perl -pe 'BEGIN { ($m) = splice @ARGV, 0, 1 } s{gosonde\.test/workloads}{$m}g' "$module" "$(workload storm)" \
		>"$folder/$evil"
	chmod 755 "$folder/$evil"
	cmp -s <(stat -c %s "$folder/$evil") <(stat -c %s "$(workload storm)") || fail "the names differ in length"
	out=$BATS_TEST_TMPDIR/evil.out
	: >"$out"
	"$folder/$evil" >"$out" 2>&1 3>&- &
	pid=$!
	pids+=("$pid")
	within 20 grep -q "^ready $pid\$" "$out"
}

# clean FILE: no control byte but the end of a line, no C1 control, and all of it UTF-8.
clean() {
	[[ -s $1 ]] || fail "$1 is empty"
	iconv -f UTF-8 -t UTF-8 <"$1" >/dev/null || fail "$(cat -v "$1")"
	! LC_ALL=C grep -qP '[\x00-\x09\x0b-\x1f\x7f]|\xc2[\x80-\x9f]' "$1" || fail "$(LC_ALL=C grep -P '[\x00-\x09\x0b-\x1f\x7f]|\xc2[\x80-\x9f]' "$1" | cat -v)"
	! grep -q '^evil' "$1" || fail "a name began a line:" "$(cat -v "$1")"
}

@test "a target that is named to inject lines, terminal escapes and markup" {
	local journal=$BATS_TEST_TMPDIR/journal at
	only_storms
	receive_syslog
	perl "$BATS_TEST_DIRNAME/syslog-receive" unix "$BATS_TEST_TMPDIR/journal.sock" >"$journal" 2>&1 3>&- &
	pids+=("$!")
	within 10 test -S "$BATS_TEST_TMPDIR/journal.sock"
	receive_http 200
	configure 'rules: rules.yaml' 'budget_pct: off' "journald: $BATS_TEST_TMPDIR/journal.sock" "alertmanager: http://127.0.0.1:$port"
	evil_storm
	daemon
	within 10 said "$pid" "is observed"
	kill -USR1 "$pid"
	within 30 grep -q 'rule=rehash-storm' "$logged"
	within 10 posts 1
	within 10 grep -q GOSONDE_RULE=rehash-storm "$journal"

	clean "$logged"
	equal "lines of syslog" "$(grep -vc '^listening' "$logged")" 1
	clean "$journal"
	equal "journald's lines that are no field" "$(grep -vcE '^([A-Z_0-9]+=.*|listening|)$' "$journal")" 0
	equal "journald's exe" "$(sed -n 's/^GOSONDE_EXE=//p' "$journal")" \
		"$folder/"'a"} 1\x0aevil{x="\\x1b[2J\x1b]0;owned\x07<script>alert(1)\xff\u{9b}31m'
	equal "Alertmanager's exe" "$(posted_storms | jq -r '.[0].labels.exe')" "$(sed -n 's/^GOSONDE_EXE=//p' "$journal")"
	[[ $(posted_storms | jq -r '.[0].labels.module') == 'g\x1b[2J<b>"\{}\x9b.workload' ]] || fail "$(posted_storms)"
	# An alert may be there before the first tick.
	within 10 eval 'curl -s "$(url metrics)" >"$BATS_TEST_TMPDIR/metrics"; grep -q "^gosonde_target_info" "$BATS_TEST_TMPDIR/metrics"'
	clean "$BATS_TEST_TMPDIR/metrics"
	equal "series of the process" "$(grep -c "^gosonde_target_info{pid=\"$pid\",exe=\"a\\\\\"} 1" "$BATS_TEST_TMPDIR/metrics")" 1
	equal "lines that are no sample" "$(grep -vcE '^(# .*|[a-z_]+(\{([a-z_]+="([^"\\]|\\.)*",?)*\})? [^ ]+)$' "$BATS_TEST_TMPDIR/metrics")" 0
	clean "$messages"
	stop_daemon
	clean "$messages"
}

@test "the same in the list, and for whoever attaches" {
	only_storms
	evil_storm
	"$gosonde" list 2>/dev/null >"$BATS_TEST_TMPDIR/list"
	clean "$BATS_TEST_TMPDIR/list"
	equal "rows" "$(grep -cE "^ *$pid " "$BATS_TEST_TMPDIR/list")" 1
	equal "rows that are none" "$(grep -vcE '^ *([0-9]+|PID) ' "$BATS_TEST_TMPDIR/list")" 0
	"$gosonde" list --json >"$BATS_TEST_TMPDIR/list"
	clean "$BATS_TEST_TMPDIR/list"
	equal "JSON" "$(jq -c "select(.pid == $pid) | .exe" "$BATS_TEST_TMPDIR/list" | wc -l)" 1
	for arguments in inspect 'inspect --json' goroutines 'goroutines --json'; do
		# shellcheck disable=SC2086 # words
		exits 0 "$gosonde" $arguments "$pid"
		clean "$BATS_TEST_TMPDIR/stdout"
	done
	attach "$pid" --budget off --rules "$(dirname "$config")/rules.yaml"
	kill -USR1 "$pid"
	within 20 has_alert firing rehash-storm
	finish_agent
	clean "$json"
	clean "$messages"
	equal "lines that are no JSON" "$(jq -cR 'try (fromjson | empty) catch "x"' "$json" | wc -l)" 0
	exits 0 "$gosonde" attach "$pid" --for 1s
	clean "$BATS_TEST_TMPDIR/stdout"
}
