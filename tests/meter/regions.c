// SPDX-License-Identifier: GPL-2.0-only
/*
 * Regions and results: what was counted between a region's start and its end, as
 * regions.csv (a row each), vcpus.csv (a row for each of its vCPUs) and series.csv (a
 * row each tenth of a second, and at each mark). README.md beside this file explains
 * the columns. Runs in the threads of vCPUs that execute a mark, and in one of its own
 * for the time series. Rows are flushed as they are written: a guest that dies leaves
 * what it had measured.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "pace.h"
#include "regions.h"

#define TICK_NS		(100 * 1000 * 1000ull)
#define LABEL_BYTES	128

/* What is counted, all of it growing. */
struct counts {
	uint64_t accesses[MAX_NODES];
	uint64_t misses[MAX_NODES];
	uint64_t elsewhere;
	uint64_t insns_user;
	uint64_t insns_kernel;
	uint64_t late;
	uint64_t late_ns;
	uint64_t overrun_ns;
};

/* The same over vCPUs. */
struct totals {
	uint64_t accesses_local, accesses_remote;
	uint64_t misses_local, misses_remote;
	uint64_t elsewhere;
	uint64_t insns_user, insns_kernel;
	uint64_t modelled_ns, overrun_ns;
	uint64_t late, late_ns;
};

/* Protects all below, and the order of rows. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t closing = PTHREAD_COND_INITIALIZER;
static pthread_t ticker;
static bool ready, closed;
static FILE *regions_csv, *vcpus_csv, *series_csv;
static uint64_t ready_ns;
static unsigned int nr_vcpus;
static struct {
	bool open;
	unsigned int number;
	char label[LABEL_BYTES];
	uint64_t start_ns, last_ns;	/* last: row of the series */
	struct counts start[MAX_VCPUS], last[MAX_VCPUS];
} region;

static void take_counts(unsigned int vcpu, struct counts *c)
{
	const struct vcpu *v = &vcpus[vcpu];

	for (unsigned int node = 0; node < cfg.nr_nodes; node++) {
		c->accesses[node] = peek(&v->accesses[node]);
		c->misses[node] = peek(&v->misses[node]);
	}
	c->elsewhere = peek(&v->elsewhere);
	c->insns_user = insns_user(vcpu);
	c->insns_kernel = insns_kernel(vcpu);
	c->late = peek(&v->account.late);
	c->late_ns = peek(&v->account.late_ns);
	c->overrun_ns = peek(&v->account.overrun_ns);
}

static void add_difference(struct totals *t, unsigned int vcpu, const struct counts *from,
			   const struct counts *to)
{
	unsigned int own = vcpu / cfg.cpus_per_node;
	uint64_t insns = to->insns_user - from->insns_user +
			 to->insns_kernel - from->insns_kernel;

	for (unsigned int node = 0; node < cfg.nr_nodes; node++) {
		uint64_t accesses = to->accesses[node] - from->accesses[node];
		uint64_t misses = to->misses[node] - from->misses[node];

		*(node == own ? &t->accesses_local : &t->accesses_remote) += accesses;
		*(node == own ? &t->misses_local : &t->misses_remote) += misses;
		t->modelled_ns += misses * cfg.miss_ns[own][node];
	}
	t->modelled_ns += insns * cfg.insn_ns;
	t->elsewhere += to->elsewhere - from->elsewhere;
	t->insns_user += to->insns_user - from->insns_user;
	t->insns_kernel += to->insns_kernel - from->insns_kernel;
	t->overrun_ns += to->overrun_ns - from->overrun_ns;
	t->late += to->late - from->late;
	t->late_ns += to->late_ns - from->late_ns;
}

static double remote_percent(const struct totals *t)
{
	uint64_t all = t->misses_local + t->misses_remote;

	return all ? 100.0 * t->misses_remote / all : 0;
}

static double seconds(uint64_t ns)
{
	return (double)ns / SECOND_NS;
}

static void flush(FILE *file)
{
	if (fflush(file))
		meter_fail("cannot write the results in %s: %s", cfg.dir, strerror(errno));
}

static FILE *open_result(const char *name)
{
	char path[sizeof(cfg.dir) + 16];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", cfg.dir, name);
	file = fopen(path, "we");
	if (!file)
		meter_fail("cannot create %s: %s", path, strerror(errno));
	return file;
}

/* A row of the time series: what was since the last one. */
static void series_row(const char *event, const char *note)
{
	struct totals t = { 0 };
	uint64_t now = now_ns();

	for (unsigned int vcpu = 0; vcpu < nr_vcpus; vcpu++) {
		struct counts c;

		take_counts(vcpu, &c);
		add_difference(&t, vcpu, &region.last[vcpu], &c);
		region.last[vcpu] = c;
	}
	fprintf(series_csv, "%u,%s,%s,%s,%.6f,%.6f,%" PRIu64 ",%" PRIu64 ",%.3f,%" PRIu64 ",%"
		PRIu64 ",%" PRIu64 "\n",
		region.number, region.label, event, note, seconds(now - region.start_ns),
		seconds(now - region.last_ns), t.misses_local, t.misses_remote,
		remote_percent(&t), t.insns_user, t.insns_kernel, t.late);
	flush(series_csv);
	region.last_ns = now;
}

/* Timed absolutely, so that rows keep their distance. */
static void *tick(void *unused)
{
	uint64_t next = now_ns();

	(void)unused;
	pthread_mutex_lock(&lock);
	while (!closed) {
		struct timespec until;

		next += TICK_NS;
		until = (struct timespec){ next / SECOND_NS, next % SECOND_NS };
		pthread_cond_clockwait(&closing, &lock, CLOCK_MONOTONIC, &until);
		if (region.open && !closed && region.last_ns + TICK_NS / 2 < now_ns())
			series_row("tick", "");
	}
	pthread_mutex_unlock(&lock);
	return NULL;
}

