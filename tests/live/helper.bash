# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash disable=SC2034 # what is set here is used by the tests
#
# What the live tests share: workloads, the agent beside them, and waits that always end.
# Whatever a test starts it kills by PID in teardown; it writes only below $BATS_TEST_TMPDIR.

root=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
build=$(cd "$root" && realpath -m "${O:-build}")
gosonde=$build/gosonde
pids=()         # of all that the test started
agent_prefix=() # what the agent is run under: setpriv and the like
# Set by start, attach, trace and their ends for the tests to use.
tracer='' traced='' tracer_messages='' tracer_status=''
pid='' out='' agent='' json='' messages='' agent_status=''

fail() {
	printf '%s\n' "$@" >&2
	return 1
}

# needs_root: live tests attach probes.
needs_root() {
	((EUID == 0)) || skip "needs root to attach probes"
}

# How to run a program as a user that may do nothing, and own nothing.
readonly nobody=(setpriv --reuid 65534 --regid 65534 --clear-groups)

# public FILE: a copy of the program where every user can reach it; prints its path.
public() {
	local dir=$BATS_TEST_TMPDIR/public
	mkdir -p "$dir"
	chmod 755 "$BATS_RUN_TMPDIR" "$(dirname "$BATS_TEST_TMPDIR")" "$BATS_TEST_TMPDIR" "$dir"
	install -m 755 "$1" "$dir"
	echo "$dir/$(basename "$1")"
}

# within SECONDS COMMAND…: polls until the command succeeds.
within() {
	local end=$((${EPOCHREALTIME/[.,]/} + $1 * 1000000))
	shift
	until "$@"; do
		((${EPOCHREALTIME/[.,]/} < end)) || fail "not in time: $*" || return 1
		sleep 0.05
	done
}

# needs_go NAME: tells why there is none rather than fail where no Debian suite is at hand.
needs_go() {
	[[ $1 == system ]] || has_other_go ||
		skip "other Go versions come from Debian's suites, and this is no Debian"
}

has_other_go() {
	grep -q '^ID=debian$' /etc/os-release
}

# goroot NAME: a Go toolchain, "system" or what scripts/toolchains knows.
goroot() {
	if [[ $1 == system ]]; then
		go env GOROOT
	else
		"$root/scripts/toolchains" "$1"
	fi
}

# go_build_flags VARIANT: sets $cgo and $flags. strip is binutils'; static-pie needs no loader, as a
# cgo program of an empty container image does.
go_build_flags() {
	cgo=0 flags=()
	case $1 in
	plain | strip) ;;
	stripped) flags=(-ldflags '-s -w') ;;
	pie) flags=(-buildmode=pie) ;;
	cgo) cgo=1 flags=(-ldflags -linkmode=external) ;;
	cgo-pie | cgo-pie-strip) cgo=1 flags=(-buildmode=pie -ldflags -linkmode=external) ;;
	static-pie) cgo=1 flags=(-buildmode=pie -ldflags '-linkmode=external -extldflags=-static-pie') ;;
	*) fail "no such variant: $1" || return 1 ;;
	esac
}

# workload NAME [GOROOT] [VARIANT]: builds it and prints its path. $GOEXPERIMENT counts.
workload() {
	local name=$1 goroot=${2:-$(goroot system)} variant=${3:-plain} cgo flags dir
	go_build_flags "$variant" || return 1
	dir=$build/workloads/$(basename "$goroot")${GOEXPERIMENT:+-$GOEXPERIMENT}-$variant
	mkdir -p "$dir"
	(cd "$root/tests/workloads" &&
		GOROOT=$goroot GOFLAGS=-mod=mod GOPROXY=off GOTOOLCHAIN=local CGO_ENABLED=$cgo \
			GOCACHE=$build/gocache "$goroot/bin/go" build "${flags[@]}" -o "$dir/$name" "./$name") >&2 ||
		return 1
	if [[ $variant == *strip ]]; then
		strip "$dir/$name" || return 1
	fi
	echo "$dir/$name"
}

