# Dialtone. `make help` lists what there is to do.

V       ?= 0
B       ?= build
PREFIX  ?= /usr/local
SYSCONFDIR ?= /etc
CC      ?= cc
OPT     ?= -O2 -g

MAKEFLAGS += --no-builtin-rules

# Rooms, bottom up; each directory is one archive (see README, house plan).
ROOMS   := sdp/base sdp modules/path tunnels/flow tunnels tunnels/file \
	   tunnels/forward tunnels/pair tunnels/pipe tunnels/vpn \
	   sipd/sip sipd/ua sipd/registrar sipd sipd/dial
MAINS   := sipd/main.c sipd/dial/main.c

PKGS    := libre libssl libcrypto libngtcp2 libngtcp2_crypto_gnutls gnutls \
	   libmnl libxxhash libzstd libsodium libqrencode libseccomp
RE_VER  := $(shell pkg-config --modversion libre 2>/dev/null | \
	     awk -F. '{ printf "%d%02d%02d", $$1, $$2, $$3 }')

# Intel's ipsec-mb, where there is one.
ifneq ($(shell $(CC) -E -include intel-ipsec-mb.h -x c /dev/null 2>/dev/null),)
MB_CFLAGS := -DHAVE_IPSEC_MB
MB_LIBS   := -lIPSec_MB
endif

WARN    := -Wall -Wextra -Wshadow -Wmissing-prototypes -Wstrict-prototypes \
	   -Wpointer-arith -Wvla $(WERROR)
CFLAGS_ALL = -std=gnu11 -D_GNU_SOURCE -DRE_VER=$(RE_VER) \
	   -DHAVE_INTTYPES_H -DHAVE_STDBOOL_H -DHAVE_INET6 -DUSE_OPENSSL \
	   -I. -pthread $(WARN) $(OPT) $(SAN) \
	   $(shell pkg-config --cflags $(PKGS)) $(MB_CFLAGS) $(CFLAGS)
LIBS     = $(SAN) $(LDFLAGS) $(shell pkg-config --libs $(PKGS)) $(MB_LIBS) \
	   -linih -lresolv -pthread

Q := $(if $(filter 1,$(V)),,@)
say = $(if $(filter 1,$(V)),,@printf '  %-5s %s\n' $(1) $(2);)

srcs     = $(filter-out $(MAINS),$(wildcard $(1)/*.c))
archive  = $(B)/lib$(subst /,_,$(1)).a
ARCHIVES := $(foreach r,$(ROOMS),$(call archive,$(r)))
UNITS    := $(patsubst tests/unit/%.c,$(B)/unit/%,\
	     $(wildcard tests/unit/*/*.c tests/unit/*/*/*.c))

all: $(B)/sipd $(B)/dial

help:
	@grep -E '^#:' Makefile | sed 's/^#: //'

$(B)/obj/%.o: %.c
	$(call say,CC,$<)mkdir -p $(@D) && \
	$(CC) $(CFLAGS_ALL) -MMD -MP -c -o $@ $<

define room
$(call archive,$(1)): $(patsubst %.c,$(B)/obj/%.o,$(call srcs,$(1))) $(if $(filter tunnels,$(1)),$(B)/obj/tunnel_kinds.o)
	@mkdir -p $$(@D); rm -f $$@; ar rcs $$@ $$^
endef
$(foreach r,$(ROOMS),$(eval $(call room,$(r))))

