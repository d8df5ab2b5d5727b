# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash disable=SC2034 # what is set here is used by the measurements
#
# What the measurements share: a load, the tools that are attached to it in turns, and their arithmetic.
#
# A load prints "<unix ns> <writes so far>" every 100 ms. While it runs, each turn is noted with its
# begin and end, and only afterwards the speeds are computed, from the load's lines.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
build=$(cd "$root" && realpath -m "${O:-build}")
gosonde=$build/gosonde
writer=$build/bench/writer
data=$build/bench # what remains: *.dat
quick=$((${QUICK:-0} != 0))
pids=() # of all that this section started
tmp=''  # gone with the section
# Set by spawn, load, attach and trace.
spawned='' load='' load_lines='' agent='' agent_json='' tracer='' tracer_out=''

say() {
	echo "bench: $*" >&2
}

die() {
	say "$@"
	exit 1
}

# pick FULL QUICK: the one that this run wants.
pick() {
	if ((quick)); then echo "$2"; else echo "$1"; fi
}

# Sets $now in µs; a fork would cost a millisecond.
stamp() {
	now=${EPOCHREALTIME/[.,]/}
}

# within SECONDS COMMAND…: polls until the command succeeds.
within() {
	local now end
	stamp
	end=$((now + $1 * 1000000))
	shift
	until "$@"; do
		stamp
		((now < end)) || return 1
		sleep 0.02
	done
}

# ended PID: it runs no more (a zombie awaits our wait). The file is read to its end: where bash has to
# seek back in that of a process which has just gone, it keeps what it read for the next read, of
# whatever file.
ended() {
	local status=''
	read -r -d '' status 2>/dev/null <"/proc/$1/status" || true
	[[ -z $status || $status == *$'\nState:\t'[ZX]* ]]
}

machine() {
	local kind=machine
	! grep -q '^flags.*\bhypervisor\b' /proc/cpuinfo || kind="virtual machine"
	echo "$kind, $(nproc) CPUs"
}

