#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2030,SC2031,SC2154 # bats runs each test in a subshell; helper.bash sets the rest
#
# The shells' completions, each by the shell itself: what it offers after a line.

load helper

setup() {
	here=$root/scripts/dist/completions
	cd "$BATS_TEST_TMPDIR" || return
	PATH=$build:$PATH
	export here PATH
	echo 'rules: []' >zqj.yaml
}

teardown() {
	stop_all
}

# The line is split as readline splits it, at blanks and =.
bash_offers() {
	[[ -r /usr/share/bash-completion/bash_completion ]] || skip "bash-completion is not installed"
	# shellcheck disable=SC2016 # for the inner shell
	bash --norc -c '
		. /usr/share/bash-completion/bash_completion
		. "$here/gosonde"
		compopt() { :; }
		COMP_WORDBREAKS=$'"' \t\n\"'"\''><=;|&(:'"' COMP_LINE=\$1 COMP_POINT=\${#1} COMP_TYPE=9
		"'read -ra COMP_WORDS <<<"${1//=/ = }"
		[[ $1 != *" " ]] || COMP_WORDS+=("")
		COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
		_gosonde "${COMP_WORDS[0]}" "${COMP_WORDS[-1]}"
		printf "%s\n" "${COMPREPLY[@]}"' bash "$1"
}

fish_offers() {
	command -v fish >/dev/null || skip "fish is not installed"
	# shellcheck disable=SC2016
	fish --no-config -c 'source $here/gosonde.fish; complete -C $argv[1]' "$1" | cut -f 1
}

# zsh completes in its line editor only, so one runs at a terminal of its own. What it would offer goes
# through compadd.
zsh_offers() {
	command -v zsh >/dev/null || skip "zsh is not installed"
	# shellcheck disable=SC2016
	timeout 20 zsh -f -c '
		zmodload zsh/zpty
		zpty z zsh -f -i
		zpty -w z "PS1=; stty cols 200; fpath=($here \$fpath); autoload -Uz compinit; compinit -D -u
			compadd() { local -a offered; builtin compadd -O offered \"\$@\"
				(( \${#offered} )) && print -rl -- offered:\$^offered; return 0 }
			tab() { _main_complete; print end-of-it; exit }
			zle -C tab complete-word tab; bindkey \"^I\" tab; print begin-of-it"
		zpty -r z seen "*begin-of-it*begin-of-it*"
		zpty -w -n z "$1"$'"'\t'"'
		zpty -r z seen "*end-of-it*"
		print -r -- "$seen"' zsh "$1" | tr -d '\r' | sed -n 's/.*offered://p'
}

# offers SHELL LINE WORD…: these and no other, in any order; an = behind an option is as good as none.
offers() {
	equal "$1 after '$2'" "$("$1_offers" "$2" | sed -E 's/^(--.*)=$/\1/' | sort -u | xargs)" \
		"$(printf '%s\n' "${@:3}" | sort -u | xargs)"
}

commands() {
	"$gosonde" --help | sed -nE '/^Commands:/,/^$/s/^  ([a-z-]+) .*/\1/p'
}

options() {
	"$gosonde" "$1" --help | sed -nE 's/^ {2,6}(-., )?(--[a-z-]+).*/\2/p'
}

# What is the same in every shell.
complete_all() {
	local shell=$1 command
	offers "$shell" 'gosonde at' attach
	for command in $(commands); do
		# shellcheck disable=SC2046 # words
		offers "$shell" "gosonde $command --" $(options "$command")
	done
	offers "$shell" 'gosonde goroutines --by ' site wait state
	offers "$shell" 'gosonde goroutines -b ' site wait state
	offers "$shell" 'gosonde attach --rules zq' zqj.yaml
	offers "$shell" 'gosonde check-config zq' zqj.yaml
	offers "$shell" 'gosonde inspect zq' zqj.yaml
	offers "$shell" 'gosonde attach zq'
	offers "$shell" 'gosonde attach --for '
	# Others may run whose number begins so.
	start "$(workload quiet)"
	"${shell}_offers" "gosonde attach $pid" | grep -qx "$pid"
	"${shell}_offers" "gosonde inspect $pid" | grep -qx "$pid"
}

@test "bash" {
	complete_all bash
	# shellcheck disable=SC2046
	offers bash 'gosonde ' $(commands) --help --version
	offers bash 'gosonde attach --output=' text json
	offers bash 'gosonde attach --probes gc,map' gc,map-write gc,map-grow
}

@test "fish" {
	complete_all fish
	# shellcheck disable=SC2046
	offers fish 'gosonde ' $(commands)
	offers fish 'gosonde attach --output=j' --output=json
	offers fish 'gosonde attach --probes gc,map' gc,map-write gc,map-grow
}

@test "zsh" {
	complete_all zsh
	offers zsh 'gosonde attach --output=' text json
	offers zsh 'gosonde attach --probes gc,map' map-write map-grow # behind the comma
}

@test "the groups of probes are the program's" {
	local file groups
	echo 'probes: [x]' >wrong.yaml
	groups=$("$gosonde" check-config wrong.yaml 2>&1 | sed -n 's/.*one of: //p' | tr -d ,)
	[[ -n $groups ]]
	for file in gosonde _gosonde gosonde.fish; do
		grep -qE "[' ]${groups}[';)]" "$here/$file" || fail "$file lacks: $groups"
	done
}
