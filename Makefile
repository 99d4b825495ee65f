# SPDX-License-Identifier: MIT
# infinitomata: `make help` lists the verbs. Files are found by wildcard, so a
# new module, test, fuzz target or benchmark needs no line here.

VERSION := 0.1.0
B       ?= build
PREFIX  ?= /usr/local
DESTDIR ?=
CC      ?= cc
AR      ?= ar
LD      ?= ld
OBJCOPY ?= objcopy
CFLAGS  ?= -O2 -g
LIBFLAG ?= -shared
SAN     ?=
FUZZ_S  ?= 20
JOBS    ?= $(shell nproc 2>/dev/null || echo 2)
CLANG   ?= clang
LUA_VERSION ?= 5.4

# Where an installation goes; LuaRocks passes these three itself. LUA_LIBDIR is
# not used anywhere: LuaRocks leaves it empty in a build of type "make".
INST_BINDIR ?= $(PREFIX)/bin
INST_LUADIR ?= $(PREFIX)/share/lua/$(LUA_VERSION)
INST_LIBDIR ?= $(PREFIX)/lib/lua/$(LUA_VERSION)
# Where man and the shells look for what belongs to a program of PREFIX.
INST_MAN    ?= $(PREFIX)/share/man/man1/infinitomata.1
INST_BASH   ?= $(PREFIX)/share/bash-completion/completions/infinitomata
INST_ZSH    ?= $(PREFIX)/share/zsh/site-functions/_infinitomata
# no: only the program, the C module and the Lua files (a rock).
INST_DEV    ?= yes
# Taken out again when nothing else is in them.
INST_FOLDERS := share/bash-completion/completions share/bash-completion \
    share/zsh/site-functions share/zsh share/man/man1 lib/pkgconfig \
    $(foreach d,share lib,$d/lua/$(LUA_VERSION) $d/lua)
# A release, and from where LuaRocks is to fetch it.
DIST        := $(B)/infinitomata-$(VERSION).tar.gz
DIST_URL    ?= https://github.com/infinitomata/infinitomata/releases/download/v$(VERSION)

# ---- what is there ---------------------------------------------------------

