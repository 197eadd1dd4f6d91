# selkie: a thin front of CMake. `make help` lists the targets; everything that is built lies below build/.
#
#   FILE=...     make run, demo: the file to seal            BLST_ROOT=...  blst: installed prefix or source tree
#   SECONDS=n    make fuzz: seconds for each target    CC=...         compiler, gcc-12 unless set
#   DESTDIR= PREFIX=/usr/local                         JOBS=n         parallel jobs, all cores unless set
#   WERROR=ON    warnings of the compiler are errors
#   ORACLE=...   make bench: a program that seals with rust-fil-proofs (tools/bench-reference says how)

ifeq ($(origin CC),default)
CC := gcc-12
endif
ifeq ($(origin SECONDS),undefined)
SECONDS := 60
endif
PREFIX ?= /usr/local
JOBS ?= $(shell nproc)
export CC

configure = cmake --log-level=NOTICE --preset $(1) $(if $(BLST_ROOT),-DBLST_ROOT="$(BLST_ROOT)") $(if $(WERROR),-DSLK_WERROR=$(WERROR)) >/dev/null
compile = $(call configure,$(1)) && cmake --build --preset $(1) --parallel $(JOBS)
parameters = FIL_PROOFS_PARAMETER_CACHE=$${FIL_PROOFS_PARAMETER_CACHE:-$(CURDIR)/build/parameters}
ctest = ctest --output-on-failure --no-tests=error --parallel $(JOBS)

.DEFAULT_GOAL := build
.PHONY: help deps build run demo test test-slow check check-format check-layers check-words format warnings asan \
        tsan fuzz bench warnings-clang man completion install clean distclean

help: ## print this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1\t\2/p' Makefile | expand -t 18

deps: ## install the Debian or Ubuntu packages that are missing (packages.txt)
	@tools/install-deps build test

build: deps ## build the program, build/selkie, and the libraries; what plain `make` does
	@$(call compile,release)

run: build ## development network, manager and worker on this machine: a sector from pledge to Proving
	@tools/run-cluster "$(FILE)"

demo: build ## seal a real file (FILE=...) into an 8 MiB sector and back; prove a 2 KiB sector, step by step
	@tools/run-demo "$(FILE)"

test: build ## build and run all tests but the slow ones
	@cd build && $(ctest) --label-exclude slow

test-slow: build ## run the slow tests: kills at random points, big sectors
	@cd build && $(ctest) --label-regex slow

check: check-format check-layers check-words ## what needs no compiler: format, layers, banned words

check-format: ## are C files formatted as .clang-format says?
	@tools/install-deps check
	@tools/c-files | xargs clang-format-15 --dry-run -Werror

check-layers: ## do includes point downwards only (tools/layers.txt)?
	@tools/install-deps build
	@tools/check-layers

check-words: ## no notes to self in the tree
	@! grep -rnwE 'TODO|FIXME|XXX' src include tests tools cmake doc --exclude-dir=corpora --exclude-dir=vectors

format: ## format the C files
	@tools/install-deps check
	@tools/c-files | xargs clang-format-15 -i

warnings: warnings-clang ## build everything with gcc and clang, warnings as errors
	@$(call compile,gcc)

warnings-clang:
	@tools/install-deps build test check
	@$(call compile,clang)

asan: ## build and test under the address and undefined-behaviour sanitizers
	@tools/install-deps build test
	@$(call compile,asan-ubsan)
	@cd build/asan-ubsan && $(ctest) --label-exclude 'slow|install'

tsan: ## build and test under the thread sanitizer
	@tools/install-deps build test
	@$(call compile,tsan)
	@cd build/tsan && $(ctest) --label-exclude 'slow|install'

fuzz: ## fuzz every reader of outside bytes for SECONDS=n each, new crashes go to tests/corpora
	@tools/install-deps build test check
	@$(call compile,fuzz)
	@tools/run-fuzz build/fuzz $(SECONDS)

bench: build ## measure this machine against its own limits; ORACLE=program: also against the reference
	@$(parameters) build/selkie params generate --size 2KiB --circuit all >/dev/null
	@$(parameters) build/selkie params generate --size 8MiB --circuit porep >/dev/null
	@for what in limits sha poseidon pc1 pc2 commp msm ntt c2 post; do \
	    $(parameters) build/selkie bench $$what || exit 1; done
	@$(parameters) build/selkie bench c2 --size 8MiB
	@if [ -n "$(ORACLE)" ]; then tools/bench-reference "$(ORACLE)"; fi

man: build ## write the manual pages into build/manual/man
	@ls build/manual/man/*

completion: build ## write the completions for bash and zsh into build/manual/completion
	@ls build/manual/completion/*

install: build ## install program, libraries, headers, manual below DESTDIR and PREFIX
	@DESTDIR="$(DESTDIR)" cmake --install build --prefix "$(PREFIX)"

clean: ## remove what was built, keep fetched sources
	@if [ -d build ]; then find build -mindepth 1 -maxdepth 1 ! -name deps -exec rm -rf {} +; fi

distclean: ## remove build/
	@rm -rf build
