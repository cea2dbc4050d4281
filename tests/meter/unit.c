// SPDX-License-Identifier: GPL-2.0-only
/*
 * Unit tests of the meter's arithmetic: cache, node map, account, options. User space,
 * on the host; built and run by tests/meter_selftest. Prints KTAP.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "meter.h"

#define MS	(1000 * 1000ull)

static unsigned int nr_tests, nr_failed;

static void ok(bool passed, const char *what)
{
	nr_tests++;
	nr_failed += !passed;
	printf("%sok %u %s\n", passed ? "" : "not ", nr_tests, what);
}

static void is(const char *what, uint64_t expected, uint64_t found)
{
	ok(expected == found, what);
	if (expected != found)
		printf("# expected %llu, found %llu\n", (unsigned long long)expected,
		       (unsigned long long)found);
}

/* Misses of reading two streams in turn, @apart bytes from each other. */
static unsigned int misses_of_two(uint64_t apart, unsigned int lines)
{
	static struct cache cache;
	unsigned int misses = 0;

	memset(&cache, 0, sizeof(cache));
	for (uint64_t i = 0; i < lines; i++) {
		for (uint64_t byte = 0; byte < 64; byte += 8) {
			misses += !cache_access(&cache, (1ull << 32) + i * 64 + byte);
			misses += !cache_access(&cache, (1ull << 32) + apart + i * 64 + byte);
		}
	}
	return misses;
}

static void test_cache(void)
{
	static struct cache cache;
	unsigned int misses = 0, worst = 0;

	ok(!cache_access(&cache, 0), "cache: line 0 is not there at first");
	ok(cache_access(&cache, 63), "cache: a line is 64 bytes");
	ok(!cache_access(&cache, 64), "cache: the next byte is another line");
	for (uint64_t mib = 1; mib <= 1 << 15; mib *= 2) {
		unsigned int found = misses_of_two(mib << 20, 10000);

		worst = found > worst ? found : worst;
	}
	is("cache: two streams at any power of two apart do not evict each other",
	   20000, worst);
	for (unsigned int pass = 0; pass < 10; pass++)
		for (uint64_t line = 0; line < CACHE_LINES; line++)
			misses += !cache_access(&cache, (5ull << 30) + line * 64);
	is("cache: what is as large as it, in one piece, stays in it", CACHE_LINES, misses);
	memset(&cache, 0, sizeof(cache));
	misses = 0;
	for (unsigned int pass = 0; pass < 3; pass++)
		for (uint64_t line = 0; line < 4 * CACHE_LINES; line++)
			misses += !cache_access(&cache, (5ull << 30) + line * 64);
	is("cache: what is four times as large does not", 12 * CACHE_LINES, misses);
}

static void test_nodemap(void)
{
	static struct nodemap map;

	nodemap_clear(&map);
	ok(!nodemap_add(&map, 0, 0, 0xa0000) && !nodemap_add(&map, 0, 1 << 20, 1023ull << 20) &&
	   !nodemap_add(&map, 1, 1ull << 30, 1ull << 30) &&
	   !nodemap_add(&map, 2, 4ull << 30, 1ull << 30), "nodemap: a PC's ranges are taken");
	is("nodemap: first byte", 0, nodemap_node(&map, 0));
	is("nodemap: last byte of node 0", 0, nodemap_node(&map, (1ull << 30) - 1));
	is("nodemap: first byte of node 1", 1, nodemap_node(&map, 1ull << 30));
	is("nodemap: the hole below 4 GiB", NODEMAP_NONE, nodemap_node(&map, 2ull << 30));
	is("nodemap: node 2 above it", 2, nodemap_node(&map, 4ull << 30));
	is("nodemap: beyond", NODEMAP_NONE, nodemap_node(&map, 5ull << 30));
	is("nodemap: the highest address", NODEMAP_NONE, nodemap_node(&map, UINT64_MAX));
	ok(nodemap_add(&map, 1, (1ull << 30) - 4096, 4096), "nodemap: an overlap is refused");
	is("nodemap: and changes nothing", 0, nodemap_node(&map, (1ull << 30) - 4096));
	ok(nodemap_add(&map, 8, 6ull << 30, 4096) && nodemap_add(&map, 1, 6ull << 30, 0) &&
	   nodemap_add(&map, 1, 6ull << 30, UINT64_MAX) &&
	   nodemap_add(&map, 1, UINT64_MAX, 2),
	   "nodemap: a ninth node, nothing, too much and an overflow are refused");
}

/* A host's clock and a thread's CPU time. */
struct host {
	uint64_t now, cpu;
};

/* One slice: @used of CPU time, @stolen by others, then settled. */
static void slice(struct account *a, struct host *host, uint64_t charged, uint64_t used,
		  uint64_t stolen)
{
	uint64_t until;

	account_charge(a, charged);
	host->cpu += used;
	host->now += used + stolen;
	until = account_settle(a, host->now, host->cpu);
	if (until)
		host->now = until;
}

