#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
#
# The Go binary reader against the Go tools: every function's name and address, and file and line
# at four places of each, in plain, PIE, cgo and stripped builds of every Go in GOSONDE_GOROOTS
# (GOROOTs, separated by blanks). Needs no root.

bats_require_minimum_version 1.5.0

setup_file() {
	[ -n "${GOSONDE_GOROOTS:-}" ] || return 0
	root=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	build=${GOSONDE_BUILD:-$root/build}
	make -s -C "$root" O="$build" "$build/tests/unit/gobin_dump"
	export DUMP=$build/tests/unit/gobin_dump
	export GOTOOLCHAIN=local GOPROXY=off GOFLAGS='' GOCACHE=$BATS_FILE_TMPDIR/cache
	export GOPATH=$BATS_FILE_TMPDIR/gopath
	# Of several releases the newest one's tools: older ones can't read a PIE.
	NEWEST=$(for goroot in $GOSONDE_GOROOTS; do
		echo "$(minor "$goroot") $goroot"
	done | sort -n | tail -n 1 | cut -d' ' -f2)
	export NEWEST
	write_source
	for goroot in $GOSONDE_GOROOTS; do
		build_all "$goroot"
	done
}

setup() { # setup_file can't skip in bats 1.8
	[ -n "${GOSONDE_GOROOTS:-}" ] || skip "GOSONDE_GOROOTS names no Go toolchain"
}

minor() { # GOROOT: 22 of go1.22.12
	GOROOT=$1 "$1/bin/go" version | sed -E 's/.* go1\.([0-9]+).*/\1/'
}

write_source() {
	mkdir -p "$BATS_FILE_TMPDIR/src"
	cat > "$BATS_FILE_TMPDIR/src/go.mod" <<-'END'
		module example.com/oracle
	END
	cat > "$BATS_FILE_TMPDIR/src/main.go" <<-'END'
		package main

		import "fmt"

		type Order struct{ A, B int }

		//go:noinline
		func fill(orders map[string]*Order, n int) {
			for i := 0; i < n; i++ {
				orders[fmt.Sprint(i)] = &Order{i, i}
			}
		}

		func main() {
			orders := map[string]*Order{}
			fill(orders, 100)
			done := make(chan bool)
			go func() { fmt.Println(len(orders)); done <- true }()
			<-done
		}
	END
	cat > "$BATS_FILE_TMPDIR/cgo.go" <<-'END'
		package main

		// static int one(void) { return 1; }
		import "C"

		var one = C.one()
	END
}

go_build() { # GOROOT KIND FLAGS…
	local goroot=$1 out
	out=$BATS_FILE_TMPDIR/1.$(minor "$1").$2
	shift 2
	(cd "$BATS_FILE_TMPDIR/src" && GOROOT=$goroot "$goroot/bin/go" build "$@" -o "$out" .)
}

build_all() { # GOROOT
	local source=$BATS_FILE_TMPDIR
	[ "$(minor "$1")" -lt 18 ] || export GOFLAGS=-buildvcs=false
	CGO_ENABLED=0 go_build "$1" plain
	CGO_ENABLED=0 go_build "$1" plain-sw -ldflags='-s -w'
	CGO_ENABLED=0 go_build "$1" pie -buildmode=pie
	if command -v gcc > /dev/null; then
		cp "$source/cgo.go" "$source/src/cgo.go"
		CGO_ENABLED=1 go_build "$1" cgo -ldflags=-linkmode=external
		CGO_ENABLED=1 go_build "$1" cgopie -ldflags=-linkmode=external -buildmode=pie
		rm "$source/src/cgo.go"
	fi
	for file in "$source/1.$(minor "$1")".{plain,pie,cgo,cgopie}; do
		[ ! -e "$file" ] || strip -o "$file-stripped" "$file"
	done
	export GOFLAGS=''
}

tool() { # TOOL ARGS…
	GOROOT=$NEWEST "$NEWEST/bin/go" tool "$@"
}

unstripped() {
	ls "$BATS_FILE_TMPDIR"/1.*.{plain,pie,cgo,cgopie} 2> /dev/null
}

# Go 1.19's addr2line answers `?` for every place of a PIE, 1.22's is right.
with_lines() {
	if [ "$(minor "$NEWEST")" -ge 22 ]; then
		unstripped
	else
		echo "# PIEs left out: needs the addr2line of Go 1.22" >&3
		ls "$BATS_FILE_TMPDIR"/1.*.{plain,cgo} 2> /dev/null
	fi
}