# check_machine NAME…: that what these measurements need is there.
check_machine() {
	local name absent=() needed=(jq awk go)
	((EUID == 0)) || die "needs root to attach probes (scripts/as-root tests/bench/run)"
	[[ -x $gosonde ]] || die "no $gosonde: run make first, or say O=DIR"
	for name in "$@"; do
		case $name in
		loop) needed+=(bpftrace) ;;
		curve) needed+=(bpftrace gnuplot) ;;
		server) needed+=(caddy wrk) ;;
		esac
	done
	for name in "${needed[@]}"; do
		command -v "$name" >/dev/null || absent+=("$name")
	done
	((${#absent[@]} == 0)) || die "not here: ${absent[*]} (scripts/setup --bench installs them)"
}

# build_workload NAME: one of tests/workloads, into $data.
build_workload() {
	(cd "$root/tests/workloads" && GOFLAGS=-mod=mod GOPROXY=off GOTOOLCHAIN=local CGO_ENABLED=0 \
		GOCACHE=$build/gocache go build -o "$data/$1" "./$1") >&2 || die "$1 does not build"
}

begin_section() {
	pids=()
	tmp=$(mktemp -d)
	trap end_section EXIT
	trap 'exit 130' INT TERM HUP
}

end_section() {
	local p
	for p in "${pids[@]}"; do
		kill -KILL "$p" 2>/dev/null || true
		wait "$p" 2>/dev/null || true
	done
	rm -rf "$tmp"
}

# spawn OUT COMMAND…: in the background. It dies with this shell, even if that is killed; and SIGINT,
# which shells have background jobs ignore, ends it.
spawn() {
	local out=$1
	shift
	: >"$out" # to be looked at before the job begins
	setpriv --pdeathsig KILL env --default-signal=INT "$@" >"$out" 2>"$out.stderr" </dev/null &
	spawned=$!
	pids+=("$spawned")
}

# finish SIGNAL PID: ends it and takes its status.
finish() {
	local status=0
	kill -"$1" "$2" 2>/dev/null || true
	within 20 ended "$2" || die "$(tr '\0' ' ' <"/proc/$2/cmdline")(process $2) does not end at SIG$1: $(threads "$2")"
	wait "$2" || status=$?
	forget "$2"
	return "$status"
}

# threads PID: what each of them waits in.
threads() {
	local task
	for task in /proc/"$1"/task/*; do
		echo "$(<"$task/comm") $(<"$task/wchan") $(cut -d' ' -f1 "$task/syscall")"
	done 2>/dev/null | paste -sd,
}

# forget PID: it ended, and its number may soon be another's.
forget() {
	local p left=()
	for p in "${pids[@]}"; do
		[[ $p == "$1" ]] || left+=("$p")
	done
	pids=("${left[@]}")
}

said_or_ended() {
	grep -q "$1" "$2" || ended "$3"
}

# ready PATTERN FILE PID WHAT: until the file has that line.
ready() {
	within 30 said_or_ended "$1" "$2" "$3" || die "$4 is not ready after 30 s"
	grep -q "$1" "$2" || die "$4 ended: $(tail -n 5 "$2.stderr")"
}

# load ARGUMENT…: starts the writer; sets $load and $load_lines.
load() {
	load_lines=$tmp/load
	spawn "$load_lines" "$writer" "$@" -limit 10m
	load=$spawned
	ready '^ready' "$load_lines" "$load" "the writer"
	: >"$tmp/turns"
	sleep 0.5 # lines before the first turn
}

unload() {
	sleep 0.25 # a line after the last turn
	! ended "$load" || die "the load ended: $(tail -n 5 "$load_lines.stderr")"
	finish TERM "$load" || true
}

# attach PID ARGUMENT…: the agent beside it, probes standing; sets $agent and $agent_json.
attach() {
	agent_json=$tmp/agent.json
	spawn "$agent_json" "$gosonde" attach "$1" --output json "${@:2}"
	agent=$spawned
	ready '^{"type":"attached"' "$agent_json" "$agent" gosonde
}

detach() {
	finish INT "$agent" || die "gosonde failed: $(tail -n 5 "$agent_json.stderr")"
}

# The functions that gosonde watches writes with, one a line.
write_functions() {
	"$gosonde" attach "$1" --for 100ms --interval 100ms --output json --probes map-write 2>/dev/null |
		jq -r 'select(.type == "attached").probes[] | select(.group == "map-write").function'
}

# bpftrace_program FUNCTION…: counts them in the writer. It prints "ready" when it reads its events,
# which is after all probes stand; BEGIN is before.
bpftrace_program() {
	local function probes=''
	for function in "$@"; do
		probes+="${probes:+,}uprobe:$writer:\"$function\""
	done
	echo "$probes { @[func] = count(); }"
	# shellcheck disable=SC2016,SC2028 # bpftrace's
	echo 'interval:ms:100 { if (!@said) { printf("ready\n"); @said = 1; } }'
}

# trace PID FUNCTION…: bpftrace beside it, probes standing; sets $tracer and $tracer_out.
trace() {
	(($# > 1)) || die "gosonde names no function that writes maps"
	tracer_out=$tmp/bpftrace.out
	bpftrace_program "${@:2}" >"$tmp/count.bt"
	spawn "$tracer_out" bpftrace -B line -p "$1" "$tmp/count.bt"
	tracer=$spawned
	ready '^ready' "$tracer_out" "$tracer" bpftrace
}

# bpftrace read on after a SIGINT, once; why is not known.
untrace() {
	kill -INT "$tracer" 2>/dev/null || true
	within 8 ended "$tracer" || say "bpftrace did not end at SIGINT: once more"
	finish INT "$tracer" || die "bpftrace failed: $(tail -n 5 "$tracer_out.stderr")"
	grep -q '^@\[.*: [1-9]' "$tracer_out" || die "bpftrace counted nothing: $(tail -n 5 "$tracer_out")"
}

# turn NAME SECONDS: lets the load run so long and notes it.
turn() {
	local now begin
	stamp
	begin=$now
	sleep "$2"
	stamp
	echo "$1 $begin $now" >>"$tmp/turns"
}

# turns ROUND SECONDS FUNCTION…: a turn under each tool, and one under none before each. Who begins
# changes by round, for whoever follows a fresh load or another tool may fare differently.
turns() {
	local tools=(gosonde unbounded bpftrace) k
	for k in 0 1 2; do
		turn off "$2"
		"turn_${tools[($1 + k) % 3]}" "${@:2}"
	done
}

turn_gosonde() {
	attach "$load"
	turn gosonde "$1"
	detach
}

turn_unbounded() {
	attach "$load" --budget off
	turn unbounded "$1"
	detach
}

turn_bpftrace() {
	trace "$load" "${@:2}"
	turn bpftrace "$1"
	untrace
}

# speeds: "NAME WRITES/S" of each turn. By the lines within it: one across its begin or end is in part
# of what came before or after, a hundred times as fast if that was a loop without probes.
speeds() {
	awk '
	FNR == NR { if ($1 ~ /^[0-9]+$/) { when[++n] = $1 / 1000; count[n] = $2 } next }
	{
		for (first = 1; first <= n && when[first] < $2; ) first++
		for (last = n; last >= 1 && when[last] > $3; ) last--
		if (last <= first) {
			print "bench: a turn without two lines of the load" > "/dev/stderr"
			exit 1
		}
		printf "%s %.3f\n", $1, (count[last] - count[first]) / (when[last] - when[first]) * 1e6
	}
	' "$load_lines" "$tmp/turns"
}

# speed_between BEGIN END: the same between two Unix times, in µs, of a load that nothing changes there.
speed_between() {
	awk -v begin="$1" -v end="$2" '
	function at(t, i) {
		for (i = 2; i < n && when[i] < t; ) i++
		return count[i - 1] + (count[i] - count[i - 1]) * (t - when[i - 1]) / (when[i] - when[i - 1])
	}
	$1 ~ /^[0-9]+$/ { when[++n] = $1 / 1000; count[n] = $2 }
	END {
		if (n < 2 || begin < when[1] || end > when[n]) {
			print "bench: a window lies outside of what the load printed" > "/dev/stderr"
			exit 1
		}
		printf "%.3f\n", (at(end) - at(begin)) / (end - begin) * 1e6
	}
	' "$load_lines"
}

# kept NAME <speeds: of each turn of that name its speed ÷ that of the "off" turns before and after.
kept() {
	beside "$1" 's[i] / free'
}

# cost NAME <speeds: nanoseconds that it adds to a write.
cost() {
	beside "$1" '1e9 / s[i] - 1e9 / free'
}

# noise <speeds: what kept would say of the "off" turns, one for the next.
noise() {
	awk '$1 == "off" { print n++ % 2 ? "twin" : "off", $2 }' | beside twin 's[i] / free'
}

beside() {
	awk -v name="$1" '
	{ t[NR] = $1; s[NR] = $2 }
	END {
		for (i = 1; i <= NR; i++) {
			if (t[i] != name) continue
			for (before = i; before && t[before] != "off"; ) before--
			for (after = i; after <= NR && t[after] != "off"; ) after++
			if (!before || after > NR) continue
			free = (s[before] + s[after]) / 2
			if (s[i] <= 0 || free <= 0) {
				print "bench: the load stood still" > "/dev/stderr"
				exit 1
			}
			printf "%.9g\n", '"$2"'
		}
	}'
}

# quantile Q: of the numbers on stdin; nothing of none.
quantile() {
	sort -g | awk -v q="$1" '
	NF { v[++n] = $1 }
	END { if (n) { x = 1 + q * (n - 1); i = int(x); j = i < n ? i + 1 : i; printf "%.9g\n", v[i] + (v[j] - v[i]) * (x - i) } }'
}

median() {
	quantile 0.5
}

# spread FORMAT: the median of the numbers on stdin, and between what the middle half of them lies.
spread() {
	local all low middle high
	all=$(cat)
	low=$(quantile 0.25 <<<"$all") middle=$(median <<<"$all") high=$(quantile 0.75 <<<"$all")
	[[ -n $middle ]] || return 1
	awk "BEGIN { printf \"$1 ($1 … $1)\", $middle, $low, $high }"
}

# settled FORMAT: the median of the numbers on stdin with its standard error, by the middle half as of a
# normal distribution (1.2533 sd / sqrt(n), sd = that half / 1.349), and how many they are.
settled() {
	local all n
	all=$(cat)
	n=$(grep -c . <<<"$all")
	awk -v low="$(quantile 0.25 <<<"$all")" -v middle="$(median <<<"$all")" -v high="$(quantile 0.75 <<<"$all")" -v n="$n" \
		"BEGIN { printf \"$1 ± $1, %d pairs\", middle, 1.2533 * (high - low) / 1.349 / sqrt(n), n }"
}

# row WHAT GOAL MEASURED. What fails within the quotes of an argument fails here, for it has no figure.
row() {
	[[ $3 == *[0-9]* ]] || die "no figure for: $1"
	printf '| %s | %s | %s |\n' "$@"
}

# calculate EXPRESSION [FORMAT]
calculate() {
	awk "BEGIN { printf \"${2:-%.3g}\", $1 }"
}
