#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2030,SC2031,SC2154 # bats runs each test in a subshell; helper.bash sets the rest
#
# The stack and the type that the agent gives a growing map equal what the program's own runtime says at
# the very same line: inlined calls, generics, closures, method values, wrappers, deferred calls, cgo.

load helper

setup() {
	needs_root
}

teardown() {
	stop_all
}

# build TOOLCHAIN FILE FLAG…: the workload (a module of its own), and prints its path.
build() {
	local goroot=$1 file=$2
	shift 2
	(cd "$root/tests/workloads/stacks" &&
		GOROOT=$goroot GOFLAGS=-mod=mod GOPROXY=off GOTOOLCHAIN=local GOCACHE=$build/gocache \
			"$goroot/bin/go" build "$@" -o "$file" "${package:-.}") >&2
}

needs_cgo() {
	command -v gcc >/dev/null || skip "needs a C compiler for cgo"
}

# observe FILE ARGUMENT…: the agent's growths in $json, the program's own word in $out.
observe() {
	start "$@"
	attach "$pid" --budget off
	kill -USR1 "$pid"
	within 30 grep -q '^done$' "$out"
	finish_agent
	equal "exit status" "$agent_status" 0
}

# same_stacks SCENARIOS: all of the program's, one growth each.
same_stacks() {
	local line type want got n=0
	while read -r line; do
		type=$(jq -r .map_type <<<"$line")
		want=$(jq -r '.stack[]' <<<"$line")
		got=$(lines map_grow | jq -r --arg type "$type" 'select(.map_type == $type) | .stack[]')
		[[ -n $got ]] || fail "no growth of a $type" "$(lines map_grow | jq -c .map_type)" || return 1
		if jq -e .below <<<"$line" >/dev/null; then
			got=$(tail -n "$(wc -l <<<"$want")" <<<"$got")
		fi
		if jq -e .c_frames <<<"$line" >/dev/null; then
			same_around_c "$want" "$got" || return 1
		else
			equal "stack of $type" "$got" "$want" || return 1
		fi
		n=$((n + 1))
	done < <(grep '^{"type":"stack"' "$out")
	equal scenarios "$n" "$1"
}

# same_around_c WANT GOT: Go's frames before and after the C frames, which have names from the symbol table.
same_around_c() {
	local exe
	exe=$(basename "$(readlink "/proc/$pid/exe")")
	equal "frames of the callback" "$(sed '/^runtime.cgocallback /q' <<<"$2")" \
		"$(sed '/^runtime.cgocallback /q' <<<"$1")" || return 1
	equal "frames of the caller" "$(sed -n '/^main._Cfunc/,$p' <<<"$2")" \
		"$(sed -n '/^main._Cfunc/,$p' <<<"$1")" || return 1
	grep -qx "goCallback $exe" <<<"$2" && grep -qx "stacks_call_back $exe" <<<"$2" ||
		fail "no frames of the C code:" "$2" || return 1
	! grep -q '^0x' <<<"$2" || fail "a frame without a name:" "$2"
}

# compare TOOLCHAIN SCENARIOS FLAG…
compare() {
	local dir file=$BATS_TEST_TMPDIR/stacks
	needs_go "$1"
	dir=$(goroot "$1")
	CGO_ENABLED=${cgo:-0} build "$dir" "$file" "${@:3}"
	observe "$file"
	same_stacks "$2"
}

@test "stacks and types of Go 1.15, which passes arguments on the stack" {
	compare 1.15 9
}

@test "stacks and types of Go 1.19 are the runtime's own" {
	compare 1.19 10
}

@test "stacks and types of Go 1.22, stripped" {
	compare 1.22 10 -ldflags '-s -w'
}

@test "stacks and types of Go 1.23, PIE" {
	compare 1.23 11 -buildmode=pie
}

@test "stacks and types of the newest Go" {
	compare newest 11
}

@test "C code between Go calls has names from its symbol table" {
	needs_cgo
	cgo=1 compare newest 12
}

@test "C code of a cgo PIE by Go 1.19" {
	needs_cgo
	cgo=1 compare 1.19 11 -buildmode=pie
}

@test "a summary names the inlined line that writes a map" {
	local file=$BATS_TEST_TMPDIR/stacks line
	CGO_ENABLED=0 build "$(goroot system)" "$file"
	observe "$file"
	line=$(grep '^{"type":"stack"' "$out" | jq -r 'select(.map_type == "map[int]main.inlined").stack[0]')
	summary '.map_sites[] | select(.map_type == "map[int]main.inlined").site' | grep -qxF "$line" ||
		fail "wanted the site $line" "$(summary .)"
}

