#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2030,SC2031,SC2154 # bats runs each test in a subshell; helper.bash sets the rest
#
# A real Alertmanager has the alert with its labels; servers that answer badly, or never, slow nothing.

load helper

setup() {
	needs_root
}

teardown() {
	stop_all
}

free_port() {
	perl -MIO::Socket::INET -e 'print IO::Socket::INET->new(Listen => 1, LocalAddr => "127.0.0.1")->sockport'
}

# alertmanager PORT: a real one of our own, which notifies nobody.
alertmanager() {
	local dir=$BATS_TEST_TMPDIR/alertmanager program
	grep -q '^ID=debian$' /etc/os-release || skip "Alertmanager comes from Debian's package, and this is no Debian"
	program=$("$root/scripts/servers" prometheus-alertmanager)
	mkdir -p "$dir"
	printf 'route: { receiver: nobody }\nreceivers: [ { name: nobody } ]\n' >"$dir/config.yml"
	# Debian's reads its templates from /usr/share: in a mount namespace its own lies there.
	# shellcheck disable=SC2016 # for the inner shell
	unshare --mount --propagation private sh -c 'mount --bind "$1" /usr/share && shift && exec "$@"' sh \
		"${program%/bin/*}/share" "$program" --config.file="$dir/config.yml" --storage.path="$dir" \
		--cluster.listen-address= --web.listen-address="127.0.0.1:$1" >"$dir/messages" 2>&1 3>&- &
	pids+=("$!")
	within 20 curl -fs "http://127.0.0.1:$1/-/ready" -o /dev/null || fail "$(tail -n 3 "$dir/messages")"
}

# alerts PORT FILTER: jq's, of what Alertmanager has, those that are over included.
alerts() {
	curl -fsS "http://127.0.0.1:$1/api/v2/alerts" | jq -r "$2"
}

has_alerts() {
	[[ $(alerts "$1" 'length') -ge 1 ]]
}

has_none() {
	[[ $(alerts "$1" '[.[] | select(.labels.rule == "rehash-storm")] | length') == 0 ]]
}

# receiver ANSWER…: http-receive; sets $port and $received.
receiver() {
	received=$BATS_TEST_TMPDIR/received
	perl "$BATS_TEST_DIRNAME/http-receive" "$@" >"$received" 2>&1 3>&- &
	pids+=("$!")
	within 10 grep -q '^listening' "$received"
	port=$(sed -n 's/^listening \([0-9]*\)$/\1/p' "$received")
}

# storm URL: a storm, until its alert is raised; the agent runs on.
storm() {
	start "$(workload storm)"
	attach "$pid" --budget off --rules "$(only_rule rehash-storm)" "--alertmanager=$1"
	kill -USR1 "$pid"
	within 20 has_alert firing rehash-storm
}

requests() {
	(($(grep -c ' POST /' "$received") >= $1))
}

# windows_are_on_time: nothing held up the pipeline: windows of a second are of a second.
windows_are_on_time() {
	lines window | jq -e -s 'length > 0 and all(.[]; .seconds < 1.5)' >/dev/null ||
		fail "windows are late:" "$(lines window | jq .seconds)"
}

@test "a real Alertmanager has the alert, its labels and its evidence, and that it is over" {
	port=$(free_port)
	alertmanager "$port"
	storm "http://127.0.0.1:$port/"
	within 10 has_alerts "$port"
	equal labels "$(alerts "$port" '.[0].labels | "\(.alertname) \(.rule) \(.pid) \(.severity) \(.instance)"')" \
		"GosondeRehashStorm rehash-storm $pid warning $(hostname)"
	equal "exe" "$(alerts "$port" '.[0].labels.exe')" "$(readlink "/proc/$pid/exe")"
	equal "labels in all" "$(alerts "$port" '.[0].labels | keys - ["container", "pod_uid", "qos"] | join(" ")')" \
		"alertname exe instance module pid rule severity subject"
	[[ $(alerts "$port" '.[0].annotations.summary') == *main.* ]] || fail "no culprit in the summary"
	[[ $(alerts "$port" '.[0].annotations.evidence') == *'(*Cache).Rebuild'* ]] || fail "no evidence"
	[[ $(alerts "$port" '.[0].annotations.advice') == *'make(map'* ]] || fail "no advice"
	kill -USR2 "$pid"
	within 40 has_alert resolved rehash-storm
	within 10 has_none "$port" # active ones are what it lists
	finish_agent
	equal "exit status" "$agent_status" 0
	! grep -q 'did not reach' "$messages" || fail "told a loss:" "$(cat "$messages")"
}

