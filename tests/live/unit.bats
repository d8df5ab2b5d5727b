#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2016,SC2034,SC2030,SC2031,SC2154 # eval expands; bats runs each test in a subshell; helper.bash sets the rest
#
# The service: systemd takes the unit as it is, and what the unit gives is what the daemon needs and
# no more.

load helper
load daemon

unit=$BATS_TEST_DIRNAME/../../scripts/dist/gosonde.service
drop_in=$BATS_TEST_DIRNAME/../../scripts/dist/gosonde-before-6.6.conf
readonly other=(setpriv --reuid 1 --regid 1 --clear-groups)

# Bits of capabilities(7).
readonly dac_read_search=$((1 << 2)) sys_ptrace=$((1 << 19)) sys_admin=$((1 << 21)) perfmon=$((1 << 38)) \
	bpf=$((1 << 39)) checkpoint_restore=$((1 << 40))

setup() {
	needs_root
	daemon_setup
	chmod 755 "$BATS_RUN_TMPDIR" "$(dirname "$BATS_TEST_TMPDIR")" "$BATS_TEST_TMPDIR"
}

teardown() {
	stop_all
}

has_uprobe_multi() {
	"$gosonde" doctor | grep -q '^ok .*uprobe_multi'
}

# unit_capabilities: those of the unit, and of the drop-in where this kernel is one for it, as setpriv
# names them.
unit_capabilities() {
	local files=("$unit")
	has_uprobe_multi || files+=("$drop_in")
	sed -n 's/^AmbientCapabilities=//p' "${files[@]}" | xargs -n 1 | sed 's/^CAP_\(.*\)/+\L\1/' | xargs | tr ' ' ,
}

# as_service MORE: what the daemon is run under from now on: a user that owns nothing, with the unit's
# capabilities, and MORE.
as_service() {
	local caps
	caps=-all,$(unit_capabilities)${1:-}
	gosonde=$(public "$gosonde")
	daemon_prefix=("${nobody[@]}" "--inh-caps=$caps" "--ambient-caps=$caps" "--bounding-set=$caps" --no-new-privs)
}

# daemon_under: as daemon, under $daemon_prefix.
daemon_under() {
	: >"$messages"
	"${daemon_prefix[@]}" "$gosonde" daemon --config "$config" >/dev/null 2>"$messages" 3>&- &
	agent=$!
	pids+=("$agent")
	within 30 serves_or_ended
	alive "$agent" || fail "the daemon ended:" "$(cat "$messages")"
}

# capabilities PID SET: of all its threads, each once; SET is Eff, Prm, Inh or Amb.
capabilities() {
	sed -n "s/^Cap$2:\t//p" "/proc/$1"/task/*/status | sort -u | xargs
}

# has_only PID MASK: every thread has these capabilities, and could get no others.
has_only() {
	local set mask
	mask=$(printf '%016x' "$2")
	for set in Eff Prm; do
		[[ $(capabilities "$1" "$set") == "$mask" ]] || return 1
	done
	for set in Inh Amb; do
		[[ $(capabilities "$1" "$set") == 0000000000000000 ]] || return 1
	done
	grep -q '^NoNewPrivs:\s1$' "/proc/$1/status"
}

survivor_of() {
	cat "/proc/$1"/task/*/children | xargs
}

# least MASK: what is to be left of MASK once the programs are loaded.
least() {
	if has_uprobe_multi; then
		echo $(($1 & (sys_ptrace | dac_read_search | checkpoint_restore)))
	else
		echo "$1"
	fi
}

@test "systemd understands the unit, and finds it exposed at most 2.5 of 10, with the drop-in too" {
	command -v systemd-analyze >/dev/null || skip "there is no systemd-analyze"
	local copy=$BATS_TEST_TMPDIR/gosonde.service
	# It wants the program where the unit has it, and the man pages.
	sed "s|/usr/bin/gosonde|$gosonde|" "$unit" >"$copy"
	run systemd-analyze verify --man=no "$copy"
	equal "exit status" "$status" 0
	equal "complaints" "$(grep -F gosonde.service <<<"$output")" ""
	systemd-analyze security --offline=true --threshold=25 "$copy" >/dev/null
	mkdir "$copy.d"
	cp "$drop_in" "$copy.d"
	run systemd-analyze security --offline=true --threshold=25 "$copy"
	equal "exit status" "$status" 0
	grep -q 'CAP_SYS_ADMIN' <<<"$(grep '✗' <<<"$output")" || fail "the drop-in was not read" "$output"
}

