# SPDX-License-Identifier: GPL-2.0-only
# Entry points for people; Kbuild has the module itself.

KERNELDIR ?= /lib/modules/$(shell uname -r)/build

# The module, for the kernel in KERNELDIR.
modules:
	$(MAKE) -C $(KERNELDIR) M=$(CURDIR) modules

clean:
	$(MAKE) -C $(KERNELDIR) M=$(CURDIR) clean

# knumad at work in an emulated two-node guest; installs what it needs.
demo:
	scripts/demo

# Static gates, unit tests, guest tests; T="NAME..." runs only those.
test:
	tests/run $(T)

# Every test on every kernel series and flavour of scripts/lab.d/series: some hours; ARGS="--jobs 2"
# runs two guests at a time.
test-all:
	tests/run --all $(ARGS)

# The race against hard bindings, NUMA balancing and numad: 40 minutes, or ARGS=--quick, 8.
bench:
	tests/bench/race $(ARGS)

# The static gates alone.
check:
	scripts/check

# Breaks the module line by line and sees the tests fail; M="NAME..." does only those.
mutate:
	tests/mutate $(M)

.PHONY: modules clean demo test test-all bench check mutate
