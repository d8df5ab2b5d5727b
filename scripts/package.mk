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
examples := prometheus.yml gosonde-alerts.yml alertmanager.yml grafana-dashboard.json

# Program that is installed; another one than all builds for the archive.
PROGRAM	?= $(O)/gosonde

put	= $(INSTALL) -D -m $(1) $(2) $(DESTDIR)$(3)
# A file that names others by where they are below /usr.
put_moved = $(call put,$(1),$(2),$(3)) && sed -i 's|/usr/bin/gosonde|$(bindir)/gosonde|; s|/usr/share/gosonde|$(datadir)|' $(DESTDIR)$(3)

.PHONY: install install-program install-generator install-unit uninstall
install: install-program install-generator install-unit ## install: program, unit, configuration, manual (PREFIX=/usr/local DESTDIR=)

install-program: $(PROGRAM)
	$(call put,755,$(PROGRAM),$(bindir)/gosonde)
	$(call put,644,$(dist)/rules.yaml,$(datadir)/rules.yaml)
	$(foreach f,$(examples),$(call put,644,$(dist)/$(f),$(docdir)/examples/$(f)) &&) true
	$(INSTALL) -d $(DESTDIR)$(confdir)/conf.d
	test -e $(DESTDIR)$(confdir)/gosonde.yaml || $(call put,644,$(dist)/gosonde.yaml,$(confdir)/gosonde.yaml)

install-generator:
	$(call put_moved,755,$(dist)/gosonde-generator,$(generatordir)/gosonde-generator)
	$(call put,644,$(dist)/gosonde-before-6.6.conf,$(datadir)/gosonde-before-6.6.conf)

install-unit:
	$(call put_moved,644,$(dist)/gosonde.service,$(unitdir)/gosonde.service)
	$(call put,644,$(dist)/gosonde.sysusers,$(sysusersdir)/gosonde.conf)

uninstall: ## remove what install brought, but for /etc/gosonde
	rm -f $(addprefix $(DESTDIR),$(bindir)/gosonde $(mandir)/man1/gosonde.1 $(mandir)/man5/gosonde.yaml.5 \
		$(unitdir)/gosonde.service $(generatordir)/gosonde-generator $(sysusersdir)/gosonde.conf)
	rm -rf $(DESTDIR)$(datadir) $(DESTDIR)$(docdir)

.PHONY: deb
deb: ## build build/gosonde_VERSION_ARCH.deb
	$(Q)O=$(O) VERSION=$(VERSION) scripts/package-deb
