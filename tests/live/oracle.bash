# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash disable=SC2154 # helper.bash sets root and build
#
# What the oracles share: one Go program built by every Go in GOSONDE_GOROOTS (GOROOTs, separated by
# blanks) in every kind, and the tables of what was compared. Needs no root.

oracle=$build/oracle # the binaries: $oracle/1.22.cgopie
readonly linked_kinds='plain pie cgo cgopie staticpie'

minor() { # GOROOT: 22 of go1.22.12
	GOROOT=$1 GOTOOLCHAIN=local "$1/bin/go" version | sed -E 's/.* go1\.([0-9]+).*/\1/'
}

# Sets GOSONDE_GOROOTS to the system's Go if it is not set, and NEWEST to the newest of them, whose
# tools read the others' binaries: older ones can't read a PIE.
find_goroots() {
	GOSONDE_GOROOTS=${GOSONDE_GOROOTS:-$(goroot system)} || return 1
	NEWEST=$(for goroot in $GOSONDE_GOROOTS; do
		echo "$(minor "$goroot") $goroot"
	done | sort -n | tail -n 1 | cut -d' ' -f2)
	export GOSONDE_GOROOTS NEWEST
	export GOTOOLCHAIN=local GOPROXY=off GOFLAGS='' GOCACHE=$build/gocache GOPATH=$build/gopath
}

build_dumper() { # NAME: prints its path
	env -u SAN -u MAKEFLAGS -u MAKELEVEL make -s -C "$root" O="$build" "$build/tests/unit/$1" >&2 ||
		return 1
	echo "$build/tests/unit/$1"
}

build_kind() { # GOROOT KIND
	local out flags=() cgo=0
	out=$oracle/1.$(minor "$1").$2
	case $2 in
	plain) ;;
	plain-sw) flags=(-ldflags='-s -w') ;;
	pie) flags=(-buildmode=pie) ;;
	cgo) cgo=1 flags=(-ldflags=-linkmode=external) ;;
	cgopie) cgo=1 flags=(-ldflags=-linkmode=external -buildmode=pie) ;;
	staticpie) cgo=1 flags=(-ldflags='-linkmode=external -extldflags=-static-pie' -buildmode=pie) ;;
	esac
	(($(minor "$1") < 18)) || flags+=(-buildvcs=false)
	if [[ $out -nt $1/bin/go && $out -nt $root/tests/live/oracle/main.go ]]; then
		return
	fi
	(cd "$root/tests/live/oracle" &&
		GOROOT=$1 CGO_ENABLED=$cgo "$1/bin/go" build "${flags[@]}" -o "$out" .) >&2
}

# Every kind of each; without a C compiler those that need none.
build_all() {
	local goroot kind kinds=$linked_kinds
	mkdir -p "$oracle"
	command -v gcc >/dev/null || kinds='plain pie'
	for goroot in $GOSONDE_GOROOTS; do
		for kind in $kinds plain-sw; do
			build_kind "$goroot" "$kind" || return 1
		done
		for kind in $kinds; do
			kind=$oracle/1.$(minor "$goroot").$kind
			[[ $kind-stripped -nt $kind ]] || strip -o "$kind-stripped" "$kind"
		done
	done
}

# labels KIND…: "1.22.pie" of what was built by the Go of GOSONDE_GOROOTS.
labels() {
	local goroot kind
	for goroot in $GOSONDE_GOROOTS; do
		for kind in "$@"; do
			kind=1.$(minor "$goroot").$kind
			[[ ! -e $oracle/$kind ]] || echo "$kind"
		done
	done
}

# variants LABEL: itself and its stripped twins.
variants() {
	local variant
	for variant in "$1" "$1-sw" "$1-stripped"; do
		[[ ! -e $oracle/$variant ]] || echo "$variant"
	done
}

# differing FILE FILE: how many lines of either differ from the other's.
differing() {
	diff "$1" "$2" | grep -c '^[<>]' || true
}

# row LABEL COMPARED MISMATCHES WHAT: into the table; fails on a mismatch.
row() {
	printf '%s %d %d %s\n' "$@" >>"$BATS_FILE_TMPDIR/rows"
	(($3 == 0)) || fail "$1: $3 of $2 $4 differ"
}

# print_table: a row for each version and kind, and the totals, which tests/run passes on.
print_table() {
	[[ -e $BATS_FILE_TMPDIR/rows ]] || return 0
	awk '
		!($1 in seen) { seen[$1] = 1; order[++n] = $1 }
		!($4 in head) { head[$4] = 1; what[++m] = $4 }
		{ compared[$1, $4] += $2; wrong[$1, $4] += $3; all[$4] += $2; bad[$4] += $3 }
		function line(label, i, a, b) {
			printf "# table: %-22s", label
			for (i = 1; i <= m; i++) {
				a = label == "total" ? all[what[i]] : compared[label, what[i]]
				b = label == "total" ? bad[what[i]] : wrong[label, what[i]]
				printf "  %8d %s, %d mismatches", a, what[i], b
			}
			print ""
		}
		END { for (i = 1; i <= n; i++) line(order[i]); line("total") }' "$BATS_FILE_TMPDIR/rows"
}
