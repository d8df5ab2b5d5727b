#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2030,SC2031,SC2154 # bats runs each test in a subshell; helper.bash sets the rest
#
# make deb, and what dpkg makes of it; make install. How it runs under systemd is the VM test's matter.

load helper

setup_file() {
	if command -v dh >/dev/null; then
		rm -f "$build"/gosonde_*.deb
		make -s -C "$root" O="$build" deb >"$BATS_FILE_TMPDIR/made" 2>&1 ||
			fail "make deb:" "$(cat "$BATS_FILE_TMPDIR/made")"
	fi
}

teardown_file() {
	# Who ran this by sudo is to be able to build anew.
	[[ -z ${SUDO_UID:-} ]] || chown -R "$SUDO_UID:${SUDO_GID:?}" "$build"/static "$build"/gosonde[-_]*
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return
}

needs_deb() {
	command -v dh >/dev/null || skip "debhelper is not installed"
	deb=$(echo "$build"/gosonde_*.deb)
	[[ -s $deb ]] || fail "no package: $deb"
}

# same WHAT GOT WANTED: texts of several lines.
same() {
	diff <(echo "$2") <(echo "$3") >differences || fail "$1: < is what is there" "$(cat differences)"
}

# in_copy SCRIPT: runs it with sh in a copy of this machine's file system, which it may change; the package
# is /gosonde.deb there. No systemd runs in it.
in_copy() {
	needs_root
	[[ -d /var/lib/dpkg/info ]] || skip "this machine has no packages of Debian's kind"
	echo "$1" >script
	# shellcheck disable=SC2016 # for the inner shell
	unshare --mount --propagation private sh -c 'set -e
		mkdir copy && mount -t tmpfs copy copy && mkdir copy/upper copy/work copy/root
		mount -t overlay -o lowerdir=/,upperdir=copy/upper,workdir=copy/work copy copy/root
		cp "$1" copy/root/gosonde.deb
		{ echo "none() { if \"\$@\"; then echo \"there is: \$*\"; exit 1; fi; }" && cat script; } >copy/root/script
		mount --rbind /proc copy/root/proc && mount --rbind /dev copy/root/dev
		exec chroot copy/root sh -eu /script' sh "$deb" >said 2>&1 || fail "in a copy:" "$(tail -n 20 said)"
}

@test "the package has nothing that lintian calls an error or warns of" {
	needs_deb
	command -v lintian >/dev/null || skip "lintian is not installed"
	lintian --allow-root --pedantic --fail-on error,warning "$deb" >said 2>&1 || fail "$(cat said)"
	# An override that overrides nothing is out of date.
	grep -E 'unused-override|mismatched-override' said && fail "an override overrides nothing"
	true
}

@test "the package has all that there is to install, root's, and is of this version" {
	local release
	needs_deb
	release=$(sed -n 's/^RELEASE\t*:= //p' "$root/Makefile")
	equal "version" "$(dpkg-deb -f "$deb" Version)" "$release"
	dpkg-deb --ctrl-tarfile "$deb" | tar xO ./conffiles >conffiles
	same "conffiles" "$(cat conffiles)" /etc/gosonde/gosonde.yaml
	dpkg-deb -c "$deb" | awk '$2 != "root/root"' >others
	[[ ! -s others ]] || fail "not root's:" "$(cat others)"
	# What make install puts somewhere, debhelper has compressed or put into another folder.
	make -s -C "$root" O="$build" install PREFIX=/usr zshdir=/usr/share/zsh/vendor-completions \
		DESTDIR="$PWD/installed" >/dev/null
	same "files" "$(dpkg-deb -c "$deb" | awk '/^-/ { print $6 }' | sed -E 's/^\.//; s/\.gz$//; s|^/lib/|/usr/lib/|' |
		grep -vE '/doc/gosonde/(copyright|changelog)|/lintian/' | sort)" \
		"$(cd installed && find . -type f | sed 's/^\.//' | sort)"
	dpkg-deb -x "$deb" unpacked
	equal "program" "$(unpacked/usr/bin/gosonde version)" "$("$gosonde" version)"
	# Debian 12's is too old, and apt takes none out of backports by itself.
	dpkg-deb -f "$deb" Depends | grep -q libbpf && fail "it depends on a libbpf"
	readelf -d unpacked/usr/bin/gosonde | grep -q BIND_NOW || fail "not hardened"
}

@test "what scripts/setup installs for building the package asks for" {
	local name
	sed -n '/^readonly build_packages=(/,/^)/p' "$root/scripts/setup" | grep -oE '[a-z0-9+-]+-dev' |
		grep -v libc6-dev >wanted
	[[ -s wanted ]]
	while read -r name; do
		grep -qE "^ $name( .*)?,$" "$root/scripts/debian/control" || fail "Build-Depends lacks $name"
	done <wanted
}

@test "installed: a user, a service that is enabled, a manual; a changed configuration survives" {
	needs_deb
	# shellcheck disable=SC2016 # for the inner shell
	in_copy '
		dpkg --no-triggers --path-include="*" -i /gosonde.deb
		getent passwd gosonde | grep -q ":/nonexistent:/usr/sbin/nologin$"
		test "$(id -Gn gosonde)" = gosonde
		test -L /etc/systemd/system/multi-user.target.wants/gosonde.service
		gosonde check-config /etc/gosonde/gosonde.yaml
		test -d /etc/gosonde/conf.d
		man -w gosonde && man -w gosonde.yaml
		echo "interval: 2s" >/etc/gosonde/gosonde.yaml
		systemctl disable gosonde
		dpkg --no-triggers --path-include="*" -i /gosonde.deb </dev/null
		test "$(cat /etc/gosonde/gosonde.yaml)" = "interval: 2s"
		none test -e /etc/systemd/system/multi-user.target.wants/gosonde.service'
}