static void test_account(void)
{
	struct host host = { 1000 * MS, 7 * MS };
	struct account a = { 0 };

	account_restart(&a, host.now, host.cpu);
	ok(!account_charge(&a, ACCOUNT_SLICE_NS - 1) && account_charge(&a, 1),
	   "account: a slice is full when it is");
	account_restart(&a, host.now, host.cpu);
	for (int i = 0; i < 1000; i++)
		slice(&a, &host, MS, MS / 5, 0);
	is("account: what is charged is the time taken", 2000 * MS, host.now);
	for (int i = 0; i < 1000; i++)
		slice(&a, &host, MS, MS / 5, i % 2 ? 0 : MS);
	is("account: also where the host has no CPU for it half of the time", 3000 * MS, host.now);
	slice(&a, &host, MS, MS / 5, 15 * MS);
	for (int i = 0; i < 999; i++)
		slice(&a, &host, MS, MS / 5, 0);
	is("account: 15 ms without a CPU are caught up", 4000 * MS, host.now);
	is("account: and are not late", 0, a.late);
	slice(&a, &host, MS, MS / 5, 50 * MS);
	for (int i = 0; i < 999; i++)
		slice(&a, &host, MS, MS / 5, 0);
	is("account: 50 ms are late, once", 1, a.late);
	is("account: what is beyond the limit is lost", 5000 * MS + a.late_ns, host.now);
	ok(a.late_ns > 28 * MS && a.late_ns < 31 * MS, "account: which is about 30 ms");

	account_restart(&a, host.now, host.cpu);
	host = (struct host){ 0, 0 };
	account_restart(&a, 0, 0);
	for (int i = 0; i < 100; i++)
		slice(&a, &host, 0, MS, 0);
	is("account: what costs nothing takes its own time", 100 * MS, host.now);
	is("account: which is overrun", 100 * MS, a.overrun_ns);
	for (int i = 0; i < 100; i++)
		slice(&a, &host, MS, MS / 5, 0);
	is("account: and gives no credit", 200 * MS, host.now);
	host.now += 500 * MS;
	account_resume(&a, host.now);
	for (int i = 0; i < 100; i++)
		slice(&a, &host, MS, MS / 5, 0);
	is("account: nor does being halted", 800 * MS, host.now);
}

static const char *parse(struct config *config, const char *options)
{
	static char copy[512];
	char *argv[16], *next = copy;
	int argc = 0;

	memset(config, 0, sizeof(*config));
	snprintf(copy, sizeof(copy), "%s", options);
	while (next && argc < 16)
		argv[argc++] = strsep(&next, ",");
	return parse_options(config, argc, argv);
}

static void test_options(void)
{
	static const char good[] =
		"dir=/a,nodes=3,cpus=2,local=1000,remote=1600,insn=2,distances=10:20:30:20:10:40:30:40:10";
	static const char * const bad[] = {
		"", "nonsense", "colour=red", "dir=/a,nodes=9", "dir=/a,nodes=-1", "dir=/a,nodes=2x",
		"dir=/a,nodes=2,cpus=2,local=0,remote=5,distances=10:20:20:10",
		"dir=/a,nodes=2,cpus=2,local=6,remote=5,distances=10:20:20:10",
		"dir=/a,nodes=2,cpus=2,local=5,remote=6,distances=10:20:20",
		"dir=/a,nodes=2,cpus=2,local=5,remote=6,distances=10:20:20:10:5",
		"dir=/a,nodes=2,cpus=2,local=5,remote=6,distances=10:10:20:10",
		"dir=/a,nodes=2,cpus=2,local=5,remote=6,distances=10:20:20:11",
		"nodes=2,cpus=2,local=5,remote=6,distances=10:20:20:10",
	};
	static struct config config;
	bool refused = true;

	ok(!parse(&config, good), "options: what the lab gives is taken");
	is("options: local", 1000, config.miss_ns[1][1]);
	is("options: the nearest remote node costs what was said", 1600, config.miss_ns[0][1]);
	is("options: twice as far", 2200, config.miss_ns[0][2]);
	is("options: three times as far", 2800, config.miss_ns[2][1]);
	ok(!parse(&config, "dir=/a,nodes=1,cpus=4,local=5,remote=6,insn=0,distances=10") &&
	   config.miss_ns[0][0] == 5, "options: one node is enough");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (!parse(&config, bad[i])) {
			printf("# taken: '%s'\n", bad[i]);
			refused = false;
		}
	}
	ok(refused, "options: what is wrong is refused");
}

int main(void)
{
	puts("KTAP version 1");
	test_cache();
	test_nodemap();
	test_account();
	test_options();
	printf("1..%u\n", nr_tests);
	return nr_failed ? 1 : 0;
}
