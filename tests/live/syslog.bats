#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2030,SC2031,SC2154 # bats runs each test in a subshell; helper.bash sets the rest
#
# An alert's line reaches real sockets, and a real rsyslog reads its fields whole.

load helper

setup() {
	needs_root
	PATH=$PATH:/usr/sbin
}

teardown() {
	stop_all
}

# receive unix PATH | udp: a receiver that writes datagrams to $received, one a line; for udp sets $port.
receive() {
	received=$BATS_TEST_TMPDIR/received
	perl "$BATS_TEST_DIRNAME/syslog-receive" "$@" >"$received" 2>&1 3>&- &
	pids+=("$!")
	within 10 grep -q '^listening' "$received"
	port=$(sed -n 's/^listening \([0-9]*\)$/\1/p' "$received")
}

# storm_to TARGET FILE [KEYS]: attaches to a storm with that --syslog, and a rule that has these keys, until
# its alert is in FILE; sets $line.
storm_to() {
	start "$(workload storm)"
	attach "$pid" --budget off --rules "$(only_rule rehash-storm "${3:-}")" "--syslog=$1"
	kill -USR1 "$pid"
	within 20 grep -q rehash-storm "$2"
	finish_agent
	line=$(grep -m 1 rehash-storm "$2")
	echo "$line"
}

matches() {
	[[ $line =~ $1 ]] || fail "the line does not match $1:" "$line"
}

@test "local format on a Unix datagram socket" {
	receive unix "$BATS_TEST_TMPDIR/log.sock"
	storm_to "unix:$BATS_TEST_TMPDIR/log.sock" "$received"
	# What syslog(3) writes; facility daemon: 3 * 8 + severity.
	matches '^<(2[4-9]|3[01])>[A-Z][a-z]{2} [ 123][0-9] [0-9]{2}:[0-9]{2}:[0-9]{2} gosonde\[[0-9]+\]: '
	matches ' rule=rehash-storm( |$)'
	matches " pid=$pid( |\$)"
	matches " gosonde\\[$agent\\]"
}

@test "RFC 5424 over UDP" {
	receive udp
	storm_to "udp:127.0.0.1:$port" "$received"
	matches '^<(2[4-9]|3[01])>1 [0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+(Z|[+-][0-9]{2}:[0-9]{2}) [^ ]+ gosonde [^ ]+ [^ ]+ \[gosonde@32473 '
	matches ' rule="rehash-storm"'
	matches " pid=\"$pid\""
}

@test "a receiver that is away neither stops the agent nor ends it" {
	start "$(workload storm)"
	attach "$pid" --budget off --rules "$(only_rule rehash-storm)" "--syslog=unix:$BATS_TEST_TMPDIR/nobody.sock"
	kill -USR1 "$pid"
	within 20 has_alert firing rehash-storm
	finish_agent
	equal "exit status" "$agent_status" 0
	equal "one summary" "$(lines summary | wc -l)" 1
	grep -q "alerts that did not reach syslog: [1-9][0-9]* (No such file" "$messages" || fail "the loss was not told:" "$(cat "$messages")"
	grep -q "syslog: $(summary .alerts_lost) (" "$messages" || fail "$(lines summary)" "$(cat "$messages")"
}

@test "a host that nobody knows is told before anything is observed" {
	start "$(workload quiet)"
	echo 'hosts: files' >"$BATS_TEST_TMPDIR/nsswitch.conf"
	# shellcheck disable=SC2016 # for the inner shell
	exits 1 unshare --mount --propagation private sh -c 'mount --bind "$1" /etc/nsswitch.conf && shift && exec "$@"' sh \
		"$BATS_TEST_TMPDIR/nsswitch.conf" "$gosonde" attach "$pid" --syslog=udp:no-such-host:514
	says '^gosonde: syslog: no-such-host: Name or service not known$'
}

