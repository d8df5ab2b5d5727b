# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash disable=SC2154 # whoever sources this has die, say and $apt_dir
#
# Packages of several Debian suites, beside this machine's own apt: what is downloaded out of $apt_dir is
# unpacked, never installed. APT_CONFIG=$apt_dir/apt.conf makes apt look there.

# Together they carry Go 1.15, 1.19 and 1.21 to the newest (1.16, 1.17, 1.18 and 1.20 are in no Debian
# release), and Linux 5.10, 6.1, 6.12 and the newest. Bullseye's lists are signed by bookworm's key too, so
# that a Debian 12 as it was installed verifies all of them (debian-archive-keyring 2023.3+deb12u2: gpgv on
# each InRelease).
readonly suites=(bullseye bookworm bookworm-backports trixie trixie-backports sid)
readonly keyring=/usr/share/keyrings/debian-archive-keyring.gpg

# The mirror that this machine's own apt uses for Debian. Backports and security
# archives have other labels or live elsewhere, hence the exact match.
debian_mirror() {
	command -v apt-get >/dev/null || die "needs apt-get: what is fetched here are Debian packages"
	local uri
	# shellcheck disable=SC2016 # $(REPO_URI) is apt's own placeholder
	uri=$(apt-get indextargets --format '$(REPO_URI)' \
		'Created-By: Packages' 'Origin: Debian' 'Label: Debian' | head -n 1)
	[[ -n $uri ]] || die "no Debian mirror among this machine's apt sources" \
		"(apt-get indextargets shows none with Origin and Label Debian)"
	echo "$uri"
}

# Writes an apt configuration that touches nothing outside $apt_dir.
write_apt_conf() {
	local mirror options='' suite
	mirror=$(debian_mirror)
	# Without Debian's keyring in its usual place, apt's own trusted keys decide.
	[[ ! -r $keyring ]] || options="[signed-by=$keyring] "
	mkdir -p "$apt_dir/lists/partial" "$apt_dir/cache/archives/partial"
	for suite in "${suites[@]}"; do
		echo "deb $options$mirror $suite main"
	done >"$apt_dir/sources.list"
	cat >"$apt_dir/apt.conf" <<-END
	Dir::Etc::sourcelist "$apt_dir/sources.list";
	Dir::Etc::sourceparts "/dev/null";
	Dir::Etc::preferences "/dev/null";
	Dir::Etc::preferencesparts "/dev/null";
	Dir::State "$apt_dir";
	Dir::State::lists "$apt_dir/lists";
	Dir::State::status "/dev/null";
	Dir::Cache "$apt_dir/cache";
	Acquire::Languages "none";
	Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled "false";
	// The sandbox user may not read a cache in someone's home.
	APT::Sandbox::User "root";
	// Mirrors lag behind; signatures are checked all the same, and nothing here gets installed.
	Acquire::Check-Valid-Until "false";
	Acquire::Retries "3";
	// A list that could not be fetched is an error, not a warning.
	APT::Update::Error-Mode "any";
	END
}

# Fetches the package lists unless they are younger than $1 minutes.
refresh_lists() {
	local max_age_min=$1 stamp=$apt_dir/updated
	# Every time: the cache may have moved, or the machine's mirror changed.
	write_apt_conf
	if [[ -z $(find "$stamp" -mmin "-$max_age_min" 2>/dev/null) ]]; then
		say "fetching package lists of ${suites[*]}"
		APT_CONFIG=$apt_dir/apt.conf apt-get -q update >&2 ||
			die "apt could not fetch the package lists"
		touch "$stamp"
	fi
}