@test "installed: each shell finds its completion" {
	local shell
	needs_deb
	for shell in zsh fish; do
		command -v "$shell" >/dev/null || skip "$shell is not installed"
	done
	[[ -r /usr/share/bash-completion/bash_completion ]] || skip "bash-completion is not installed"
	# shellcheck disable=SC2016 # for the inner shell
	in_copy '
		dpkg --no-triggers -i /gosonde.deb
		bash --norc -c ". /usr/share/bash-completion/bash_completion; _completion_loader gosonde; complete -p gosonde"
		test "$(zsh -f -c "autoload -Uz compinit; compinit -D -u; print \$_comps[gosonde]")" = _gosonde
		fish -c "complete -C \"gosonde at\"" | grep -q "^attach"'
}

@test "removed it leaves its configuration and user, purged nothing" {
	needs_deb
	# shellcheck disable=SC2016 # for the inner shell
	in_copy '
		dpkg-deb -c /gosonde.deb | awk "/^-/ { print substr(\$6, 2) }" >/files
		everything() { xargs ls -d </files 2>/dev/null || true; find /etc /var/lib /run -xdev -name "*gosonde*"; }
		everything >/before
		none id gosonde
		dpkg --no-triggers --path-include="*" -i /gosonde.deb
		echo "interval: 2s" >/etc/gosonde/conf.d/mine.yaml
		dpkg --no-triggers -r gosonde
		test -e /etc/gosonde/gosonde.yaml && test -e /etc/gosonde/conf.d/mine.yaml
		id gosonde
		none test -e /usr/bin/gosonde
		dpkg --no-triggers -P gosonde
		none id gosonde
		none getent group gosonde
		everything >/after
		diff /before /after'
}

@test "a kernel without uprobe_multi gets the drop-in by itself, another one doesn't" {
	local there=/sys/kernel/btf/vmlinux
	needs_root
	[[ -r $there ]] || skip "this kernel has no BTF"
	sed s/BPF_TRACE_UPROBE_MULTI/XPF_TRACE_UPROBE_MULTI/g "$there" >older
	mkdir none some
	# shellcheck disable=SC2016 # for the inner shell
	unshare --mount --propagation private sh -c 'mount --bind older "$1" && exec "$2" some' sh "$there" \
		"$root/scripts/dist/gosonde-generator"
	equal "drop-in" "$(readlink some/gosonde.service.d/before-6.6.conf)" /usr/share/gosonde/gosonde-before-6.6.conf
	grep -q BPF_TRACE_UPROBE_MULTI "$there" || skip "this kernel is such a one"
	"$root/scripts/dist/gosonde-generator" none
	equal "files" "$(find none -mindepth 1 | wc -l)" 0
}

@test "make install keeps a configuration, says where it put things; make uninstall takes them away" {
	local into=$PWD/into
	mkdir -p into/etc/gosonde
	echo 'interval: 2s' >into/etc/gosonde/gosonde.yaml
	make -s -C "$root" O="$build" install PREFIX=/opt/g DESTDIR="$into" >/dev/null
	equal "configuration" "$(cat into/etc/gosonde/gosonde.yaml)" 'interval: 2s'
	cmp "$gosonde" into/opt/g/bin/gosonde
	grep -qx 'ExecStart=/opt/g/bin/gosonde daemon' into/opt/g/lib/systemd/system/gosonde.service
	grep -rE '/usr/(bin|share)/gosonde|/usr/share/doc/gosonde' into/opt/g --exclude-dir=examples --exclude-dir=bin && fail "not of this prefix"
	make -s -C "$root" O="$build" uninstall PREFIX=/opt/g DESTDIR="$into" >/dev/null
	same "left" "$(cd into && find . -type f)" ./etc/gosonde/gosonde.yaml
}

@test "the archive has its libraries with it, but for the system's own; it installs and removes itself" {
	local program
	make -s -C "$root" O="$build" tarball >/dev/null
	tar xf "$build"/gosonde-*.tar.xz
	cd gosonde-*/ || return
	program=usr/local/bin/gosonde
	# The loader is named where an archive has variables of threads.
	same "shared libraries" "$(readelf -d "$program" | sed -n 's/.*NEEDED.*\[\(.*\)\]/\1/p' | grep -v '^ld-linux' | sort)" \
		"$(printf '%s\n' libZydis.so.4.0 libc.so.6 libcurl.so.4 libelf.so.1 libm.so.6 libmicrohttpd.so.12 libsystemd.so.0)"
	ldd "$program" | grep -q "$PWD/usr/local/.*libZydis" || fail "not with it:" "$(ldd "$program")"
	equal "version" "$("$program" version)" "$("$gosonde" version)"
	mkdir -p "$BATS_TEST_TMPDIR/into/etc/gosonde"
	echo 'interval: 2s' >"$BATS_TEST_TMPDIR/into/etc/gosonde/gosonde.yaml"
	DESTDIR=$BATS_TEST_TMPDIR/into ./install
	equal "installed" "$("$BATS_TEST_TMPDIR/into/$program" version)" "$("$gosonde" version)"
	equal "configuration" "$(cat "$BATS_TEST_TMPDIR/into/etc/gosonde/gosonde.yaml")" 'interval: 2s'
	test -d "$BATS_TEST_TMPDIR/into/etc/gosonde/conf.d"
	DESTDIR=$BATS_TEST_TMPDIR/into ./install --remove
	same "left" "$(cd "$BATS_TEST_TMPDIR/into" && find . -type f)" ./etc/gosonde/gosonde.yaml
}
