# SPDX-License-Identifier: BSD-2-Clause
# `make help` lists what one can ask for. V=1 shows the commands; O=DIR builds elsewhere.

.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules
.SUFFIXES:

O	?= build
CC	?= gcc
CLANG	?= clang
BPFTOOL	?= /usr/sbin/bpftool
Q	:= $(if $(V),,@)
# What builds for a command takes all CPUs, unless -j says how many.
submake	= --no-print-directory $(if $(findstring -j,$(MAKEFLAGS)),,-j$(shell nproc))
say	= $(if $(V),,@printf '  %-8s %s\n' "$(1)" "$(2)";)

ARCH	:= $(shell uname -m | sed -e s/x86_64/x86/ -e s/aarch64/arm64/)
RELEASE	:= 0.1.0
VERSION	:= $(RELEASE)$(addprefix +g,$(shell git rev-parse --short HEAD 2>/dev/null))

# SAN=1 builds with AddressSanitizer and UndefinedBehaviorSanitizer, beside the plain build.
ifdef SAN
override O := $(O)/san
SANFLAGS := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
endif

CPPFLAGS := -D_GNU_SOURCE -Iinclude -Iuser -isystem $(O)
CFLAGS	?= -O2 -g
CFLAGS	+= -std=gnu11 -Wall -Wextra -Werror -Wmissing-prototypes -Wstrict-prototypes \
	   -Wshadow -Wvla -Wformat=2 -fstack-protector-strong $(SANFLAGS)
LDFLAGS	+= $(SANFLAGS)

# The pure layers, each an archive that unit tests link without libbpf; then what adapts Linux.
PURE	:= base govern gobin insn event model detect alert output
LINUX	:= probe kern proc sink daemon cmd
PURE_LIBS  := -lelf -lZydis -ljansson -lcyaml -lyaml -lm
LINUX_LIBS := -lbpf -lcap-ng -lsystemd -lmicrohttpd -lcurl $(PURE_LIBS)
# STATIC="bpf …" links the program with these libraries' archives, and what libbpf's takes.
static_first = $(foreach l,$(1),$(if $(filter $(l:-l%=%),$(STATIC)),$(l:-l%=-l:lib%.a),$(l)))