@test "systemd makes the service's user" {
	command -v systemd-sysusers >/dev/null || skip "there is no systemd-sysusers"
	mkdir -p "$BATS_TEST_TMPDIR/root/etc"
	systemd-sysusers --root="$BATS_TEST_TMPDIR/root" "$BATS_TEST_DIRNAME/../../scripts/dist/gosonde.sysusers"
	grep -q '^gosonde:x:[0-9]*:[0-9]*:.*:/nonexistent:/usr/sbin/nologin$' "$BATS_TEST_TMPDIR/root/etc/passwd"
	equal "user" "$(sed -n 's/^User=//p' "$unit")" gosonde
}

@test "with the unit's capabilities it observes programs of other users, and keeps the least of them" {
	local of_root of_root_out mask=$((bpf | perfmon | sys_ptrace))
	has_uprobe_multi || mask=$((mask | sys_admin))
	as_service
	receive_syslog
	chmod 777 "$BATS_TEST_TMPDIR/log.sock"
	configure 'budget_pct: off'
	start "$(copy_of truth)" -for 2s
	of_root=$pid of_root_out=$out
	start "${other[@]}" "$folder/truth" -for 2s
	daemon_under
	within 10 said "$of_root" "is observed"
	within 10 said "$pid" "is observed"
	within 10 has_only "$agent" "$(least "$mask")" || fail "$(grep -E '^Cap|^NoNew' "/proc/$agent"/task/*/status)"
	has_only "$(survivor_of "$agent")" "$mask" || fail "$(grep -E '^Cap|^NoNew' "/proc/$(survivor_of "$agent")/status")"
	kill -USR1 "$of_root" "$pid"
	within 60 grep -q '^{"type":"truth"' "$out"
	within 60 grep -q '^{"type":"truth"' "$of_root_out"
	within 10 eval '[[ $(metric gosonde_map_writes_total "$pid") == "$(truth writes)" ]]'
	# The census reads its memory.
	within 10 eval '(($(metric go_goroutine_count "$pid") > 0))'
	# Attached without what loading took, and let go.
	start "${other[@]}" "$(copy_of storm)"
	within 10 said "$pid" "is observed"
	kill -USR1 "$pid"
	within 30 grep -q " rule=rehash-storm pid=$pid " "$logged"
	stop_daemon
	within 10 no_changes "$pid"
	equal "changes" "$(text_changes "$of_root")" 0
}

@test "killed, the service leaves no breakpoint: its child does what is left, whatever systemd sends it" {
	local survivor
	as_service
	configure 'budget_pct: off'
	start "${other[@]}" "$(copy_of truth)" -for 30s
	daemon_under
	within 10 said "$pid" "is observed"
	survivor=$(survivor_of "$agent")
	pids+=("$survivor")
	kill -TERM "$survivor"
	kill -HUP "$survivor"
	kill -ABRT "$survivor" # the watchdog's
	sleep 0.2
	alive "$survivor"
	kill -KILL "$agent"
	wait "$agent" || true
	within 10 no_changes "$pid"
	within 10 ended "$survivor"
	alive "$pid"
}

@test "breakpoints that a killed agent left are taken out with the unit's capabilities" {
	local left
	as_service
	configure
	start "${other[@]}" "$(copy_of quiet)"
	left=$("$build/tests/live/strand" "$pid") || { (($? == 3)) && skip "this kernel left no breakpoint"; }
	((left > 0)) || fail "strand: $left"
	daemon_under
	within 10 said "$pid" "is observed"
	stop_daemon
	within 10 no_changes "$pid"
	alive "$pid"
}

# expand NAME…: systemd's sets of system calls, as far as calls.
expand() {
	local name
	for name in "$@"; do
		if [[ $name == @* ]]; then
			# shellcheck disable=SC2046 # a list of names
			expand $(systemd-analyze syscall-filter "$name" | sed '1d; s/#.*//')
		else
			echo "$name"
		fi
	done
}