# pclntab spells some generated functions otherwise than nm: `·` for `.`, and in Go 1.19 an array's
# length as `...`; and it has no `.abi0`.
plain_names() {
	sed -E 's/\.abi0$//; s/·/./g; /eq\.\[/s/\[[0-9]+\]/[...]/' | sort -u
}

places() { # FILE: start, a third, half and last byte of every function
	"$DUMP" funcs "$1" | while read -r addr size _; do
		addr=$((16#$addr))
		printf '%#x\n' "$addr" $((addr + size / 3)) $((addr + size / 2)) \
			$((size ? addr + size - 1 : addr))
	done
}

@test "every function has the name and address that go tool nm tells" {
	local total=0
	for file in $(unstripped); do
		"$DUMP" funcs "$file" | cut -d' ' -f1,3- | plain_names > "$BATS_TEST_TMPDIR/ours"
		tool nm "$file" | sed -nE 's/^ *([0-9a-f]+) [Tt] /\1 /p' | plain_names \
			> "$BATS_TEST_TMPDIR/nm"
		[ "$(wc -l < "$BATS_TEST_TMPDIR/ours")" -gt 1000 ]
		run -0 comm -23 "$BATS_TEST_TMPDIR/ours" "$BATS_TEST_TMPDIR/nm"
		[ -z "$output" ] || { echo "$file: not in nm: $output"; false; }
		total=$((total + $(wc -l < "$BATS_TEST_TMPDIR/ours")))
	done
	echo "# $total functions" >&3
}

@test "no function of the Go text that go tool nm tells is missing" {
	for file in $(unstripped); do
		"$DUMP" funcs "$file" | cut -d' ' -f1 | sort -u > "$BATS_TEST_TMPDIR/ours"
		# Markers of the linker, and what C brings along, stand outside the Go functions.
		read -r first last < <(sort "$BATS_TEST_TMPDIR/ours" |
			awk '{ n = sprintf("%16s", $1); if (!NR || n < a || a == "") a = n;
				if (n > b) b = n } END { print a, b }')
		tool nm "$file" | awk '$2 == "T" || $2 == "t" { print $1, $3 }' |
			grep -vE ' runtime\.(e?text|.*epclntab)$' |
			awk -v a="$first" -v b="$last" '{ n = sprintf("%16s", $1);
				if (n >= sprintf("%16s", a) && n <= sprintf("%16s", b)) print $1 }' |
			sort -u > "$BATS_TEST_TMPDIR/nm"
		run -0 comm -13 "$BATS_TEST_TMPDIR/ours" "$BATS_TEST_TMPDIR/nm"
		[ -z "$output" ] || { echo "$file: only in nm: $output"; false; }
	done
}

@test "every place has the function, file and line that go tool addr2line tells" {
	local total=0
	for file in $(with_lines); do
		places "$file" > "$BATS_TEST_TMPDIR/places"
		"$DUMP" lines "$file" < "$BATS_TEST_TMPDIR/places" > "$BATS_TEST_TMPDIR/ours"
		# Padding has no line: addr2line prints what gosym makes of that, a negative one.
		tool addr2line "$file" < "$BATS_TEST_TMPDIR/places" |
			sed -E 's/^:-[0-9]+$/?:0/' > "$BATS_TEST_TMPDIR/theirs"
		run -0 diff "$BATS_TEST_TMPDIR/ours" "$BATS_TEST_TMPDIR/theirs"
		total=$((total + $(wc -l < "$BATS_TEST_TMPDIR/places")))
	done
	[ "$total" -gt 5000 ]
	echo "# $total places" >&3
}

@test "a name finds its function and never an ABI wrapper" {
	local wrapped=0
	for file in $(with_lines); do
		"$DUMP" funcs "$file" | cut -d' ' -f3- | sort | uniq -d > "$BATS_TEST_TMPDIR/twice"
		"$DUMP" names "$file" | sort -u > "$BATS_TEST_TMPDIR/found"
		[ "$("$DUMP" funcs "$file" | cut -d' ' -f3- | sort -u | wc -l)" -eq \
			"$(wc -l < "$BATS_TEST_TMPDIR/found")" ]
		# Of a pair the wrapper is the one that no source line stands for.
		awk 'NR == FNR { twice[$0] = 1; next }
			{ addr = $1; sub(/^[^ ]+ /, ""); if ($0 in twice) print "0x" addr }' \
			"$BATS_TEST_TMPDIR/twice" "$BATS_TEST_TMPDIR/found" > "$BATS_TEST_TMPDIR/addrs"
		tool addr2line "$file" < "$BATS_TEST_TMPDIR/addrs" > "$BATS_TEST_TMPDIR/lines"
		run -1 grep -F '<autogenerated>' "$BATS_TEST_TMPDIR/lines"
		wrapped=$((wrapped + $(wc -l < "$BATS_TEST_TMPDIR/addrs")))
	done
	echo "# $wrapped names of two functions" >&3
}

@test "a stripped binary tells the same as its twin" {
	local count=0
	for file in "$BATS_FILE_TMPDIR"/1.*-{stripped,sw}; do
		twin=${file%-*}
		places "$twin" > "$BATS_TEST_TMPDIR/places"
		for what in funcs names lines; do
			"$DUMP" "$what" "$file" < "$BATS_TEST_TMPDIR/places" > "$BATS_TEST_TMPDIR/a"
			"$DUMP" "$what" "$twin" < "$BATS_TEST_TMPDIR/places" > "$BATS_TEST_TMPDIR/b"
			cmp "$BATS_TEST_TMPDIR/a" "$BATS_TEST_TMPDIR/b"
		done
		"$DUMP" info "$file" | grep -q ' stripped=1 '
		"$DUMP" info "$twin" | grep -q ' stripped=0 '
		run -1 "$DUMP" symbol "$file" runtime.work
		count=$((count + 1))
	done
	[ "$count" -ge 2 ]
}

@test "a symbol has the address that go tool nm tells" {
	for file in $(unstripped); do
		for name in runtime.work runtime.memstats runtime.sched runtime.allp; do
			addr=$(tool nm "$file" | awk -v name="$name" '$3 == name { print $1 }')
			"$DUMP" symbol "$file" "$name" | grep -q "^$addr "
		done
	done
}

@test "version and module are those of go version -m" {
	for file in "$BATS_FILE_TMPDIR"/1.*; do
		[ -f "$file" ] || continue
		version=$(GOROOT=$NEWEST "$NEWEST/bin/go" version -m "$file")
		"$DUMP" info "$file" | grep -q "^$(sed -n '1s/.*: //p' <<< "$version") .* module=$(
			awk '$1 == "mod" { print $2 }' <<< "$version") "
	done
}

