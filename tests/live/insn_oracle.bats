#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2154 # helper.bash sets root and build
#
# The decoder and the choice of sites against a disassembler, over every function of Go programs
# built by the toolchains in GOSONDE_GOROOTS (GOROOTs, separated by blanks; default: that of `go`).
# Needs no root.

load helper
load oracle

setup_file() {
	objdump=$(command -v llvm-objdump || command -v llvm-objdump-14) ||
		skip "no llvm-objdump to compare with"
	export objdump
	find_goroots || skip "no Go toolchain"
	dump=$(build_dumper insn_dump)
	export dump
	build_all
}

teardown_file() {
	print_table >&3
}

listing() { # LABEL: the disassembler's, made once
	local listing=$BATS_FILE_TMPDIR/listing.$1
	[[ -e $listing ]] || "$objdump" -d --no-show-raw-insn -j .text "$oracle/$1" >"$listing"
	echo "$listing"
}

# Boundaries in a listing from the address $2 up to $3, as numbers of 16 digits: with cgo, code of C
# stands around. LLVM 14 gives a lock prefix a line of its own.
boundaries() {
	awk -v start="$2" -v end="$3" '/^ *[0-9a-f]+:/ {
		address = sprintf("%16s", substr($1, 1, length($1) - 1))
		if (!prefix && address >= start && address < end)
			print address
		prefix = NF == 2 && $2 ~ /^(lock|rep|repne|data16|xacquire|xrelease)$/
	}' "$1"
}

@test "every instruction boundary is the disassembler's" {
	local label start end etext
	cd "$BATS_TEST_TMPDIR"
	# shellcheck disable=SC2086 # a list of kinds
	for label in $(labels $linked_kinds); do
		"$dump" insns "$oracle/$label" >ours.all
		# Of the padding behind the last function some versions count a part to it, some none.
		end=$(awk 'NF > 2 { end = $2 } END { print end }' ours.all)
		etext=$(nm "$oracle/$label" | sed -nE 's/^0*([0-9a-f]+) . runtime\.etext$/\1/p')
		((16#$etext - 16#$end < 64)) || fail "$label: functions end at $end, text at $etext"
		start=$(awk '{ print $1; exit }' ours.all)
		boundaries "$(listing "$label")" "$(printf '%16s' "$start")" "$(printf '%16s' "$end")" >theirs
		sed '/ /d' ours.all | awk '{ printf "%16s\n", $1 }' >ours
		(($(wc -l <theirs) > 100000)) || fail "$label: too little to compare"
		row "$label" "$(grep -c ' ' ours.all)" 0 functions
		row "$label" "$(wc -l <theirs)" "$(differing theirs ours)" instructions ||
			fail "$(diff theirs ours | head -n 20)"
		rm "$(listing "$label")"
	done
}

# Addresses of the functions that call morestack, as the disassembler names it.
checked_functions() {
	awk '/^[0-9a-f]+ <.*>:$/ { sub(/^0+/, "", $1); function_address = $1 }
		/callq?[ \t].*<runtime\.morestack(c|_noctxt)?(\.abi0)?>/ { print function_address }' "$1" | sort -u
}

# All of them and only they get a site behind their stack check: push %rbp, before 1.21 the jbe.
@test "every function with a stack check has its site there" {
	cd "$BATS_TEST_TMPDIR"
	local goroot version reason
	for goroot in $GOSONDE_GOROOTS; do
		version=$(minor "$goroot")
		reason='push %rbp after the stack check'
		((version >= 21)) || reason='jbe of the stack check'
		checked_functions "$(listing "1.$version.plain")" >theirs
		"$dump" sites "$oracle/1.$version.plain" |
			awk -F '\t' -v reason=": $reason\$" '$2 ~ reason { print $1 }' | sort -u >ours
		diff theirs ours >difference || fail "1.$version: they differ:" "$(head -n 20 difference)"
		(($(wc -l <ours) > 900)) || fail "1.$version: too little to compare"
		echo "# Go 1.$version: $(wc -l <ours) functions with a stack check" >&3
	done
}

@test "every probed function has a cheap site" {
	cd "$BATS_TEST_TMPDIR"
	local goroot version dear
	for goroot in $GOSONDE_GOROOTS; do
		version=$(minor "$goroot")
		# Before 1.21 throw and fatal have neither a stack check nor a push; both are rare.
		dear='^$'
		((version >= 21)) || dear='^fault	runtime\.(throw|fatal)	single-step'
		"$dump" probes "$oracle/1.$version.plain" >places
		(($(wc -l <places) >= 20)) || fail "1.$version: too few probes:" "$(cat places)"
		if grep -vE "	emulated\\+|$dear" places >without; then
			fail "1.$version: no cheap site:" "$(cat without)"
		fi
	done
}