# allowed_calls: those of the unit's SystemCallFilter=, whose lines add and take away in turn.
allowed_calls() {
	local list call
	local -A allowed=()
	for call in $(expand @default); do allowed[$call]=1; done
	while read -r list; do
		# shellcheck disable=SC2086 # a list of names
		for call in $(expand ${list#\~}); do
			if [[ $list == '~'* ]]; then unset "allowed[$call]"; else allowed[$call]=1; fi
		done
	done < <(sed -n 's/^SystemCallFilter=//p' "$unit")
	printf '%s\n' "${!allowed[@]}" | sort
}

# The kernel lets the call of its own trampoline, uprobe(2), pass every filter; strace has no name for it.
@test "every system call that it makes, and every kind of socket, is one that the unit allows" {
	local trace=$BATS_TEST_TMPDIR/trace main
	command -v systemd-analyze >/dev/null || skip "there is no systemd-analyze"
	command -v strace >/dev/null || skip "strace is not installed"
	receive_http 200
	syslog=udp:localhost:9
	configure 'budget_pct: off' 'journald: on' "alertmanager: http://localhost:$port"
	start "$(copy_of storm)"
	daemon_prefix=(strace -f -qq -o "$trace")
	daemon_under
	main=$(survivor_of "$agent")
	pids+=("$main")
	within 20 said "$pid" "is observed"
	kill -USR1 "$pid"
	within 30 grep -q rehash-storm "$posted"
	kill -HUP "$main"
	within 10 grep -q 'the configuration was read again' "$messages"
	kill -KILL "$main"
	within 20 ended "$agent"
	within 10 no_changes "$pid"
	sed -n 's/^[0-9]* *\([a-z][a-z0-9_]*\)(.*/\1/p' "$trace" | grep -v '^syscall_0x' | sort -u >"$trace.calls"
	grep -qx bpf "$trace.calls" && grep -qx capset "$trace.calls" && grep -qx sendto "$trace.calls" ||
		fail "not much was traced" "$(xargs <"$trace.calls")"
	equal "calls that the unit forbids" "$(allowed_calls | comm -13 - "$trace.calls" | xargs)" ""
	grep -o 'socket(AF_[A-Z0-9]*' "$trace" | sed 's/.*(//' | sort -u >"$trace.families"
	# Of a host with several addresses the C library asks the kernel, by netlink, which it can reach. Refused, it
	# takes them all: which is shown here, and that nothing else is.
	sed -i '/^AF_NETLINK$/d' "$trace.families"
	strace -f -qq -o /dev/null --inject=socket:error=EAFNOSUPPORT getent ahosts localhost | grep -q '^127\.0\.0\.1 ' ||
		fail "no host is resolved where the kernel is not asked"
	equal "sockets that the unit forbids" \
		"$(sed -n 's/^RestrictAddressFamilies=//p' "$unit" | xargs -n 1 | sort | comm -13 - "$trace.families" | xargs)" ""
	equal "memory that is written and executed" "$(grep -c 'PROT_WRITE|PROT_EXEC' "$trace")" 0
}

@test "a program whose file only its owner may read is told of, and observed with CAP_DAC_READ_SEARCH" {
	as_service
	configure
	start "$(copy_of quiet)"
	chmod 700 "$folder/quiet"
	daemon_under
	within 10 grep -q "^gosonde: process [0-9]* is not observed: only some may read its executable, /.* (needs root, or CAP_DAC_READ_SEARCH)" "$messages"
	stop_daemon
	as_service ,+dac_read_search
	daemon_under
	within 10 said "$pid" "is observed"
	stop_daemon
}

@test "started as root, it gives up what it does not need" {
	local own mask
	own=$((16#$(sed -n 's/^CapPrm:\t//p' /proc/self/status)))
	mask=$((own & (bpf | perfmon | sys_ptrace | sys_admin | dac_read_search | checkpoint_restore)))
	configure
	start "${other[@]}" "$(copy_of quiet)"
	daemon
	within 10 said "$pid" "is observed"
	within 10 has_only "$agent" "$(least "$mask")" || fail "$(grep -E '^Cap|^NoNew' "/proc/$agent"/task/*/status)"
	has_only "$(survivor_of "$agent")" "$mask" || fail "$(grep -E '^Cap|^NoNew' "/proc/$(survivor_of "$agent")/status")"
	stop_daemon
}

@test "without CAP_BPF it says what it lacks" {
	as_service ,-bpf
	configure
	exits 4 "${daemon_prefix[@]}" "$gosonde" daemon --config "$config"
	says 'needs CAP_BPF and CAP_PERFMON'
}

@test "systemd hears that it is ready, that it lives, and that it reloads" {
	local heard=$BATS_TEST_TMPDIR/heard
	perl "$BATS_TEST_DIRNAME/syslog-receive" unix "$BATS_TEST_TMPDIR/notify" >"$heard" 2>&1 3>&- &
	pids+=("$!")
	within 10 grep -q '^listening' "$heard"
	configure 'interval: 1h' # the watchdog is not the tick's
	daemon_prefix=(env "NOTIFY_SOCKET=$BATS_TEST_TMPDIR/notify" WATCHDOG_USEC=400000)
	daemon_under
	within 10 grep -q '^STATUS=0 processes observed' "$heard"
	within 10 eval '(($(grep -c "^WATCHDOG=1" "$heard") >= 3))'
	equal "times ready" "$(grep -c '^READY=1' "$heard")" 1
	kill -HUP "$agent"
	within 10 eval '(($(grep -c "^READY=1" "$heard") == 2))'
	equal "what it said of the reload" "$(grep -A 1 '^RELOADING=1' "$heard" | sed 's/=[0-9]*$//' | xargs)" "RELOADING MONOTONIC_USEC"
	stop_daemon
	within 10 grep -q '^STOPPING=1' "$heard"
}