# OFFSET|NAME of every type that DWARF relates to a descriptor. It marks types without hash or
# equality, has import paths where the runtime has package names, and writes the types of no name,
# and local ones, otherwise.
dwarf_types() { # FILE
	llvm-dwarfdump --debug-info "$1" | awk '
		/DW_TAG/ { name = "" }
		/DW_AT_name/ { name = $0; sub(/.*\("/, "", name); sub(/"\)$/, "", name) }
		/DW_AT_GO_runtime_type/ { gsub(/[()]/, "", $2); print $2 "|" name }' |
		grep -E '^0x0000000000[0-3]' | grep -vE '^0x0+\||(struct|interface) ?\{|func\(|\\302' |
		sed 's/noalg\.//g' | sort -u
}

short_names() {
	sed -E 's,[A-Za-z0-9_.-]+/,,g'
}

@test "a type has the name that DWARF tells" {
	command -v llvm-dwarfdump > /dev/null || skip "no llvm-dwarfdump"
	local total=0
	for file in "$BATS_FILE_TMPDIR"/1.*.plain; do
		dwarf_types "$file" > "$BATS_TEST_TMPDIR/dwarf"
		cut -d'|' -f1 "$BATS_TEST_TMPDIR/dwarf" | "$DUMP" types "$file" |
			sed -E 's/^[0-9]+ //' | short_names > "$BATS_TEST_TMPDIR/ours"
		cut -d'|' -f2 "$BATS_TEST_TMPDIR/dwarf" | short_names > "$BATS_TEST_TMPDIR/names"
		run -0 diff "$BATS_TEST_TMPDIR/ours" "$BATS_TEST_TMPDIR/names"
		grep -q '^map\[string\]\*main.Order$' "$BATS_TEST_TMPDIR/ours"
		total=$((total + $(wc -l < "$BATS_TEST_TMPDIR/ours")))
	done
	[ "$total" -gt 100 ]
	echo "# $total types" >&3
}