# Every tunnels/*.c but tunnel.c holds one kind, named as the file.
KINDS := $(filter-out tunnel,$(patsubst tunnels/%.c,%,$(shell grep -l '^const struct tunnel_kind ' tunnels/*.c 2>/dev/null)))
$(B)/tunnel_kinds.c: $(wildcard tunnels/*.c) Makefile
	@mkdir -p $(@D); { echo '#include "tunnels/tunnel.h"'; \
	for k in $(KINDS); do echo "extern const struct tunnel_kind $${k}_tunnel;"; done; \
	echo 'const struct tunnel_kind *const tunnel_kinds[] = {'; \
	for k in $(KINDS); do echo "	&$${k}_tunnel,"; done; \
	echo '	NULL'; echo '};'; } > $@
$(B)/obj/tunnel_kinds.o: $(B)/tunnel_kinds.c tunnels/tunnel.h
	@mkdir -p $(@D); $(CC) $(CFLAGS_ALL) -c -o $@ $<

# A folder of tests may have been one test of an older build.
link = $(call say,LD,$@){ mkdir -p $(@D) 2> /dev/null || \
	{ rm -f $(@D) 2> /dev/null; mkdir -p $(@D); }; } && $(CC) -o $@ $(filter %.o,$^) \
	-Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(LIBS)

$(B)/sipd: $(B)/obj/sipd/main.o $(filter-out %_dial.a,$(ARCHIVES))
	$(link)
$(B)/dial: $(B)/obj/sipd/dial/main.o $(ARCHIVES)
	$(link)

# A unit test may link only the rooms below the one it tests.
below_base      := sdp/base
below_sdp       := sdp/base sdp
below_modules   := sdp/base sdp modules/path
below_tunnels   := sdp/base sdp tunnels/flow tunnels tunnels/file \
		   tunnels/forward tunnels/pair tunnels/pipe tunnels/vpn
below_sip       := sdp/base sdp sipd/sip
below_ua        := sdp/base sdp sipd/sip sipd/ua
below_registrar := sdp/base sdp sipd/sip sipd/registrar
below_sipd      := $(ROOMS)
# What a suite is linked with, and what of it may be made to fail.
RIG     := $(patsubst %,$(B)/obj/tests/unit/%.o,unit unitfail fail place \
	   steady)
comma   := ,
WRAP    := $(patsubst %,-Wl$(comma)--wrap=%,malloc calloc realloc \
	   aligned_alloc strdup CU_assertImplementation \
	   clock_gettime timerfd_settime)
define unit
$(1): $(patsubst $(B)/unit/%,$(B)/obj/tests/unit/%.o,$(1)) $(RIG) $(foreach r,$(below_$(firstword $(subst /, ,$(patsubst $(B)/unit/%,%,$(1))))),$(call archive,$(r)))
	$$(link) $(WRAP) -lcunit
endef
$(foreach u,$(UNITS),$(eval $(call unit,$(u))))

#: make             build sipd and dial
#: make demo        install, build, and see the main job done (as root)
#: make check       install, build, run every test (as root)
#: make unit        unit tests alone
#: make e2e         end-to-end tests alone (as root, for namespaces)
#: make valgrind    end-to-end tests under valgrind (as root); E2E="file vpn" for
#:                  others than direct, pipe, pair and contact
#: make lint        clang-tidy and cppcheck over all of our C
#: make fail        unit tests again, with FAIL_N allocations of each case (20; 0
#:                  for all) failing, one at a time
#: make san         unit and end-to-end tests under the sanitizers
#: make fuzz        each fuzzer for FUZZ_TIME seconds (60)
#: make lab         sessions between all kinds of NATs (as root); PAIR="A B"
#:                  for one pair, REFERENCE=nice for libnice beside it
#: make soak        calls that come and go, networks that change and a side that
#:                  is killed, for MINUTES (30; as root)
#: make bench       measure against ssh and others (as root)
#: make debian13    build and unit tests in a Debian 13 of their own (as root)
#: make service     is a Debian 12 of its own, with what README says, one whose
#:                  sipd runs as a service? (as root)
#: make install     to PREFIX (/usr/local) under DESTDIR; as root without
#:                  DESTDIR, what is missing to build is installed too
#: make uninstall   take that away; keys, logs and the configuration stay
#: make clean       remove what was built
pkgs:
	@echo $(PKGS)
units: $(UNITS)
unit: $(UNITS)
	@tests/check.sh unit $(B)

e2e: all lab-tools
	@tests/check.sh e2e $(B)

# A package may have to be installed before pkg-config can be asked, so what
# is built is built by a make of its own.
demo:
	@tests/install.sh build demo
	@tests/as_user.sh $(MAKE) -s -j2 all
	@tests/demo.sh $(B)

check:
	@tests/install.sh build check
	@tests/check.sh all $(B)

SAN_ADDRESS := -fsanitize=address,undefined -fno-sanitize-recover=undefined
san:
	@$(MAKE) -s -j2 B=build-asan OPT='-O1 -g' SAN='$(SAN_ADDRESS)' all lab-tools units
	@tests/check.sh unit build-asan && tests/check.sh e2e build-asan
	@$(MAKE) -s -j2 B=build-tsan OPT='-O1 -g' SAN=-fsanitize=thread all lab-tools units
	@tests/check.sh unit build-tsan && tests/check.sh e2e build-tsan

fail:
	@tests/check.sh fail build-asan

valgrind: all
	@tests/install.sh build check lint
	@B=$(B) tests/valgrind.sh $(E2E)

lint:
	@tests/install.sh build lint
	@tests/lint.sh $(CFLAGS_ALL)

fuzz:
	@tests/fuzz/run.sh

# The laboratory's own programs; libnice is asked for where it is compared.
LAB_EMU := $(patsubst %.c,$(B)/obj/%.o,$(wildcard tests/lab/natemu/*.c))
$(B)/lab/natemu: $(LAB_EMU)
	$(call say,LD,$@)mkdir -p $(@D) && $(CC) -o $@ $^ $(SAN) -lm
$(B)/lab/nicepeer: tests/lab/nicepeer.c tests/lab/nicedtls.c
	$(call say,CC,$<)mkdir -p $(@D) && $(CC) -std=gnu11 $(WARN) -O2 -o $@ \
	$^ $(shell pkg-config --cflags --libs nice libssl libcrypto 2>/dev/null)
$(B)/lab/forge: tests/lab/forge.c
	$(call say,CC,$<)mkdir -p $(@D) && $(CC) $(CFLAGS_ALL) -o $@ $<
lab-tools: $(B)/lab/natemu $(B)/lab/forge
lab:
	@tests/install.sh build check lab
	@$(MAKE) -s -j2 all lab-tools $(if $(REFERENCE),$(B)/lab/nicepeer)
	@bad=0; B=$(B) LAB_REFERENCE=$(REFERENCE) tests/lab/run.sh $(PAIR) || \
		bad=1; \
	$(if $(PAIR),,for t in spoof relays roam guess; do \
		SLACK=1 tests/lab/$$t.sh $(B) || bad=1; done;) \
	exit $$bad

soak:
	@tests/install.sh build check
	@$(MAKE) -s -j2 all lab-tools
	@tests/lab/soak.sh $(B)

# Measures what is below the tunnels, see tests/bench/flow.sh.
$(B)/bench/%: $(B)/obj/tests/bench/%.o $(foreach r,$(below_tunnels),$(call archive,$(r)))
	$(link)

bench: all
	@tests/install.sh build bench
	@tests/bench/run.sh $(B)

debian13:
	@tests/install.sh debian13
	@tests/debian13.sh

service:
	@tests/install.sh service
	@tests/service.sh

# What is installed below PREFIX, FILE=TO for each; @PREFIX@ in it is filled in.
DATA := dial.1=share/man/man1/dial.1 sipd.8=share/man/man8/sipd.8 \
	sipd.conf.5=share/man/man5/sipd.conf.5 \
	sipd.conf=share/dialtone/sipd.conf \
	sipd.service=lib/systemd/system/sipd.service \
	sipd.sysusers=lib/sysusers.d/dialtone.conf \
	sipd.tmpfiles=lib/tmpfiles.d/dialtone.conf
DOCS := README.md SECURITY.md CHANGELOG.md LICENSE
SHELLS := bash=share/bash-completion/completions/dial \
	zsh=share/zsh/site-functions/_dial \
	fish=share/fish/vendor_completions.d/dial.fish
ROTATE := $(DESTDIR)$(SYSCONFDIR)/logrotate.d/dialtone
AT     := $(DESTDIR)$(PREFIX)
TO     := $(addprefix $(AT)/,$(foreach f,$(DATA) $(SHELLS),$(lastword $(subst =, ,$(f)))))

# The user, the folder and the unit are there at once where systemd runs.
install:
	@$(if $(DESTDIR),,tests/install.sh build)
	@tests/as_user.sh $(MAKE) -s -j2 all
	install -D -m 755 $(B)/dial $(AT)/bin/dial
	install -D -m 755 $(B)/sipd $(AT)/sbin/sipd
	@install -D -m 644 -t $(AT)/share/doc/dialtone $(DOCS)
	@for f in $(TO); do install -D -m 644 /dev/null $$f || exit 1; done
	@for f in $(DATA); do sed "s,@PREFIX@,$(PREFIX)," etc/$${f%=*} \
	    > $(AT)/$${f#*=} || exit 1; done
	@for f in $(SHELLS); do $(B)/dial completion $${f%=*} \
	    > $(AT)/$${f#*=} || exit 1; done
	install -D -m 644 etc/sipd.logrotate $(ROTATE)
	@[ -n "$(DESTDIR)" ] || [ ! -d /run/systemd/system ] || { \
	    systemd-sysusers dialtone.conf && \
	    systemd-tmpfiles --create dialtone.conf && \
	    systemctl daemon-reload; }

# The configuration, the key and the call log stay.
uninstall:
	@[ -n "$(DESTDIR)" ] || [ ! -d /run/systemd/system ] || \
	    systemctl disable --now sipd 2>/dev/null || :
	rm -f $(AT)/bin/dial $(AT)/sbin/sipd $(ROTATE)
	rm -f $(TO)
	rm -rf $(AT)/share/doc/dialtone $(AT)/share/dialtone

clean:
	rm -rf build build-*

.PHONY: all help pkgs units unit e2e demo check san fail valgrind lint fuzz lab lab-tools soak bench \
	debian13 service install uninstall clean
.SECONDARY:
-include $(shell find $(B) -name '*.d' 2>/dev/null)
