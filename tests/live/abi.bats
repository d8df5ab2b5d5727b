#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2154 # helper.bash sets root, build, pid and out
#
# What a version or a build changes about arguments and goroutines: the stack ABI of Go <= 1.16, g's
# place in thread-local storage, and a Go that is newer than any that gosonde was checked with.

load helper

setup() {
	needs_root
}

teardown() {
	stop_all
}

# counts FILE: of a run of truth, all that no version changes equals the workload's own count.
counts() {
	local field
	start "$1"
	attach "$pid" --budget off
	kill -USR1 "$pid"
	within 60 grep -q '^{"type":"truth"' "$out"
	finish_agent
	for field in writes deletes clears; do
		equal "map.$field" "$(summary ".map.$field")" "$(truth "$field")"
	done
	equal "goroutine.created" "$(summary .goroutine.created)" "$(truth created)"
	equal "gc.cycles" "$(summary .gc.cycles)" "$(truth num_gc)"
	equal "lost.read" "$(summary .lost.read)" 0
	((10 * $(summary .gc.pause_ns.total) >= 9 * $(truth pause_ns) &&
		10 * $(summary .gc.pause_ns.total) <= 11 * $(truth pause_ns))) ||
		fail "pauses: $(summary .gc.pause_ns.total) ns, the runtime says $(truth pause_ns)"
}

# Another release's name in the newest release's binary: all that it does is then assumed, and proves
# itself true.
@test "a Go newer than any that was checked: what proves itself is exact" {
	needs_go newest
	local file=$BATS_TEST_TMPDIR/truth version line
	version=$(GOROOT=$(goroot newest) GOTOOLCHAIN=local "$(goroot newest)/bin/go" env GOVERSION)
	sed "s/${version//./\\.}/go1.${version:4:1}9${version:6}/g" \
		"$(workload truth "$(goroot newest)")" >"$file"
	chmod +x "$file"
	counts "$file"
	equal "Go version" "$(lines attached | jq -r .go)" "go1.${version:4:1}9${version:6}"
	# The number of a reason is not believed, the stops of a cycle are known by their place in it.
	equal "reasons" "$(lines gc | jq -r '.pauses[].reason' | sort -u)" \
		$'gc mark termination\ngc sweep termination'
	lines gc | jq -e -s 'map(.pauses[] | select(.split == "unknown")) | length == 0' >/dev/null ||
		fail "stops without a split"
	line=$(grep -n 'go worker(depth, wg)' "$BATS_TEST_DIRNAME/../workloads/truth/goroutines.go" | cut -d: -f1)
	lines summary | jq -e --arg site "main.spawnAt goroutines.go:$line" '[.goroutine_sites[].site] | index($site)' \
		>/dev/null || fail "creation sites: $(summary .goroutine_sites)"
}

# build_cgo NAME MODE: a workload whose C code has thread-local variables: g is not at fs:-8 then.
build_cgo() {
	local dir=$BATS_TEST_TMPDIR/workloads goroot
	goroot=$(goroot 1.15)
	cp -r "$root/tests/workloads" "$dir"
	cat >"$dir/$1/thread_local.go" <<-'END'
		package main

		/*
		static __thread long mine[4];
		static long touch(void) { return mine[1]++; }
		*/
		import "C"

		func init() { C.touch() }
	END
	(cd "$dir" && GOROOT=$goroot GOFLAGS=-mod=mod GOPROXY=off GOTOOLCHAIN=local CGO_ENABLED=1 \
		GOCACHE=$build/gocache "$goroot/bin/go" build -buildmode="$2" \
		-o "$BATS_TEST_TMPDIR/$1.$2" "./$1") >&2
}

needs_cgo() {
	needs_go 1.15
	command -v gcc >/dev/null || skip "no C compiler for cgo"
}

@test "Go 1.15, cgo with thread-local variables: the counts equal the truth" {
	needs_cgo
	build_cgo truth exe
	counts "$BATS_TEST_TMPDIR/truth.exe"
}

@test "Go 1.15, cgo and PIE with thread-local variables: the counts equal the truth" {
	needs_cgo
	build_cgo truth pie
	counts "$BATS_TEST_TMPDIR/truth.pie"
}

# The goroutine that the alert names is the one that the runtime's own crash report begins with. Of
# writers, two may meet the mistake at once, and Go from 1.24 on (fatal's printlock, runtime/panic.go)
# reports one of them: the reader of one writer's map meets it alone.
goroutine_of_fault() {
	start "$1" -mode overheard
	attach "$pid" --probes fault
	kill -USR1 "$pid"
	within 20 has_alert firing fault
	within 20 ended "$pid"
	equal "the alert's goroutine" \
		"$(lines alert | jq -r 'select(.state == "firing") | .evidence.goroutine')" \
		"$(sed -n "/^goroutine .*\[running/{s/^goroutine \([0-9]*\).*/\1/p;q}" "$out.stderr")"
}

@test "Go 1.15: a fault's goroutine is the one in the crash report" {
	needs_go 1.15
	goroutine_of_fault "$(workload faults "$(goroot 1.15)")"
}

@test "Go 1.15, cgo with thread-local variables: a fault's goroutine" {
	needs_cgo
	build_cgo faults exe
	goroutine_of_fault "$BATS_TEST_TMPDIR/faults.exe"
}

@test "newest Go: a fault's goroutine is the one in the crash report" {
	needs_go newest
	goroutine_of_fault "$(workload faults "$(goroot newest)")"
}
