# SPDX-License-Identifier: BSD-2-Clause
# Where gosonde's files go on a machine, and the package and the archive that bring them there.
#
#   make install PREFIX=/usr/local DESTDIR=
#
# The configuration is in /etc/gosonde whatever PREFIX says: that is where the program looks for it. One
# that is there is never touched.

PREFIX	?= /usr/local
DESTDIR	?=
INSTALL	?= install

bindir	:= $(PREFIX)/bin
mandir	:= $(PREFIX)/share/man
datadir	:= $(PREFIX)/share/gosonde
docdir	:= $(PREFIX)/share/doc/gosonde
confdir	:= /etc/gosonde
# systemd reads these below /usr and /usr/local.
unitdir	:= $(PREFIX)/lib/systemd/system
generatordir := $(PREFIX)/lib/systemd/system-generators
sysusersdir := $(PREFIX)/lib/sysusers.d

dist	:= scripts/dist
zshdir	:= $(PREFIX)/share/zsh/site-functions
completions := $(PREFIX)/share/bash-completion/completions/gosonde $(zshdir)/_gosonde \
	$(PREFIX)/share/fish/vendor_completions.d/gosonde.fish
examples := prometheus.yml gosonde-alerts.yml alertmanager.yml grafana-dashboard.json kubernetes.yaml

# Program that is installed; another one than all builds for the archive.
PROGRAM	?= $(O)/gosonde

put	= $(INSTALL) -D -m $(1) $(2) $(DESTDIR)$(3)
# A file that says where others are, below /usr: it is to be right of this PREFIX.
moved	:= s|/usr/bin/gosonde|$(bindir)/gosonde|; s|/usr/share/gosonde|$(datadir)|; s|/usr/share/doc/gosonde|$(docdir)|
put_moved = $(put) && sed -i '$(moved)' $(DESTDIR)$(3)

.PHONY: install install-program install-generator install-unit uninstall
install: install-program install-generator install-unit ## install: program, unit, configuration, manual (PREFIX=/usr/local DESTDIR=)

install-program: $(PROGRAM)
	$(call put,755,$(PROGRAM),$(bindir)/gosonde)
	$(call put_moved,644,$(dist)/man/gosonde.1,$(mandir)/man1/gosonde.1)
	$(call put_moved,644,$(dist)/man/gosonde.yaml.5,$(mandir)/man5/gosonde.yaml.5)
	$(foreach f,$(completions),$(call put,644,$(dist)/completions/$(notdir $(f)),$(f)) &&) true
	$(call put,644,$(dist)/rules.yaml,$(datadir)/rules.yaml)
	$(foreach f,$(examples),$(call put,644,$(dist)/$(f),$(docdir)/examples/$(f)) &&) true
	$(INSTALL) -d $(DESTDIR)$(confdir)/conf.d
	test -e $(DESTDIR)$(confdir)/gosonde.yaml || { $(call put_moved,644,$(dist)/gosonde.yaml,$(confdir)/gosonde.yaml); }

install-generator:
	$(call put_moved,755,$(dist)/gosonde-generator,$(generatordir)/gosonde-generator)
	$(call put,644,$(dist)/gosonde-before-6.6.conf,$(datadir)/gosonde-before-6.6.conf)

install-unit:
	$(call put_moved,644,$(dist)/gosonde.service,$(unitdir)/gosonde.service)
	$(call put,644,$(dist)/gosonde.sysusers,$(sysusersdir)/gosonde.conf)

uninstall: ## remove what install brought, but for /etc/gosonde
	rm -f $(addprefix $(DESTDIR),$(bindir)/gosonde $(mandir)/man1/gosonde.1 $(mandir)/man5/gosonde.yaml.5 \
		$(completions) $(unitdir)/gosonde.service $(generatordir)/gosonde-generator $(sysusersdir)/gosonde.conf)
	rm -rf $(DESTDIR)$(datadir) $(DESTDIR)$(docdir)

.PHONY: deb
deb: ## build build/gosonde_VERSION_ARCH.deb
	$(Q)O=$(O) VERSION=$(VERSION) scripts/package-deb

# The archive for machines without a package. What Debian has an archive of is linked from it, but for
#   glibc, libsystemd        they go with the system
#   libcurl, libmicrohttpd   they bring TLS, which is to be updated with the system, and is in no archives
#   libelf                   its archive lacks symbols since elfutils 0.191
#   Zydis                    there is no archive of it, so the library itself comes along
archive	:= $(O)/gosonde-$(VERSION)-$(shell uname -m)

$(O)/static/gosonde: STATIC := bpf jansson cyaml yaml z cap-ng
$(O)/static/gosonde: LDFLAGS += -Wl,-z,relro,-z,now -Wl,-rpath,'$$ORIGIN/../lib/gosonde'

.PHONY: tarball
tarball: $(O)/static/gosonde ## build build/gosonde-VERSION-ARCH.tar.xz, for machines without a package
	$(Q)rm -rf $(O)/gosonde-*.tar.xz $(archive)
	$(Q)$(MAKE) -s --no-print-directory install PROGRAM=$< PREFIX=/usr/local DESTDIR=$(archive)
	$(Q)strip $(archive)/usr/local/bin/gosonde
	$(Q)PROGRAM=$< scripts/package-libraries $(archive)/usr/local
	$(Q)cp LICENSE README.md $(dist)/install $(archive)
	$(Q)tar -C $(O) --sort=name --owner=0 --group=0 --numeric-owner --mtime=@$(shell git log -1 --format=%ct) \
		-cJf $(archive).tar.xz $(notdir $(archive))
	$(Q)rm -r $(archive)
	@echo $(archive).tar.xz