/* QEMU's own threads take the signals. */
static void start_ticker(void)
{
	sigset_t all, before;
	int error;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&ticker, NULL, tick, NULL);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (error)
		meter_fail("cannot start the thread for the time series: %s", strerror(error));
}

void regions_open(void)
{
	pthread_mutex_lock(&lock);
	if (!ready) {
		nr_vcpus = cfg.nr_nodes * cfg.cpus_per_node;
		ready_ns = now_ns();
		regions_csv = open_result("regions.csv");
		vcpus_csv = open_result("vcpus.csv");
		series_csv = open_result("series.csv");
		fputs("region,label,end,start_s,seconds,accesses_local,accesses_remote,misses_local,misses_remote,remote_miss_pct,accesses_elsewhere,insns_user,insns_kernel,modelled_s,overrun_s,late,late_s\n",
		      regions_csv);
		fputs("region,label,vcpu,node", vcpus_csv);
		for (unsigned int node = 0; node < cfg.nr_nodes; node++)
			fprintf(vcpus_csv, ",accesses_n%u,misses_n%u", node, node);
		fputs(",insns_user,insns_kernel,modelled_s,overrun_s,late,late_s\n", vcpus_csv);
		fputs("region,label,event,note,time_s,interval_s,misses_local,misses_remote,remote_miss_pct,insns_user,insns_kernel,late\n",
		      series_csv);
		flush(regions_csv);
		flush(vcpus_csv);
		flush(series_csv);
		start_ticker();
		ready = true;
	}
	pthread_mutex_unlock(&lock);
}

static void vcpu_row(unsigned int vcpu, const struct counts *from, const struct counts *to)
{
	struct totals t = { 0 };

	add_difference(&t, vcpu, from, to);
	fprintf(vcpus_csv, "%u,%s,%u,%u", region.number, region.label, vcpu,
		vcpu / cfg.cpus_per_node);
	for (unsigned int node = 0; node < cfg.nr_nodes; node++)
		fprintf(vcpus_csv, ",%" PRIu64 ",%" PRIu64,
			to->accesses[node] - from->accesses[node],
			to->misses[node] - from->misses[node]);
	fprintf(vcpus_csv, ",%" PRIu64 ",%" PRIu64 ",%.6f,%.6f,%" PRIu64 ",%.6f\n",
		t.insns_user, t.insns_kernel, seconds(t.modelled_ns), seconds(t.overrun_ns),
		t.late, seconds(t.late_ns));
}

static void region_row(const char *end, uint64_t now, const struct totals *t)
{
	fprintf(regions_csv, "%u,%s,%s,%.6f,%.6f,%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64
		",%.3f,%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%.6f,%.6f,%" PRIu64 ",%.6f\n",
		region.number, region.label, end, seconds(region.start_ns - ready_ns),
		seconds(now - region.start_ns), t->accesses_local, t->accesses_remote,
		t->misses_local, t->misses_remote, remote_percent(t), t->elsewhere,
		t->insns_user, t->insns_kernel, seconds(t->modelled_ns),
		seconds(t->overrun_ns), t->late, seconds(t->late_ns));
}

/* With the lock held. */
static void end_region(const char *why)
{
	struct totals t = { 0 };
	uint64_t now;

	if (!region.open)
		return;
	pace_off();
	now = now_ns();
	series_row("end", "");
	for (unsigned int vcpu = 0; vcpu < nr_vcpus; vcpu++) {
		add_difference(&t, vcpu, &region.start[vcpu], &region.last[vcpu]);
		vcpu_row(vcpu, &region.start[vcpu], &region.last[vcpu]);
	}
	region_row(why, now, &t);
	flush(vcpus_csv);
	flush(regions_csv);
	region.open = false;
}

/* What would break a CSV field is replaced. */
static void copy_label(char *to, const char *from)
{
	snprintf(to, LABEL_BYTES, "%s", from);
	for (; *to; to++)
		if (*to == ',' || *to == '"' || *to < ' ' || *to > '~')
			*to = '_';
}

void regions_start(const char *label)
{
	pthread_mutex_lock(&lock);
	if (!ready)
		meter_fail("a region begins before the meter is set up; expected 'meter-mark setup' first (scripts/lab run --meter does it)");
	end_region("restart");
	region.number++;
	copy_label(region.label, label);
	for (unsigned int vcpu = 0; vcpu < nr_vcpus; vcpu++)
		take_counts(vcpu, &region.start[vcpu]);
	memcpy(region.last, region.start, sizeof(region.last));
	region.start_ns = now_ns();
	region.last_ns = region.start_ns;
	region.open = true;
	series_row("start", "");
	pace_on();
	pthread_mutex_unlock(&lock);
}

void regions_stop(const char *why)
{
	pthread_mutex_lock(&lock);
	end_region(why);
	pthread_mutex_unlock(&lock);
}

void regions_snapshot(const char *note)
{
	char clean[LABEL_BYTES];

	pthread_mutex_lock(&lock);
	copy_label(clean, note);
	if (region.open)
		series_row("snapshot", clean);
	pthread_mutex_unlock(&lock);
}

void regions_close(void)
{
	bool was_ready;

	pthread_mutex_lock(&lock);
	end_region("exit");
	was_ready = ready;
	closed = true;
	pthread_cond_signal(&closing);
	pthread_mutex_unlock(&lock);
	if (!was_ready)
		return;
	pthread_join(ticker, NULL);
	fclose(regions_csv);
	fclose(vcpus_csv);
	fclose(series_csv);
}
