#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2030,SC2031,SC2154 # bats runs each test in a subshell; helper.bash sets the rest
#
# The manual pages against the program: what it takes they say, and nothing else.

load helper

setup() {
	man=$root/scripts/dist/man
	cd "$BATS_TEST_TMPDIR" || return
}

# same WHAT GOT WANTED: texts of several lines.
same() {
	diff <(echo "$2") <(echo "$3") >differences || fail "$1: < is the manual's, > the program's" "$(cat differences)"
}

# options COMMAND: "-j, --json" as its --help lists them, but for those that every command has.
options() {
	"$gosonde" "$1" --help | sed -nE 's/^ {2,6}((-., )?--[a-z][^ ]*).*/\1/p' | sed 's/…/.../' |
		grep -vE -- '--(help|usage)$' | sort
}

# described COMMAND: the same of the manual, from the page as it is read.
described() {
	sed -n "/^   gosonde $1\$/,/^ \{0,3\}[^ ]/{/^   gosonde $1\$/d;p}" page |
		sed -nE 's/^     ((-., )?--[a-z][^ ]*( \| [^ ]+)*).*/\1/p' | sed 's/ | /|/g' | sort
}

read_page() {
	command -v mandoc >/dev/null || skip "mandoc is not installed"
	mandoc -T ascii -O width=200 "$man/$1" | sed 's/.\x08//g' >page
}

commands() {
	"$gosonde" --help | sed -nE '/^Commands:/,/^$/s/^  ([a-z-]+) .*/\1/p' | sort
}

# What the program says that it expected in a file that is wrong.
expected() {
	echo "$1" >wrong.yaml
	"$gosonde" check-config wrong.yaml 2>&1 | sed -n 's/.*expected one of: //p' | tr -d ' ' | tr , '\n' | sort
}

# keys HEADING: the tags of that section or subsection.
keys() {
	awk -v heading="$1" '/^\.S[hs] / { on = substr($0, 5) == heading } on && /^\.It Ic / { print $3 }' \
		"$man/gosonde.yaml.5" | sort
}

@test "the pages are right by mandoc and by groff" {
	local page
	for page in gosonde.1 gosonde.yaml.5; do
		if command -v mandoc >/dev/null; then
			# Whether other manuals are there is this machine's matter.
			mandoc -T lint -W style "$man/$page" 2>&1 | grep -v 'manual not found' |
				grep "^mandoc: $man" >said && fail "$(cat said)"
		fi
		command -v man >/dev/null || skip "man is not installed"
		LC_ALL=C.UTF-8 MANWIDTH=80 man --warnings -E UTF-8 -l -Tutf8 -Z "$man/$page" 2>said >/dev/null
		[[ ! -s said ]] || fail "$(cat said)"
	done
	command -v mandoc >/dev/null || skip "mandoc is not installed"
}

@test "gosonde(1) has every command, in its synopsis too, and no other" {
	read_page gosonde.1
	same "commands" "$(sed -n 's/^   gosonde //p' page | sort)" "$(commands)"
	same "synopsis" "$(sed -nE '/^SYNOPSIS/,/^DESCRIPTION/s/^     gosonde ([a-z-]+).*/\1/p' page | sort)" "$(commands)"
}

@test "gosonde(1) has every option with its argument, and no other" {
	local command
	read_page gosonde.1
	[[ -n $(options attach) ]]
	for command in $(commands); do
		same "options of $command" "$(described "$command")" "$(options "$command")"
	done
}

@test "gosonde.yaml(5) has every key, as the program and the shipped file do" {
	same "the daemon's" "$(keys KEYS)" "$(expected 'x: 1')"
	same "entries of watch" "$(keys 'Entries of watch and ignore')" "$(expected 'watch: [{x: 1}]')"
	same "a rules file's" "$(keys RULES)" "$(expected $'rules: []\nx: 1')"
	same "entries of rules" "$(keys 'Entries of rules')" "$(expected 'rules: [{rule: fault, x: 1}]')"
	same "entries of levels" "$(keys 'Entries of levels')" \
		"$(expected 'rules: [{rule: gc-pressure, levels: [{x: 1}]}]')"
	same "rules" "$(keys 'RULES AND MEASURES')" "$(expected 'rules: [{rule: x}]')"
}

@test "gosonde.yaml(5) has the defaults of the shipped file" {
	same "defaults" "$(awk '/^\.S[hs] / { on = /KEYS/ } on && /^\.It Ic / { key = $3 }
		on && sub(/^Default: /, "") { sub(/\.$/, ""); print key ": " $0 }' "$man/gosonde.yaml.5" | sort)" \
		"$(grep -E '^[a-z_]+: ' "$root/scripts/dist/gosonde.yaml" | sort)"
}

# shown PRESET: "RULE MEASURE: raise R, clear C, for F" and "RULE: severity S, cooldown C", by the program.
shown() {
	echo "preset: $1" >preset.yaml
	"$gosonde" check-config --show preset.yaml | sed -E 's/([0-9]) (ns|us|ms|s)\b/\1\2/g; s/\b0ns/0s/g; s/\.0(ms|s)\b/\1/g; s/m00s/m/g' |
		awk 'NR > 2 { print $1, $2 ": " ($4 == "off" ? "off" : "raise " $4 ", clear " $5 ", for " $6) }
			NR > 2 && !seen[$1]++ { print $1 ": severity " $8 ", cooldown " $7 }' | sort
}

# told WORD: the same of the manual, from the lines that begin with it.
told() {
	awk -v word="$1: " '/^\.S[hs] / { on = /MEASURES/ } !on { next }
		/^\.It Ic / { rule = $3 } /^\.It Cm / { measure = $3 }
		/^Severity / { sub(/\.$/, ""); print rule ": severity " substr($0, 10) }
		index($0, word) == 1 { sub(/\.$/, ""); print rule, measure ": " substr($0, length(word) + 1) }' \
		"$man/gosonde.yaml.5" | sort
}

@test "gosonde.yaml(5) has every measure's levels, of both presets" {
	same "default" "$(told Default)" "$(shown default)"
	same "strict" "$(told Strict)" "$(shown strict)"
}