@test "an Alertmanager that comes later gets what waited" {
	port=$(free_port)
	storm "http://127.0.0.1:$port"
	sleep 1
	alertmanager "$port"
	within 40 has_alerts "$port"
	windows_are_on_time
	finish_agent
	! grep -q 'did not reach' "$messages" || fail "told a loss:" "$(cat "$messages")"
}

@test "answers 500 and 503 are tried again, with longer and longer pauses" {
	receiver 500 503 500 200
	storm "http://127.0.0.1:$port/prefix"
	within 20 requests 4
	grep -q ' POST /prefix/api/v2/alerts \[{"labels":{"alertname":"GosondeRehashStorm",' "$received" ||
		fail "other requests:" "$(cat "$received")"
	perl -lane '
		next unless $F[1] && $F[1] eq "POST" && $n++ < 4;
		push @pauses, $F[0] - $last if $last;
		$last = $F[0];
		END {
			for (my $i = 0; $i < @pauses; $i++) {
				my $wanted = 0.5 * 2 ** $i;
				die "pauses: @pauses\n" unless $pauses[$i] > 0.74 * $wanted;
			}
		}' "$received"
	windows_are_on_time
	finish_agent
	! grep -q 'did not reach' "$messages" || fail "told a loss:" "$(cat "$messages")"
}

@test "an alert that is refused is not tried again, and told" {
	receiver 400
	storm "http://127.0.0.1:$port"
	within 10 requests 2 # the alert, and that it was lost
	finish_agent
	equal "the alert was posted" "$(grep -c '"state\|GosondeRehashStorm' "$received")" 1
	grep -q 'GosondeAlertsLost' "$received" || fail "the receiver was not told"
	equal "exit status" "$agent_status" 0
	grep -q 'did not reach alertmanager: 1 (HTTP status 400)' "$messages" || fail "not told:" "$(cat "$messages")"
	equal "alerts_lost" "$(summary .alerts_lost)" 1
}

@test "a redirect is not followed" {
	receiver 302
	storm "http://127.0.0.1:$port"
	within 10 requests 1
	finish_agent
	grep -q 'did not reach alertmanager: 1 (HTTP status 302)' "$messages" || fail "not told:" "$(cat "$messages")"
}

@test "a server that never answers slows neither the agent nor its end" {
	local began ended_s
	receiver hang
	storm "http://127.0.0.1:$port"
	within 10 requests 1
	sleep 2
	windows_are_on_time
	began=$EPOCHSECONDS
	finish_agent
	ended_s=$((EPOCHSECONDS - began))
	((ended_s <= 5)) || fail "ended after $ended_s s"
	equal "exit status" "$agent_status" 0
	grep -q 'did not reach alertmanager: [1-9]' "$messages" || fail "not told:" "$(cat "$messages")"
}

@test "a server that is away is told of, with why" {
	storm "http://127.0.0.1:$(free_port)"
	sleep 1
	windows_are_on_time
	finish_agent
	equal "exit status" "$agent_status" 0
	grep -q 'did not reach alertmanager: 1 (Failed to connect' "$messages" || fail "not told:" "$(cat "$messages")"
}

@test "a certificate that nobody vouches for is not accepted" {
	local dir=$BATS_TEST_TMPDIR/tls tls_port
	command -v openssl >/dev/null || skip "openssl is not installed"
	tls_port=$(free_port)
	mkdir "$dir"
	openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1 \
		-keyout "$dir/key" -out "$dir/cert" 2>/dev/null
	openssl s_server -accept "127.0.0.1:$tls_port" -key "$dir/key" -cert "$dir/cert" -www \
		>"$dir/messages" 2>&1 3>&- &
	pids+=("$!")
	within 10 grep -q ACCEPT "$dir/messages"
	storm "https://127.0.0.1:$tls_port"
	sleep 1
	finish_agent
	grep -qi 'did not reach alertmanager: 1 (SSL certificate problem' "$messages" || fail "not told:" "$(cat "$messages")"
}

@test "a dry run posts nothing" {
	receiver 200
	start "$(workload storm)"
	attach "$pid" --budget off --rules "$(only_rule rehash-storm)" --dry-run "--alertmanager=http://127.0.0.1:$port"
	kill -USR1 "$pid"
	within 20 has_alert firing rehash-storm
	finish_agent
	! requests 1 || fail "it posted:" "$(cat "$received")"
}

@test "what is no URL of a server is a usage error, and shows no password" {
	local url
	for url in 127.0.0.1:9093 ftp://127.0.0.1/ 'http://user:secret@h/?a=b' 'http://h/#x' 'http://' ''; do
		exits 2 "$gosonde" attach $$ "--alertmanager=$url"
		says '^gosonde: alertmanager: '
		! grep -q secret "$BATS_TEST_TMPDIR/stderr" || fail "it shows the password"
	done
}