RUNTIME  := $(wildcard $(foreach d,base core host bind,runtime/$d/*.c))
MAIN     := $(wildcard runtime/main.c)
UNIT     := $(wildcard tests/test_*.c)
UNIT_AID := $(filter-out $(UNIT),$(wildcard tests/*.c))
SIM      := $(wildcard tests/sim/test_*.c)
SIM_AID  := $(filter-out $(SIM),$(wildcard tests/sim/*.c))
FUZZ     := $(wildcard tests/fuzz/fuzz_*.c)
BENCH_C  := $(wildcard bench/*.c)
EXAMPLES := $(wildcard examples/*.c)
HEADERS  := $(wildcard runtime/*/*.h tests/*.h tests/*/*.h)
C_FILES  := $(RUNTIME) $(MAIN) $(UNIT) $(UNIT_AID) $(SIM) $(SIM_AID) \
            $(wildcard tests/fuzz/*.c tests/chaos/*.c) $(BENCH_C) $(EXAMPLES)
LUA_FILES = $(shell find lua -name '*.lua' -not -path 'lua/meta/*')

object = $(1:%.c=$(B)/obj/%.o)
OBJ    := $(call object,$(RUNTIME))

PROGRAM := $(if $(MAIN),$(B)/bin/infinitomata)
PARTS   := $(B)/obj/runtime.a
STATIC  := $(B)/lib/libinfinitomata.a
SHARED  := $(B)/lib/libinfinitomata.so
CORE    := $(if $(wildcard runtime/bind/*.c),$(B)/lib/infinitomata/core.so)
PC      := $(B)/lib/pkgconfig/infinitomata.pc
UNIT_BIN  := $(UNIT:%.c=$(B)/%)
SIM_BIN   := $(SIM:%.c=$(B)/%)
FUZZ_REPLAY := $(FUZZ:tests/fuzz/fuzz_%.c=$(B)/tests/fuzz/replay_%)
BENCH_BIN := $(BENCH_C:%.c=$(B)/%)

# ---- flags -----------------------------------------------------------------

PACKAGES := libuv openssl libxxhash libsodium zlib
LUA_PC   ?= $(shell for p in lua5.4 lua-5.4 lua54 lua; do \
              pkg-config --exists $$p 2>/dev/null && { echo $$p; break; }; done)
LUA_LIBS ?= $(or $(shell pkg-config --libs $(LUA_PC) 2>/dev/null),-llua5.4)

INF_INCLUDES := $(foreach d,$(LUA_INCDIR) $(UV_INCDIR) $(OPENSSL_INCDIR),-isystem $d) \
    $(patsubst -I%,-isystem %,$(shell pkg-config --cflags $(LUA_PC) $(PACKAGES) 2>/dev/null))
INF_CPPFLAGS := -Iruntime -Iruntime/include -D_GNU_SOURCE \
    -DINF_VERSION='"$(VERSION)"' $(INF_INCLUDES)
INF_CFLAGS := -std=c11 -fPIC -fvisibility=hidden -pthread -Wall -Wextra \
    -Wpedantic -Wshadow -Wconversion -Wswitch-enum -Wstrict-prototypes \
    -Wmissing-prototypes -Werror $(if $(SAN),-fsanitize=$(SAN) \
    -fno-omit-frame-pointer -fno-sanitize-recover=all)
INF_LDFLAGS := -pthread $(if $(SAN),-fsanitize=$(SAN)) \
    $(foreach d,$(UV_LIBDIR) $(OPENSSL_LIBDIR),-L$d)
INF_LIBS := $(or $(shell pkg-config --libs $(PACKAGES) 2>/dev/null),\
    -luv -lssl -lcrypto -lxxhash -lsodium -lz) -lm -ldl
CMOCKA_LIBS = -lcmocka

COMPILE = $(CC) $(INF_CPPFLAGS) $(CPPFLAGS) $(INF_CFLAGS) $(CFLAGS)
LINK    = $(CC) $(INF_CFLAGS) $(CFLAGS) $(INF_LDFLAGS) $(LDFLAGS)

ifeq ($(V),)
say = @printf '  %-5s %s\n' $(1) $(2);
else
say =
endif
# Verbs that call make again pass -j on only when nobody chose one.
PARALLEL = $(if $(filter -j% --jobserver%,$(MAKEFLAGS)),,-j$(JOBS))

# ---- verbs -----------------------------------------------------------------

.DEFAULT_GOAL := all
.PHONY: all demo test unit sim spec corpus scripts lint layers docs sanitize asan \
    tsan fuzz bench figures install uninstall dist deps clean help programs compdb \
    run-tests run-demo chaos mutants

all: $(PROGRAM) $(CORE) $(STATIC) $(SHARED) $(PC) ## program, C module, libraries: into build/

demo: ## three nodes on this machine run examples/order
	@tools/deps.sh build
	+@$(MAKE) --no-print-directory $(PARALLEL) all
	+@$(MAKE) --no-print-directory run-demo

test: ## everything a commit must pass: C units, simulator, specs, scripts
	@tools/deps.sh build test
	+@$(MAKE) --no-print-directory $(PARALLEL) all programs
	+@$(MAKE) --no-print-directory run-tests

unit: $(UNIT_BIN) ## tests/test_*.c, one program a module
	@tools/test_runner -b $(B) unit

sim: $(SIM_BIN) ## tests/sim/: SEED=n replays one run, RUNS=n does many
	@tools/test_runner -b $(B) sim

spec: all ## spec/, under stock lua5.4 and inside the program; SPEC=file for one
	@SPEC="$(SPEC)" tools/test_runner -b $(B) spec $(if $(PROGRAM),inside)

corpus: $(FUZZ_REPLAY) ## the stored inputs of every fuzz target, once
	@tools/test_runner -b $(B) corpus

scripts: all programs ## tests/*/*.sh: the demo, the program, installation
	@tools/test_runner -b $(B) scripts

chaos: all ## five nodes in network namespaces: ROUNDS=n (5) of cuts, kills and freezes
	@tools/deps.sh build test
	@CHAOS_ROUNDS=$(or $(ROUNDS),5) CHAOS_FROZEN_S=30 sh tests/chaos/chaos.sh $(B)

mutants: ## switches the registry's mechanisms off one by one: the simulator must notice
	@tools/mutants.sh $(or $(RUNS),400)

lint: $(if $(wildcard runtime/bind/*.c),all) ## format, static analysis, layers, sizes, names
	@tools/deps.sh build lint
	@tools/test_runner -b $(B) lint

layers: ## who may include and require whom
	@tools/layers.sh

sanitize: asan tsan ## units and specs under ASan+UBSan, threads under TSan

asan: ## C units, simulator, corpus and specs under ASan and UBSan
	@tools/deps.sh build test sanitize
	+@$(MAKE) --no-print-directory $(PARALLEL) B=$(B)/asan CC=$(CLANG) \
	    SAN=address,undefined CFLAGS='-O1 -g' sanitized
	@tools/test_runner -b $(B)/asan -t asan unit sim corpus inside

tsan: ## the two threads under TSan
	@tools/deps.sh build test sanitize
	+@$(MAKE) --no-print-directory $(PARALLEL) B=$(B)/tsan CC=$(CLANG) \
	    SAN=thread CFLAGS='-O1 -g' threaded
	@tools/test_runner -b $(B)/tsan -t tsan threads

fuzz: ## every decoder, FUZZ_S seconds each, with clang's libFuzzer
	@tools/deps.sh build sanitize
	+@$(MAKE) --no-print-directory $(PARALLEL) B=$(B)/fuzz CC=$(CLANG) \
	    SAN=address,undefined,fuzzer-no-link CFLAGS='-O1 -g' fuzzers
	@FUZZ_S=$(FUZZ_S) tools/test_runner -b $(B)/fuzz -t fuzz fuzz

bench: ## a table of figures and targets: PART='local cluster' does a part
	@tools/deps.sh build
	+@$(MAKE) --no-print-directory $(PARALLEL) all $(BENCH_BIN)
	@bench/run.sh $(B) $(PART)

figures: ## docs/performance.md, from what `make bench` measured last
	@LUA_PATH='bench/?.lua;;' lua5.4 bench/page.lua < $(B)/bench/rows.tsv > $(B)/bench/page
	@cp $(B)/bench/page docs/performance.md

docs: ## docs/api.md, c-api.md and modules.md, from the comments in the sources
	@lua5.4 tools/reference.lua > docs/api.md
	@lua5.4 tools/c_reference.lua > docs/c-api.md
	@lua5.4 tools/modules.lua > docs/modules.md

deps: ## finds what is missing; installs it when it may, else says how
	@tools/deps.sh build test

install: all ## into PREFIX (default /usr/local), under DESTDIR
	install -d $(addprefix $(DESTDIR),$(INST_BINDIR) $(INST_LIBDIR)/infinitomata)
	install -m 755 $(PROGRAM) $(DESTDIR)$(INST_BINDIR)/
	install -m 755 $(CORE) $(DESTDIR)$(INST_LIBDIR)/infinitomata/
	set -e; for f in $(LUA_FILES:lua/%=%); do \
	    install -D -m 644 lua/$$f $(DESTDIR)$(INST_LUADIR)/$$f; done
ifeq ($(INST_DEV),yes)
	install -D -m 644 man/infinitomata.1 $(DESTDIR)$(INST_MAN)
	install -D -m 644 completions/infinitomata.bash $(DESTDIR)$(INST_BASH)
	install -D -m 644 completions/_infinitomata $(DESTDIR)$(INST_ZSH)
	install -d $(addprefix $(DESTDIR)$(PREFIX)/,include lib/pkgconfig)
	install -m 644 runtime/include/infinitomata.h $(DESTDIR)$(PREFIX)/include/
	install -m 644 $(STATIC) $(DESTDIR)$(PREFIX)/lib/
	install -m 755 $(SHARED).0 $(DESTDIR)$(PREFIX)/lib/
	ln -sf libinfinitomata.so.0 $(DESTDIR)$(PREFIX)/lib/libinfinitomata.so
	sed $(call pc-vars,$(PREFIX),$${prefix}/lib,$${prefix}/include) \
	    infinitomata.pc.in > $(DESTDIR)$(PREFIX)/lib/pkgconfig/infinitomata.pc
endif

uninstall: ## takes out what install put in
	rm -f $(DESTDIR)$(INST_BINDIR)/infinitomata
	rm -rf $(addprefix $(DESTDIR),$(INST_LIBDIR)/infinitomata \
	    $(INST_LUADIR)/infinitomata $(INST_LUADIR)/finitomata)
ifeq ($(INST_DEV),yes)
	rm -f $(addprefix $(DESTDIR),$(INST_MAN) $(INST_BASH) $(INST_ZSH))
	rm -f $(addprefix $(DESTDIR)$(PREFIX)/,include/infinitomata.h \
	    lib/libinfinitomata.a lib/libinfinitomata.so lib/libinfinitomata.so.0 \
	    lib/pkgconfig/infinitomata.pc)
endif
	@cd $(DESTDIR)$(PREFIX)/ && rmdir $(INST_FOLDERS) 2>/dev/null; true

dist: ## infinitomata-VERSION.tar.gz of what is committed, and a rockspec for it
	@[ "$$(git rev-parse --show-toplevel 2>/dev/null)" = "$(CURDIR)" ] || \
	    { echo "make dist needs a clone" >&2; exit 1; }
	@mkdir -p $(B)
	git -c tar.umask=0022 archive --prefix=infinitomata-$(VERSION)/ HEAD | gzip -9n > $(DIST)
	sed -e 's|^version = .*|version = "$(VERSION)-1"|' \
	    -e 's|^  url = .*|  url = "$(DIST_URL)/$(notdir $(DIST))",|' \
	    -e "s|^  branch = .*|  md5 = \"$$(md5sum < $(DIST) | cut -c-32)\",|" \
	    infinitomata-scm-1.rockspec > $(B)/infinitomata-$(VERSION)-1.rockspec

clean: ## removes build/
	rm -rf $(B)

compdb: ## compile_commands.json for editors and clang-tidy
	@tools/compdb.sh '$(subst ','\'',$(COMPILE))' $(C_FILES) > compile_commands.json

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 18

# ---- behind the verbs ------------------------------------------------------

.PHONY: sanitized threaded fuzzers FORCE
programs: $(UNIT_BIN) $(SIM_BIN) $(FUZZ_REPLAY)
sanitized: $(PROGRAM) $(UNIT_BIN) $(SIM_BIN) $(FUZZ_REPLAY)
threaded: $(PROGRAM) $(filter $(B)/tests/test_host% $(B)/tests/test_bind%,$(UNIT_BIN))
fuzzers: $(FUZZ:tests/fuzz/%.c=$(B)/tests/fuzz/%)

run-tests:
	@tools/test_runner -b $(B) unit sim corpus spec inside scripts

run-demo:
	@if [ -f examples/order/demo.sh ]; then sh examples/order/demo.sh $(B)/bin/infinitomata; \
	else $(B)/bin/infinitomata examples/order/demo.lua; fi

# Objects are made anew when the compiler or its flags change.
FLAGS := $(strip $(COMPILE) -- $(LINK))
ifneq ($(FLAGS),$(strip $(shell cat $(B)/flags 2>/dev/null)))
$(B)/flags: FORCE
endif
$(B)/flags:
	@mkdir -p $(@D)
	@printf '%s\n' '$(subst ','\'',$(FLAGS))' > $@

# A missing library is named before the first compiler error.
$(B)/deps.ok: tools/deps.sh
	@mkdir -p $(@D)
	@tools/deps.sh --check build
	@touch $@

$(B)/obj/%.o: %.c $(B)/flags | $(B)/deps.ok
	@mkdir -p $(@D)
	$(call say,CC,$<) $(COMPILE) -MMD -MP -c -o $@ $<

# For the program and the tests, which use what is inside.
$(PARTS): $(OBJ)
	$(call say,AR,$@) rm -f $@; $(AR) rcs $@ $(OBJ)

# For others: one object, which shows what the header declares and no more.
$(STATIC): $(OBJ) Makefile
	@mkdir -p $(@D)
	$(call say,AR,$@) $(LD) -r -o $(B)/obj/infinitomata.o $(OBJ) && \
	    $(OBJCOPY) --localize-hidden $(B)/obj/infinitomata.o && \
	    rm -f $@ && $(AR) rcs $@ $(B)/obj/infinitomata.o

$(SHARED).0: $(OBJ)
	@mkdir -p $(@D)
	$(call say,LD,$@) $(LINK) $(LIBFLAG) -Wl,-soname,libinfinitomata.so.0 \
	    -o $@ $(OBJ) $(INF_LIBS) $(LUA_LIBS)

$(SHARED): $(SHARED).0
	@ln -sf libinfinitomata.so.0 $@

# Not linked with liblua: the Lua that loads it brings its own.
$(CORE): $(OBJ) tools/core.map
	@mkdir -p $(@D)
	$(call say,LD,$@) $(LINK) $(LIBFLAG) -Wl,--version-script=tools/core.map \
	    -o $@ $(OBJ) $(INF_LIBS)

$(B)/bin/infinitomata: $(call object,$(MAIN)) $(PARTS)
	@mkdir -p $(@D)
	$(call say,LD,$@) $(LINK) -Wl,-E -o $@ $^ $(INF_LIBS) $(LUA_LIBS)

pc-vars = -e 's|@PREFIX@|$(1)|' -e 's|@LIBDIR@|$(2)|' \
    -e 's|@INCLUDEDIR@|$(3)|' -e 's|@VERSION@|$(VERSION)|'
$(PC): infinitomata.pc.in Makefile
	@mkdir -p $(@D)
	@sed $(call pc-vars,$(abspath $(B)),$${prefix}/lib,$(abspath runtime/include)) $< > $@

$(UNIT_BIN): $(B)/tests/%: $(B)/obj/tests/%.o $(call object,$(UNIT_AID)) $(PARTS)
	@mkdir -p $(@D)
	$(call say,LD,$@) $(LINK) -Wl,-E -o $@ $^ $(CMOCKA_LIBS) $(INF_LIBS) $(LUA_LIBS)

$(SIM_BIN): $(B)/tests/sim/%: $(B)/obj/tests/sim/%.o $(call object,$(SIM_AID)) $(PARTS)
	@mkdir -p $(@D)
	$(call say,LD,$@) $(LINK) -Wl,-E -o $@ $^ $(CMOCKA_LIBS) $(INF_LIBS) $(LUA_LIBS)

$(B)/tests/fuzz/fuzz_%: $(B)/obj/tests/fuzz/fuzz_%.o $(PARTS)
	@mkdir -p $(@D)
	$(call say,LD,$@) $(LINK) -fsanitize=fuzzer -Wl,-E -o $@ $^ $(INF_LIBS) $(LUA_LIBS)

$(FUZZ_REPLAY): $(B)/tests/fuzz/replay_%: $(B)/obj/tests/fuzz/fuzz_%.o \
    $(B)/obj/tests/fuzz/replay.o $(PARTS)
	@mkdir -p $(@D)
	$(call say,LD,$@) $(LINK) -Wl,-E -o $@ $^ $(INF_LIBS) $(LUA_LIBS)

$(BENCH_BIN): $(B)/bench/%: $(B)/obj/bench/%.o $(PARTS)
	@mkdir -p $(@D)
	$(call say,LD,$@) $(LINK) -Wl,-E -o $@ $^ $(INF_LIBS) $(LUA_LIBS)

.SECONDARY:
-include $(wildcard $(patsubst %.c,$(B)/obj/%.d,$(C_FILES)))