# start FILE ARGUMENT…: runs a workload until it is ready; sets $pid, and $out, its output.
start() {
	out=$BATS_TEST_TMPDIR/$(basename "$1").$((${#pids[@]})).out
	: >"$out" # grep may look before the job begins
	"$@" >"$out" 2>"$out.stderr" 3>&- &
	pid=$!
	pids+=("$pid")
	within 20 grep -q "^ready $pid\$" "$out"
}

# ended PID: it runs no more (a zombie awaits our wait).
ended() {
	local state
	state=$(sed -n 's/^State:\t\(.\).*/\1/p' "/proc/$1/status" 2>/dev/null)
	[[ -z $state || $state == [ZX] ]]
}

alive() {
	! ended "$1"
}

# attach PID ARGUMENT…: the agent in the background until it says that it is attached; sets $agent,
# and $json and $messages, its output.
attach() {
	attach_only "$@"
	within 30 attached_or_ended || return 1
	is_attached || fail "the agent ended while attaching:" "$(tail -n 20 "$messages")"
}

# attach_only PID ARGUMENT…: the same without the wait.
attach_only() {
	json=$BATS_TEST_TMPDIR/agent.$((${#pids[@]})).json
	messages=${json%.json}.messages
	: >"$json"
	# A shell starts background jobs with SIGINT ignored; the agent ends on it.
	env --default-signal=INT "${agent_prefix[@]}" "$gosonde" attach "$1" --output json "${@:2}" \
		>"$json" 2>"$messages" 3>&- &
	agent=$!
	pids+=("$agent")
}

is_attached() {
	grep -q '^{"type":"attached"' "$json"
}

attached_or_ended() {
	is_attached || ended "$agent"
}

# finish_agent: ends it as Ctrl-C would; sets $agent_status.
finish_agent() {
	alive "$agent" && kill -INT "$agent"
	await_agent 20
}

# await_agent SECONDS: until it ends by itself; sets $agent_status.
await_agent() {
	within "$1" ended "$agent" || return 1
	agent_status=0
	wait "$agent" || agent_status=$?
}

# stop_all: kills what the test started and is still there.
stop_all() {
	local p
	for p in "${pids[@]}"; do
		kill -KILL "$p" 2>/dev/null || true
		wait "$p" 2>/dev/null || true
	done
	pids=()
}

# lines TYPE: the agent's objects of that type.
lines() {
	# A line that is being written is not there yet; that every line is JSON has a test of its own.
	jq -cR --arg type "$1" 'fromjson? | select(.type == $type)' "$json"
}

# summary FILTER: of the agent's summary.
summary() {
	lines summary | jq -r "$1"
}

# truth FIELD: of the line that the workload printed.
truth() {
	sed -n '/^{"type":"truth"/p' "$out" | jq -r ".$1"
}

# equal WHAT GOT WANTED
equal() {
	[[ $2 == "$3" ]] || fail "$1: got $2, wanted $3"
}

# only_rule RULE [KEYS]: a file of rules in which every other one is off; prints its path. What else a
# busy machine makes of a load (a stolen CPU makes a long stop of any) is then no alert that counts.
only_rule() {
	local file=$BATS_TEST_TMPDIR/only.yaml
	{
		printf '%s\n' 'rules:' "- {rule: $1${2:+, $2}}"
		"$gosonde" check-config --show "$root/scripts/dist/rules.yaml" | awk -v only="$1" '
			NR > 1 && $1 ~ /^[a-z-]+$/ && $1 != only && !seen[$1]++ { print "- {rule: " $1 ", enabled: false}" }'
	} >"$file"
	echo "$file"
}

# has_alert STATE RULE
has_alert() {
	lines alert | jq -e -s --arg state "$1" --arg rule "$2" \
		'any(.[]; .state == $state and .rule == $rule)' >/dev/null
}

# rewrite FILE BY: puts that program in its place as cp does, which cuts it short first: as soon as the
# kernel has let go of the one that ran.
rewrite() {
	within 10 truncate -s 0 "$1" 2>/dev/null
	cat "$2" >"$1"
}

# text_changes PID: how many bytes of its executable mappings differ from the file. Breakpoints do.
text_changes() {
	local range perms offset path start length changes=0 seen=$BATS_TEST_TMPDIR/text
	while read -r range perms offset _ _ path; do
		[[ $perms == r-xp && $path == /* ]] || continue
		start=$((16#${range%-*})) length=$((16#${range#*-} - 16#${range%-*}))
		piece "/proc/$1/mem" "$start" "$length" >"$seen.memory"
		# map_files: the file that is mapped, even if it was deleted since.
		piece "/proc/$1/map_files/$(printf '%x-%x' "$start" $((start + length)))" \
			$((16#$offset)) "$length" >"$seen.file"
		# What lies past the end of the file is zeros in memory.
		truncate -s "$length" "$seen.file"
		equal "bytes of text read" "$(stat -c %s "$seen.memory")" "$length" || return 1
		changes=$((changes + $(cmp -l "$seen.memory" "$seen.file" | wc -l)))
	done <"/proc/$1/maps"
	echo "$changes"
}

# piece FILE OFFSET LENGTH
piece() {
	dd if="$1" bs=64K iflag=skip_bytes,count_bytes skip="$2" count="$3" status=none
}

# exits STATUS COMMAND…: runs it bounded, within $BATS_TEST_TMPDIR/{stdout,stderr}.
exits() {
	local wanted=$1 status=0
	shift
	timeout 60 "$@" >"$BATS_TEST_TMPDIR/stdout" 2>"$BATS_TEST_TMPDIR/stderr" </dev/null 3>&- || status=$?
	[[ $status == "$wanted" ]] ||
		fail "exit status $status, wanted $wanted: $*" "$(tail -n 20 "$BATS_TEST_TMPDIR/stderr")"
}

# says PATTERN: on stderr of the last command run by exits; and in few words.
says() {
	grep -qiE -- "$1" "$BATS_TEST_TMPDIR/stderr" ||
		fail "stderr lacks $1:" "$(cat "$BATS_TEST_TMPDIR/stderr")"
}

# The binary's own words against what file(1) would see: kinds as the agent names them.
kind_is() {
	local stripped=false pie=false
	[[ $1 != *strip* ]] || stripped=true
	[[ $1 != *pie* ]] || pie=true
	equal "stripped" "$(lines attached | jq .stripped)" "$stripped" &&
		equal "pie" "$(lines attached | jq .pie)" "$pie"
}

# lost_nothing: no loss of any kind in the summary.
lost_nothing() {
	local field
	for field in ring read table missed decode; do
		equal "lost.$field" "$(summary ".lost.$field")" 0 || return 1
	done
}

# equals_truth FIELD NAME: the summary's against the workload's.
equals_truth() {
	equal "$1" "$(summary ".$1")" "$(truth "$2")"
}

# close_pauses GOT WANTED: within 10 % of the runtime's own total, ns.
close_pauses() {
	((10 * $1 >= 9 * $2 && 10 * $1 <= 11 * $2)) || fail "pauses: $1 ns, the runtime says $2 ns"
}

# trace PID ARGUMENT…: `gosonde gctrace` in the background until its probes stand; sets $tracer, and
# $traced and $tracer_messages, its output.
trace() {
	traced=$BATS_TEST_TMPDIR/gctrace.$((${#pids[@]}))
	tracer_messages=$traced.messages
	: >"$traced"
	: >"$tracer_messages" # grep may look before the job begins
	env --default-signal=INT "${agent_prefix[@]}" "$gosonde" gctrace "$@" \
		>"$traced" 2>"$tracer_messages" 3>&- &
	tracer=$!
	pids+=("$tracer")
	within 30 tracing_or_ended
	alive "$tracer" || fail "gctrace ended:" "$(tail -n 20 "$tracer_messages")"
}

tracing_or_ended() {
	grep -q '^gosonde: tracing' "$tracer_messages" || ended "$tracer"
}

# finish_trace: ends it as Ctrl-C would; sets $tracer_status.
finish_trace() {
	alive "$tracer" && kill -INT "$tracer"
	within 20 ended "$tracer" || return 1
	tracer_status=0
	wait "$tracer" || tracer_status=$?
}

# equals_gctrace FILE LEAST: from its first line on $traced has every gctrace line of that stderr, and
# at least so many. A line into which the program wrote meanwhile is passed over, on both sides.
equals_gctrace() {
	local first seen=$traced.runtime torn
	first=$(sed -n '1s/^gc \([0-9]*\) .*/\1/p' "$traced")
	[[ -n $first ]] || fail "no gctrace line" "$(cat "$tracer_messages")" || return 1
	awk -v first="$first" '$1 == "gc" && $2 >= first && $3 ~ /^@/' "$1" >"$seen.all"
	awk '/ P( \(forced\))?$/' "$seen.all" >"$seen"
	torn=$(awk '!/ P( \(forced\))?$/ { print $2 }' "$seen.all" | xargs)
	awk -v torn=" $torn " '!index(torn, " " $2 " ")' "$traced" >"$traced.whole"
	diff "$seen" "$traced.whole" >"$traced.diff" ||
		fail "gctrace lines differ, < is the runtime's:" "$(head -n 6 "$traced.diff")" || return 1
	(($(wc -l <"$traced") >= $2)) || fail "$(wc -l <"$traced") cycles traced, wanted at least $2"
}