@test "code and types of a plugin have names" {
	local dir file=$BATS_TEST_TMPDIR/stacks plugin=$BATS_TEST_TMPDIR/plugin.so toolchain
	needs_cgo
	for toolchain in 1.24 newest; do
		needs_go "$toolchain"
		dir=$(goroot "$toolchain")
		CGO_ENABLED=1 build "$dir" "$file" -tags withplugin
		package=./plugin CGO_ENABLED=1 build "$dir" "$plugin" -buildmode=plugin
		observe "$file" "$plugin"
		same_stacks 13
		stop_all
	done
}

# dlv_stack FILE POSITION: the stack at that FILE:LINE as dlv has it, in the agent's words, to $stack.
# dlv shows the wrappers that the compiler generates, which the runtime leaves out of its stacks.
dlv_stack() {
	local commands=$BATS_TEST_TMPDIR/dlv.init said=$BATS_TEST_TMPDIR/dlv.out dlv target
	: >"$said"
	printf '%s\n' "break $2" continue 'stack 40' quit >"$commands"
	HOME=$BATS_TEST_TMPDIR timeout 60 dlv exec "$1" --allow-non-terminal-interactive=true \
		--init "$commands" >"$said" 2>&1 </dev/null 3>&- &
	dlv=$!
	pids+=("$dlv")
	within 20 dlv_began "$dlv" "$said" || return 1
	target=$(sed -n 's/^ready //p' "$said")
	if [[ -n $target ]]; then
		pids+=("$target")
		kill -USR1 "$target"
	fi
	wait "$dlv" || true
	stack=$(awk '/^ *[0-9]+ +0x[0-9a-f]+ in / { name = $4 }
		/^ +at / && name != "" { sub(/.*\//, "", $2); print name, $2; name = "" }' "$said" |
		grep -v ' <autogenerated>:')
}

dlv_began() {
	grep -q '^ready' "$2" || ended "$1"
}

@test "dlv shows the same stack through inlined calls" {
	local dir file=$BATS_TEST_TMPDIR/stacks type want stack
	command -v dlv >/dev/null || skip "no dlv here (Debian package delve)"
	needs_go 1.19
	dir=$(goroot 1.19)
	CGO_ENABLED=0 build "$dir" "$file"
	observe "$file"
	for type in inlined closure method; do
		want=$(lines map_grow | jq -r --arg type "map[int]main.$type" 'select(.map_type == $type) | .stack[]')
		[[ -n $want ]] || fail "no growth of a map of $type" || return 1
		dlv_stack "$file" "$(head -n 1 <<<"$want" | sed 's/.* //')"
		! grep -qiE 'too old|not supported by this version' "$BATS_TEST_TMPDIR/dlv.out" ||
			skip "this dlv does not know the Go that built the program: $(dlv version | sed -n 2p)"
		[[ -n $stack ]] || fail "dlv said no stack:" "$(cat "$BATS_TEST_TMPDIR/dlv.out")" || return 1
		equal "stack of $type" "$stack" "$want"
	done
}

# Every third byte of code: instructions have other lengths, so each is met at other bytes.
@test "the innermost frame of addresses all over a program is the runtime's own" {
	local toolchain dir file=$BATS_TEST_TMPDIR/stacks frames=$BATS_TEST_TMPDIR/frames n
	for toolchain in 1.19 1.22 newest; do
		needs_go "$toolchain"
		dir=$(goroot "$toolchain")
		CGO_ENABLED=0 build "$dir" "$file"
		"$build/tests/unit/frames_dump" "$file" 3 >"$frames.agent"
		cut -d' ' -f1 "$frames.agent" | "$file" -frames >"$frames.runtime"
		# The one function whose name stands at offset 0 is nameless to the runtime, and it takes
		# the array in a generated type:.eq.[2]T for type arguments.
		awk 'NR == FNR { if ($2 ~ /^(\?$|type[:.]\.)/) skip[$1]; next } !($1 in skip)' \
			"$frames.runtime" "$frames.agent" >"$frames.named"
		sed -i -E '/^[0-9a-f]+ (\? |type[:.]\.)/d' "$frames.runtime"
		n=$(wc -l <"$frames.runtime")
		((n > 100000)) || fail "only $n addresses compared"
		diff "$frames.named" "$frames.runtime" >"$frames.diff" ||
			fail "$toolchain: of $n addresses differ:" "$(head -n 20 "$frames.diff")"
		echo "$toolchain: $n addresses, no difference"
	done
}
