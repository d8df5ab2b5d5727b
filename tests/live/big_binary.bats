#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2154 # helper.bash sets them
#
# A binary of more than 200 MB and 400 000 functions is looked into with less than 40 MB of memory, pages of
# the file included. How long it takes is shown; no test depends on it.

load helper

readonly packages=10 functions=40000 limit_kib=$((40 << 10))

# A package of assembly: its functions are quick to build, and a table of them keeps them linked.
write_package() {
	mkdir "$1"
	printf 'package %s\n\nfunc Table() *uintptr\n' "$1" >"$1/p.go"
	awk -v n="$functions" 'BEGIN {
		print "#include \"textflag.h\""
		for (i = 0; i < n; i++) {
			name = sprintf("reconcilerForResource%06d_ValidateAndNormalizeDesiredState", i)
			printf "TEXT ·%s(SB),NOSPLIT,$0-0\n\tPCALIGN $256\n\tRET\n", name
			printf "DATA table<>+%d(SB)/8, $·%s(SB)\n", i * 8, name
		}
		printf "GLOBL table<>(SB), RODATA, $%d\n", n * 8
		print "TEXT ·Table(SB),NOSPLIT,$0-8\n\tLEAQ table<>(SB), AX\n\tMOVQ AX, ret+0(FP)\n\tRET"
	}' >"$1/a_amd64.s"
}

# build_big GOROOT FILE: in the current folder.
build_big() {
	local i imports='' calls=''
	printf 'module example.com/platform/services\n\ngo 1.21\n' >go.mod
	for ((i = 0; i < packages; i++)); do
		write_package "pkg$i"
		imports+="import \"example.com/platform/services/pkg$i\"; " calls+="println(pkg$i.Table()); "
	done
	printf 'package main; %s\nfunc main() { %s }\n' "$imports" "$calls" >main.go
	GOTOOLCHAIN=local GOPROXY=off GOCACHE=$BATS_TEST_TMPDIR/cache "$1/bin/go" build -o "$2" .
}

@test "a binary of 200 MB is opened with less than 40 MB of memory" {
	[[ $(uname -m) == x86_64 ]] || skip "the big program is x86-64 assembly"
	needs_go 1.24 # older ones can't align code in assembly
	local big=$BATS_TEST_TMPDIR/big rss_kib ms size start
	mkdir "$BATS_TEST_TMPDIR/source"
	cd "$BATS_TEST_TMPDIR/source"
	build_big "$(goroot 1.24)" "$big"
	size=$(stat -c %s "$big")
	((size >= 200000000)) || fail "the program has only $size bytes"

	for file in "$big" "$big.strip"; do
		[[ -e $file ]] || strip -o "$file" "$big"
		start=${EPOCHREALTIME/[.,]/}
		rss_kib=$(python3 -c 'import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)' "$gosonde" inspect "$file")
		ms=$(((${EPOCHREALTIME/[.,]/} - start) / 1000))
		echo "# ${file##*/}: $((size / 1000000)) MB, inspected in $ms ms (python's start included), $rss_kib KiB" >&3
		((rss_kib < limit_kib)) || fail "$rss_kib KiB of memory for ${file##*/}"
	done
}
