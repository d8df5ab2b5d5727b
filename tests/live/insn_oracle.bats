#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2154 # helper.bash sets root and build
#
# The decoder and the choice of sites against a disassembler, over every function of Go programs
# built by the toolchains in GOSONDE_GOROOTS (GOROOTs, separated by blanks; default: that of `go`).
# Needs no root.

load helper

setup_file() {
	objdump=$(command -v llvm-objdump || command -v llvm-objdump-14) ||
		skip "no llvm-objdump to compare with"
	export objdump
	GOSONDE_GOROOTS=${GOSONDE_GOROOTS:-$(goroot system)} || skip "no Go toolchain"
	export GOSONDE_GOROOTS
	export dump=$build/tests/unit/insn_dump
	env -u SAN -u MAKEFLAGS -u MAKELEVEL make -s -C "$root" O="$build" "$dump" >&2
	cd "$BATS_FILE_TMPDIR" || return 1
	write_program
	local goroot version
	for goroot in $GOSONDE_GOROOTS; do
		version=$(minor "$goroot")
		GOROOT=$goroot GOTOOLCHAIN=local GOPROXY=off GOFLAGS='' CGO_ENABLED=0 \
			"$goroot/bin/go" build -o "program.$version" . >&2
		"$objdump" -d --no-show-raw-insn -j .text "program.$version" >"listing.$version"
	done
}

minor() { # GOROOT: 22 of go1.22.12
	GOROOT=$1 GOTOOLCHAIN=local "$1/bin/go" version | sed -E 's/.* go1\.([0-9]+).*/\1/'
}

# Has every function that is probed: the linker drops what a program does not call.
write_program() {
	printf 'module program\n\ngo 1.15\n' >go.mod
	cat >main.go <<-'END'
		package main

		import "fmt"

		type wide struct{ a, b, c int }

		func main() {
			generic, narrow, word := map[wide]int{}, map[int32]int{}, map[int]int{}
			text, pointer := map[string]int{}, map[*int]int{}
			for i := 0; i < 100; i++ {
				generic[wide{i, i, i}], narrow[int32(i)], word[i] = i, i, i
				text[fmt.Sprint(i)], pointer[new(int)] = i, i
			}
			delete(generic, wide{})
			delete(narrow, 1)
			delete(word, 1)
			delete(text, "1")
			for k := range generic {
				delete(generic, k)
			}
		}
	END
}

# Boundaries in a listing up to the address $2. LLVM 14 gives a lock prefix a line of its own.
boundaries() {
	awk -v end="$2" '/^ *[0-9a-f]+:/ {
		address = $1
		sub(/:/, "", address)
		if (!prefix && address < end)
			print address
		prefix = NF == 2 && $2 ~ /^(lock|rep|repne|data16|xacquire|xrelease)$/
	}' "$1"
}

@test "every instruction boundary is the disassembler's" {
	cd "$BATS_FILE_TMPDIR"
	local goroot version end etext functions insns
	for goroot in $GOSONDE_GOROOTS; do
		version=$(minor "$goroot")
		"$dump" insns "program.$version" >ours.all
		# Of the padding behind the last function some versions count a part to it, some none.
		end=$(awk 'NF > 2 { end = $2 } END { print end }' ours.all)
		etext=$(nm "program.$version" | sed -nE 's/^0*([0-9a-f]+) . runtime\.etext$/\1/p')
		((16#$etext - 16#$end < 32)) || fail "1.$version: functions end at $end, text at $etext"
		boundaries "listing.$version" "$end" >theirs
		sed -n '/ /!p' ours.all >ours
		functions=$(grep -c ' ' ours.all)
		insns=$(wc -l <ours)
		((functions > 1000 && insns > 100000)) || fail "1.$version: too little to compare"
		diff theirs ours >difference ||
			fail "1.$version: boundaries differ:" "$(head -n 20 difference)"
		echo "# Go 1.$version: $functions functions, $insns instructions, 0 mismatches" >&3
	done
}

# Addresses of the functions that call morestack, as the disassembler names it.
checked_functions() {
	awk '/^[0-9a-f]+ <.*>:$/ { sub(/^0+/, "", $1); function_address = $1 }
		/callq?[ \t].*<runtime\.morestack(c|_noctxt)?(\.abi0)?>/ { print function_address }' "$1" | sort -u
}

# All of them and only they get a site behind their stack check: push %rbp, before 1.21 the jbe.
@test "every function with a stack check has its site there" {
	cd "$BATS_FILE_TMPDIR"
	local goroot version reason
	for goroot in $GOSONDE_GOROOTS; do
		version=$(minor "$goroot")
		reason='push %rbp after the stack check'
		((version >= 21)) || reason='jbe of the stack check'
		checked_functions "listing.$version" >theirs
		"$dump" sites "program.$version" |
			awk -F '\t' -v reason=": $reason\$" '$2 ~ reason { print $1 }' | sort -u >ours
		diff theirs ours >difference || fail "1.$version: they differ:" "$(head -n 20 difference)"
		(($(wc -l <ours) > 900)) || fail "1.$version: too little to compare"
		echo "# Go 1.$version: $(wc -l <ours) functions with a stack check" >&3
	done
}

@test "every probed function has a cheap site" {
	cd "$BATS_FILE_TMPDIR"
	local goroot version dear
	for goroot in $GOSONDE_GOROOTS; do
		version=$(minor "$goroot")
		# Before 1.21 throw and fatal have neither a stack check nor a push; both are rare.
		dear='^$'
		((version >= 21)) || dear='^fault	runtime\.(throw|fatal)	single-step'
		"$dump" probes "program.$version" >places
		(($(wc -l <places) >= 20)) || fail "1.$version: too few probes:" "$(cat places)"
		if grep -vE "	emulated\\+|$dear" places >without; then
			fail "1.$version: no cheap site:" "$(cat without)"
		fi
	done
}