srcs	= $(wildcard user/$(1)/*.c)
objs	= $(patsubst %.c,$(O)/%.o,$(call srcs,$(1)))
pure_a	:= $(O)/libgosonde-pure.a
linux_a	:= $(O)/libgosonde-linux.a

.PHONY: all
all: $(O)/gosonde ## build build/gosonde

$(O)/gosonde $(O)/static/gosonde: $(O)/user/main.o $(linux_a) $(pure_a)
	$(call say,LINK,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(LDFLAGS) -o $@ $^ $(call static_first,$(LINUX_LIBS) \
		$(if $(STATIC),$(shell pkg-config --static --libs-only-l libbpf)))

$(pure_a): $(foreach d,$(PURE),$(call objs,$(d)))
$(linux_a): $(foreach d,$(LINUX),$(call objs,$(d)))
$(pure_a) $(linux_a):
	$(call say,AR,$@)
	$(Q)rm -f $@ && ar rcs $@ $^

.PRECIOUS: $(O)/%.o
$(O)/%.o: %.c
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D) && $(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# BPF: one object per concern, linked into one, made into a skeleton that kern/ includes.
bpf_objs := $(patsubst bpf/%.bpf.c,$(O)/bpf/%.bpf.o,$(wildcard bpf/*.bpf.c))
skeleton := $(O)/gosonde.skel.h

$(O)/bpf/%.bpf.o: bpf/%.bpf.c
	$(call say,BPF,$<)
	$(Q)mkdir -p $(@D) && $(CLANG) --target=bpf -D__TARGET_ARCH_$(ARCH) -mcpu=v3 -O2 -g -Wall -Wextra -Werror \
		-Iinclude -Ibpf -Ivmlinux/$(ARCH) -MMD -MP -c -o $@ $<

$(O)/bpf/gosonde.bpf.o: $(bpf_objs)
	$(call say,BPFLINK,$@)
	$(Q)$(BPFTOOL) gen object $@ $^

$(skeleton): $(O)/bpf/gosonde.bpf.o
	$(call say,SKEL,$@)
	$(Q)$(BPFTOOL) gen skeleton $< name gosonde_bpf > $@

# Written only when it changes, so that a new commit rebuilds one file.
$(O)/version: FORCE
	$(Q)mkdir -p $(@D) && echo '$(VERSION)' | cmp -s - $@ || echo '$(VERSION)' > $@
FORCE:
$(O)/user/cmd/version.o: $(O)/version
$(O)/user/cmd/version.o: CPPFLAGS += -DGOSONDE_VERSION='"$(VERSION)"'
$(call objs,kern): $(skeleton)

# Unit tests: tests/unit/NAME_test.c is a program that speaks TAP, NAME_dump.c one that oracles
# compare with other tools. They link the pure libraries only.
unit_tests := $(patsubst %.c,$(O)/%,$(wildcard tests/unit/*_test.c))
dumpers	:= $(patsubst %.c,$(O)/%,$(wildcard tests/unit/*_dump.c))

$(O)/tests/unit/%: $(O)/tests/unit/%.o $(pure_a)
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(PURE_LIBS) -lcmocka

# What of other layers is pure: the daemon's configuration, the addresses in it, and its candidates.
config_srcs := $(addprefix user/daemon/,daemon_settings.c daemon_yaml.c daemon_config_text.c listen.c) \
	$(addprefix user/sink/,address.c syslog_target.c url.c)
config_tests := $(addprefix $(O)/tests/unit/daemon_config_,test errors_test)
$(config_tests): $(config_srcs:%.c=$(O)/%.o)
$(config_tests): PURE_LIBS += -lcurl
$(O)/tests/unit/finder_test: $(O)/user/daemon/finder.o
$(O)/tests/unit/fleet_test: $(O)/user/daemon/fleet.o
container_srcs := $(addprefix user/proc/,container.c pod.c machine.c)
$(O)/tests/unit/container_test: $(container_srcs:%.c=$(O)/%.o)

# Programs that test against the real system: sockets, BPF. Those without _test are tools of the tests.
$(O)/tests/live/%: $(O)/tests/live/%.o $(linux_a) $(pure_a)
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LINUX_LIBS) -lcmocka
live_tests := $(patsubst %.c,$(O)/%,$(wildcard tests/live/*_test.c))
live_tools := $(patsubst %.c,$(O)/%,$(filter-out %_test.c,$(wildcard tests/live/*.c)))

# Benches: tests/bench/NAME.c prints rows of a Markdown table; NAME.bpf.c is what it loads beside.
benches	:= $(patsubst %.c,$(O)/%,$(filter-out %.bpf.c,$(wildcard tests/bench/*.c)))

$(O)/tests/bench/%.bpf.o: tests/bench/%.bpf.c
	$(call say,BPF,$<)
	$(Q)mkdir -p $(@D) && $(CLANG) --target=bpf -D__TARGET_ARCH_$(ARCH) -mcpu=v3 -O2 -g -Wall -Wextra -Werror \
		-Iinclude -Ibpf -Ivmlinux/$(ARCH) -MMD -MP -c -o $@ $<

$(O)/tests/bench/%.skel.h: $(O)/tests/bench/%.bpf.o
	$(call say,SKEL,$@)
	$(Q)$(BPFTOOL) gen skeleton $< name $*_bpf > $@

$(O)/tests/bench/ring.o: $(O)/tests/bench/ring.skel.h

$(O)/tests/bench/%: $(O)/tests/bench/%.o $(linux_a) $(pure_a)
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LINUX_LIBS)

# Fuzz targets: tests/fuzz/NAME_fuzz.c. NAME_replay runs one over the inputs in tests/fuzz/corpus/NAME,
# build/fuzz/NAME is libFuzzer's. Parsers of proc/, and the daemon's configuration, stand in no pure library.
fuzz_names := $(patsubst tests/fuzz/%_fuzz.c,%,$(wildcard tests/fuzz/*_fuzz.c))
fuzz_replays := $(fuzz_names:%=$(O)/tests/fuzz/%_replay)
fuzz_proc := $(addprefix user/proc/,maps.c file.c truncation.c cgroup.c) $(container_srcs)
fuzz_srcs := $(foreach d,$(PURE),$(call srcs,$(d))) $(fuzz_proc) $(config_srcs)
$(O)/tests/fuzz/daemon_replay: $(config_srcs:%.c=$(O)/%.o)
$(O)/tests/fuzz/daemon_replay $(O)/fuzz/daemon: PURE_LIBS += -lcurl

$(O)/tests/fuzz/%_replay: $(O)/tests/fuzz/%_fuzz.o $(O)/tests/fuzz/fuzz_main.o $(fuzz_proc:%.c=$(O)/%.o) $(pure_a)
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(PURE_LIBS)

FUZZ_S	?= 60
FUZZ_FLAGS := -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer

.PRECIOUS: $(O)/fuzz/%.o
$(O)/fuzz/%.o: %.c
	$(call say,FUZZCC,$<)
	$(Q)mkdir -p $(@D) && $(CLANG) $(CPPFLAGS) -std=gnu11 -O1 -g -Wall -Wextra $(FUZZ_FLAGS) -MMD -MP -c -o $@ $<

$(O)/fuzz/libgosonde.a: $(fuzz_srcs:%.c=$(O)/fuzz/%.o)
	$(call say,AR,$@)
	$(Q)rm -f $@ && ar rcs $@ $^

$(fuzz_names:%=$(O)/fuzz/%): $(O)/fuzz/%: $(O)/fuzz/tests/fuzz/%_fuzz.o $(O)/fuzz/libgosonde.a
	$(call say,LINK,$@)
	$(Q)$(CLANG) -fsanitize=fuzzer,address,undefined -o $@ $^ $(PURE_LIBS)

.PHONY: fuzz $(fuzz_names:%=fuzz-%)
fuzz: $(fuzz_names:%=$(O)/fuzz/%) ## fuzz every parser of foreign bytes, FUZZ_S=60 seconds each
	$(Q)FUZZ_S=$(FUZZ_S) tests/fuzz/run $(O)/fuzz $(fuzz_names)

$(fuzz_names:%=fuzz-%): fuzz-%: $(O)/fuzz/%
	$(Q)FUZZ_S=$(FUZZ_S) tests/fuzz/run $(O)/fuzz $*

.PHONY: test-programs unit-programs
unit-programs: $(unit_tests) $(fuzz_replays)
test-programs: all unit-programs $(dumpers) $(live_tests) $(live_tools) $(benches)

.PHONY: check
check: unit-programs ## unit tests and layer rules: neither root nor BPF
	$(Q)scripts/check-layers
	$(Q)tests/run $(unit_tests) $(fuzz_replays)

.PHONY: test
test: ## install what is missing, build, run every test (attaches probes: root or sudo)
	$(Q)scripts/setup
	$(Q)$(MAKE) $(submake) test-programs
	$(Q)$(MAKE) $(submake) SAN=1 unit-programs
	$(Q)scripts/check-layers
	$(Q)scripts/as-root O=$(O) tests/run $(unit_tests) \
		$(patsubst $(O)/%,$(O)/san/%,$(unit_tests) $(fuzz_replays)) $(live_tests) $(wildcard tests/live/*.bats) \
		tests/live/matrix_quick

.PHONY: test-matrix
test-matrix: ## every Go version in every kind of build against the truth: a table (ROWS=go1.24: those)
	$(Q)scripts/setup
	$(Q)$(MAKE) $(submake) all
	$(Q)scripts/as-root O=$(O) tests/live/matrix $(if $(ROWS),'$(ROWS)')

.PHONY: test-oracles
test-oracles: ## every function and instruction of every toolchain's programs against the Go tools and llvm-objdump
	$(Q)scripts/setup
	$(Q)$(MAKE) $(submake) test-programs
	$(Q)goroots=$$(scripts/toolchains | xargs) && O=$(O) GOSONDE_GOROOTS="$$goroots" \
		tests/run tests/live/gobin_oracle.bats tests/live/insn_oracle.bats $(O)/tests/unit/derive_test

.PHONY: test-healthy
test-healthy: ## real servers under steady load, at which no alert may be raised: a table (MINUTES=5)
	$(Q)scripts/setup
	$(Q)$(MAKE) $(submake) all
	$(Q)scripts/as-root O=$(O) MINUTES=$(or $(MINUTES),5) tests/healthy

.PHONY: test-vm
test-vm: ## the package under Debian's kernels, in virtual machines: a table (KERNELS="6.1 newest": those)
	$(Q)scripts/setup
	$(Q)scripts/setup --vm
	$(Q)$(MAKE) $(submake) deb $(O)/tests/live/kern_test $(O)/tests/live/harvest_test
	$(Q)scripts/as-root O=$(O) tests/vm/run $(KERNELS)

.PHONY: bench
bench: ## what gosonde costs and how exact it is, beside bpftrace: tables and docs/overhead.svg (21 min; ONLY=rates)
	$(Q)scripts/setup --bench
	$(Q)$(MAKE) $(submake) all $(benches)
	$(Q)scripts/as-root O=$(O) QUICK=$(QUICK) tests/bench/run $(ONLY)

.PHONY: demo
demo: ## install what is missing, build, show it at work for 20 s (PID=n: on that process)
	$(Q)scripts/setup --build
	$(Q)$(MAKE) $(submake) all
	$(Q)O=$(O) PID=$(PID) scripts/demo

sources	:= $(shell git ls-files 'user/*.[ch]' 'bpf/*.[ch]' 'include/*.h' 'tests/*.[ch]' 2>/dev/null | grep -v '\.gen\.h$$')
.PHONY: format lint
format: ## clang-format every source
	$(Q)clang-format -i $(sources)

lint: $(skeleton) ## clang-format, clang-tidy, cppcheck, shellcheck
	$(Q)clang-format --dry-run --Werror $(sources)
	$(Q)scripts/lint "$(CPPFLAGS)"

include scripts/package.mk

.PHONY: clean
clean: ## remove the build
	$(Q)rm -rf $(O)

.PHONY: help
help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

-include $(shell find $(O) -name '*.d' 2>/dev/null)
