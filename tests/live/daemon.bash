# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash disable=SC2034,SC2154 # what is set here is used by the tests; helper.bash sets the rest
#
# What tests of the daemon share: one that looks at programs of the test only, whose copies lie in a
# folder of their own, and receivers of its alerts.

folder='' config='' messages='' logged='' posted='' port='' receiver=''

daemon_setup() {
	command -v curl >/dev/null || skip "curl is not installed"
	folder=$BATS_TEST_TMPDIR/programs
	config=$BATS_TEST_TMPDIR/etc/gosonde.yaml
	messages=$BATS_TEST_TMPDIR/daemon.messages
	mkdir -p "$folder" "$(dirname "$config")"
}

# configure LINE…: over what every test has. Alerts go nowhere unless $syslog says. A `watch` among the
# lines takes the place of the folder's.
configure() {
	{
		[[ "$*" == *watch:* ]] || printf '%s\n' "watch: [{exe: \"$folder/*\"}]"
		printf '%s\n' 'min_age: 100ms' 'metrics: 127.0.0.1:0' "syslog: ${syslog:-off}" "$@"
	} >"$config"
}

# copy_of NAME: a workload where the daemon looks; prints its path.
copy_of() {
	install -m 755 "$(workload "$1")" "$folder"
	echo "$folder/$1"
}

# daemon: starts it, until it serves.
daemon() {
	: >"$messages"
	"$gosonde" daemon --config "$config" >/dev/null 2>"$messages" 3>&- &
	agent=$!
	pids+=("$agent")
	within 30 serves_or_ended
	alive "$agent" || fail "the daemon ended:" "$(cat "$messages")"
}

serves_or_ended() {
	ended "$agent" || curl -sf --max-time 5 -o /dev/null "$(url readyz)"
}

url() {
	echo "$(sed -n 's|^gosonde: metrics at \(http.*\)/metrics$|\1|p' "$messages")/$1"
}

# metric NAME PID: its value for that process.
metric() {
	curl -s --max-time 5 "$(url metrics)" | awk -v name="$1{pid=\"$2\"" 'index($0, name) == 1 { print $NF }' | head -n 1
}

# sink_metric NAME SINK: gosonde_sink_NAME, or gosonde_sink_NAME_total.
sink_metric() {
	curl -s --max-time 5 "$(url metrics)" | sed -nE "s/^gosonde_sink_$1(_total)?\{sink=\"$2\"\} //p"
}

# said PID WHAT
said() {
	grep -q "^gosonde: process $1: $2\$" "$messages"
}

no_changes() {
	[[ $(text_changes "$1") == 0 ]]
}

stop_daemon() {
	kill -TERM "$agent"
	await_agent 20
	equal "exit status" "$agent_status" 0
}

# reload: SIGHUP, until the daemon has told what came of it.
reload() {
	local before
	before=$(grep -c '^gosonde: the configuration ' "$messages" || true)
	kill -HUP "$agent"
	within 10 eval "((\$(grep -c '^gosonde: the configuration ' \"\$messages\") > $before))"
}

# receive_syslog: a local syslog's socket; sets $syslog to it for configure, and $logged and $receiver.
receive_syslog() {
	logged=$BATS_TEST_TMPDIR/logged
	syslog=unix:$BATS_TEST_TMPDIR/log.sock
	rm -f "$BATS_TEST_TMPDIR/log.sock"
	perl "$BATS_TEST_DIRNAME/syslog-receive" unix "$BATS_TEST_TMPDIR/log.sock" >>"$logged" 2>&1 3>&- &
	receiver=$!
	pids+=("$receiver")
	within 10 test -S "$BATS_TEST_TMPDIR/log.sock"
}

# receive_http ANSWER…: http-receive; sets $port and $posted.
receive_http() {
	posted=$BATS_TEST_TMPDIR/posted
	: >"$posted" # grep may look before the job begins
	perl "$BATS_TEST_DIRNAME/http-receive" "$@" >"$posted" 2>&1 3>&- &
	receiver=$!
	pids+=("$receiver")
	within 10 grep -q '^listening' "$posted"
	port=$(sed -n 's/^listening \([0-9]*\)$/\1/p' "$posted")
}

# other_clock: a library that sets the wall clock of whoever preloads it forward, by as many seconds as
# $BATS_TEST_TMPDIR/ahead says; prints its path.
other_clock() {
	local library=$BATS_TEST_TMPDIR/other_clock.so
	"${CC:-cc}" -shared -fPIC -O2 -DAHEAD="\"$BATS_TEST_TMPDIR/ahead\"" -x c -o "$library" - <<-'END' >&2 || return 1
		#define _GNU_SOURCE
		#include <dlfcn.h>
		#include <stdio.h>
		#include <time.h>
		int clock_gettime(clockid_t clock, struct timespec *ts)
		{
			static int (*real)(clockid_t, struct timespec *);
			FILE *f;
			long s;
			int rc;

			if (!real)
				real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
			rc = real(clock, ts);
			if (clock != CLOCK_REALTIME || !(f = fopen(AHEAD, "r")))
				return rc;
			if (fscanf(f, "%ld", &s) == 1)
				ts->tv_sec += s;
			fclose(f);
			return rc;
		}
	END
	echo "$library"
}

# ahead_by SECONDS TIME: so far is that time, of the epoch, before ours, or nearly.
ahead_by() {
	awk -v s="$1" -v t="${2:-0}" -v now="$EPOCHREALTIME" 'BEGIN { d = t - now - s; exit !(d > -5 && d < 5) }'
}