# rsyslog runs a real daemon of our own: its sockets, its file, nothing of the machine's.
rsyslog() {
	local dir=$BATS_TEST_TMPDIR/rsyslog
	command -v rsyslogd >/dev/null || skip "rsyslogd is not installed"
	mkdir -p "$dir"
	port=$(perl -MIO::Socket::INET -e 'print IO::Socket::INET->new(Proto => "udp", LocalAddr => "127.0.0.1")->sockport')
	[[ -n ${tcp_port:-} ]] ||
		tcp_port=$(perl -MIO::Socket::INET -e 'print IO::Socket::INET->new(Listen => 1, LocalAddr => "127.0.0.1")->sockport')
	rm -f "$dir/log.sock"
	cat >"$dir/conf" <<-END
		global(workDirectory="$dir")
		module(load="imuxsock" SysSock.Use="off")
		module(load="imudp")
		module(load="imtcp")
		module(load="mmpstrucdata")
		input(type="imuxsock" Socket="$dir/log.sock" CreatePath="off")
		input(type="imudp" address="127.0.0.1" port="$port")
		input(type="imtcp" address="127.0.0.1" port="$tcp_port")
		action(type="mmpstrucdata")
		template(name="fields" type="string"
			string="tag=%programname% severity=%syslogseverity-text% facility=%syslogfacility-text% rule=%\$!rfc5424-sd!gosonde@32473!rule% pid=%\$!rfc5424-sd!gosonde@32473!pid% team=%\$!rfc5424-sd!labels@32473!team% msg=%msg%\\n")
		action(type="omfile" file="$dir/out" template="fields")
	END
	rsyslogd -n -f "$dir/conf" -i "$dir/pid" >"$dir/messages" 2>&1 3>&- &
	rsyslog_pid=$!
	pids+=("$rsyslog_pid")
	within 10 test -S "$dir/log.sock"
	rsyslog_dir=$dir
	touch "$dir/out"
}

@test "a real rsyslog reads the local line whole" {
	rsyslog
	storm_to "unix:$rsyslog_dir/log.sock" "$rsyslog_dir/out"
	matches '^tag=gosonde severity=[a-z]+ facility=daemon '
	matches 'msg=.*rule=rehash-storm '
	matches "msg=.* pid=$pid "
}

@test "a real rsyslog reads the fields of RFC 5424 over UDP" {
	rsyslog
	storm_to "udp:127.0.0.1:$port" "$rsyslog_dir/out"
	matches "^tag=gosonde severity=[a-z]+ facility=daemon rule=rehash-storm pid=$pid team= msg=."
}

@test "a real rsyslog reads labels, whatever their values have" {
	rsyslog
	storm_to "udp:127.0.0.1:$port" "$rsyslog_dir/out" "labels: {team: 'a] \"b', tier: '1'}"
	matches " rule=rehash-storm pid=$pid team=a\] \"b msg=."
}

@test "a real rsyslog reads the fields of RFC 5424 over TCP, octet-counted" {
	rsyslog
	storm_to "tcp:127.0.0.1:$tcp_port" "$rsyslog_dir/out"
	matches "^tag=gosonde severity=[a-z]+ facility=daemon rule=rehash-storm pid=$pid team= msg=."
	! grep -q 'did not reach' "$messages" || fail "told a loss:" "$(cat "$messages")"
}

@test "over TCP, what happened while rsyslog was away comes when it is back" {
	rsyslog
	start "$(workload storm)"
	attach "$pid" --budget off --rules "$(only_rule rehash-storm)" "--syslog=tcp:127.0.0.1:$tcp_port"
	kill -KILL "$rsyslog_pid"
	wait "$rsyslog_pid" || true
	kill -USR1 "$pid"
	within 20 has_alert firing rehash-storm
	sleep 1
	rsyslog
	within 40 grep -q "rule=rehash-storm pid=$pid" "$rsyslog_dir/out"
	finish_agent
	equal "times that it came" "$(grep -c "rule=rehash-storm pid=$pid" "$rsyslog_dir/out")" "$(lines alert | wc -l)"
	! grep -q 'did not reach' "$messages" || fail "told a loss:" "$(cat "$messages")"
}

@test "over TCP, a receiver that is away slows nothing, and is told of" {
	tcp_port=$(perl -MIO::Socket::INET -e 'print IO::Socket::INET->new(Listen => 1, LocalAddr => "127.0.0.1")->sockport')
	start "$(workload storm)"
	attach "$pid" --budget off --rules "$(only_rule rehash-storm)" "--syslog=tcp:127.0.0.1:$tcp_port"
	kill -USR1 "$pid"
	within 20 has_alert firing rehash-storm
	sleep 1
	lines window | jq -e -s 'length > 0 and all(.[]; .seconds < 1.5)' >/dev/null || fail "windows are late"
	finish_agent
	equal "exit status" "$agent_status" 0
	grep -q "alerts that did not reach syslog: [1-9][0-9]* (Connection refused)" "$messages" || fail "the loss was not told:" "$(cat "$messages")"
}
