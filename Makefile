# The everyday words. meson and ninja do the work; tools/bootstrap.sh installs what is missing and says so first.
PREFIX ?= /usr/local
DESTDIR ?=
N ?= 47
SECONDS ?= 60
ONLY ?=

.PHONY: all demo test torture sim bench fuzz install clean distclean help

all:
	@tools/bootstrap.sh build
	@tools/configure.sh build
	@ninja -C build perdure perdure-testca

demo: all
	@tools/bootstrap.sh demo
	@/usr/bin/python3 tools/demo.py --count $(N)

test:
	@tools/bootstrap.sh build demo test
	@tools/test.sh $(ONLY)

torture:
	@tools/bootstrap.sh build test
	@tools/torture.sh $(if $(SAMPLE),--sample $(SAMPLE))

sim:
	@tools/bootstrap.sh build test
	@tools/configure.sh build
	@ninja -C build tests/sim/sim_fleet
	@build/tests/sim/sim_fleet 10000 730

bench: all
	@tools/bootstrap.sh demo bench
	@bench/run

fuzz:
	@tools/bootstrap.sh build test
	@tools/fuzz.sh $(SECONDS)

install:
	@tools/bootstrap.sh build
	@tools/configure.sh build -Dprefix=$(abspath $(PREFIX))
	@ninja -C build
	@meson install -C build --no-rebuild $(if $(DESTDIR),--destdir $(abspath $(DESTDIR)))

# Keeps build/tools: Pebble takes a minute to fetch and build.
clean:
	@rm -rf build-*
	@if [ -d build ]; then find build -mindepth 1 -maxdepth 1 ! -name tools -exec rm -rf {} +; fi

distclean: clean
	@rm -rf build

help:
	@echo 'make               build/perdure and build/perdure-testca'
	@echo 'make demo [N=47]   N wildcard certificates issued and renewed from standing records, on loopback servers'
	@echo 'make test [ONLY="static unit integration"]   every check'
	@echo 'make sim           ten thousand certificates over two years on a fake clock: what the scheduler does'
	@echo 'make torture       killed and its calls failed, everywhere: the full sweep (SAMPLE=N: a part of it)'
	@echo 'make bench         the numbers, as ratios'
	@echo 'make fuzz [SECONDS=60]   each fuzz target for so long'
	@echo 'make install [PREFIX=/usr/local] [DESTDIR=]'
	@echo 'make clean, make distclean   remove what was built; the second removes the fetched tools too'
