// SPDX-License-Identifier: GPL-2.0-only
/*
 * Scenarios: a host and what is expected of its plan, read from a text file.
 *
 * User space, called by main.c for each file in scenarios/. The format is told
 * in scenarios/README.
 */
#include <stdlib.h>
#include <string.h>
#include "tests.h"

#define MAX_LINES	128
#define MAX_WORDS	48
#define MAX_PROCS	128
#define LINE		256

struct line {
	char text[LINE];
	char *word[MAX_WORDS];
	u32 words;
	u32 number;
};

struct scenario {
	struct sim sim;
	bool ready;
	u32 passes;
	u32 nr_lines;
	struct line lines[MAX_LINES];
};

static bool wrong(const struct line *l, char *message, const char *what)
{
	snprintf(message, SIM_MESSAGE, "line %u: %.120s", l->number, what);
	return false;
}

/* "1.5" CPUs as 1500 mcpu. */
static u32 to_mcpu(const char *word)
{
	char *end;
	u32 mcpu = strtoul(word, &end, 10) * 1000, unit = 100;

	if (*end == '.')
		for (end++; *end && unit; end++, unit /= 10)
			mcpu += (*end - '0') * unit;
	return mcpu;
}

/* "64M", "1G" or "512" (pages). */
static u64 to_pages(const char *word)
{
	char *end;
	u64 n = strtoull(word, &end, 10);

	return *end == 'G' ? n << 18 : *end == 'M' ? n << 8 : n;
}

/* "0,2", "all" or "none". */
static u64 to_nodes(const char *word)
{
	u64 mask = 0;
	char *end;

	if (!strcmp(word, "all"))
		return ~0ULL;
	if (!strcmp(word, "none"))
		return 0;
	for (;;) {
		mask |= BIT_ULL(strtoul(word, &end, 10) % POLICY_MAX_NODES);
		if (*end != ',')
			return mask;
		word = end + 1;
	}
}

static struct sim_proc *find(struct sim *sim, const char *name)
{
	u32 i;

	for (i = 0; i < sim->nr_procs; i++)
		if (!strcmp(sim->procs[i].name, name))
			return &sim->procs[i];
	return NULL;
}

/* "0:256M": the node before the colon, the rest after it. */
static bool by_node(const struct sim *sim, const char *word, u32 *nid, const char **rest)
{
	char *end;

	*nid = strtoul(word, &end, 10);
	*rest = end + 1;
	return end != word && *end == ':' && *nid < sim->nr_nodes;
}

/* Attributes of a process, from word @k on. */
static bool read_proc(struct sim *sim, struct sim_proc *sp, const struct line *l, u32 k,
		      char *message)
{
	size_t row = (size_t)(sp - sim->procs) * sim->nr_nodes;
	const char *key = "", *rest;
	u32 nid;

	for (; k < l->words; k++) {
		char *word = l->word[k];

		if (by_node(sim, word, &nid, &rest)) {
			if (!strcmp(key, "pages"))
				sim->pages[row + nid] = to_pages(rest);
			else if (!strcmp(key, "fixed"))
				sim->fixed[row + nid] = to_pages(rest);
			else if (!strcmp(key, "run"))
				sim->run[row + nid] = to_mcpu(rest);
			else if (!strcmp(key, "own"))
				sim->own[row + nid] = to_mcpu(rest);
			else
				return wrong(l, message, "expected pages, fixed, run or own before node:value");
			if (strcmp(key, "run") && strcmp(key, "own"))
				sim->nodes[nid].free_pages -= to_pages(rest);
			continue;
		}
		key = word;
		if (!strcmp(key, "own"))
			sp->p.cpus_mcpu = sim->own + row;
		if (!strcmp(key, "pages") || !strcmp(key, "fixed") || !strcmp(key, "run") ||
		    !strcmp(key, "own"))
			continue;
		if (++k >= l->words)
			return wrong(l, message, "expected a value after the last word");
		word = l->word[k];
		if (!strcmp(key, "demand"))
			sp->true_demand_mcpu = to_mcpu(word);
		else if (!strcmp(key, "threads"))
			sp->p.nr_threads = strtoul(word, NULL, 10);
		else if (!strcmp(key, "cpus"))
			sp->p.cpu_nodes = to_nodes(word);
		else if (!strcmp(key, "mems"))
			sp->p.mem_nodes = to_nodes(word);
		else if (!strcmp(key, "home"))
			sp->p.home = to_nodes(word);
		else if (!strcmp(key, "stays"))
			sp->p.stays = strtoul(word, NULL, 10);
		else if (!strcmp(key, "from"))
			sp->from_pass = strtoul(word, NULL, 10);
		else
			return wrong(l, message, "expected an attribute of a process");
	}
	return true;
}

static bool read_tunable(struct sim *sim, const struct line *l, char *message)
{
	struct policy_tunables *t = &sim->tunables;
	u32 value = strtoul(l->word[2], NULL, 10);

	if (!strcmp(l->word[1], "min_age_passes"))
		t->min_age_passes = value;
	else if (!strcmp(l->word[1], "min_gain_percent"))
		t->min_gain_percent = value;
	else if (!strcmp(l->word[1], "slack_percent"))
		t->slack_percent = value;
	else if (!strcmp(l->word[1], "payback_ms"))
		t->payback_ms = value;
	else if (!strcmp(l->word[1], "pass_ms"))
		t->pass_ms = value;
	else
		return wrong(l, message, "expected the name of a tunable");
	return true;
}

static bool read_node(struct sim *sim, const struct line *l, char *message)
{
	struct policy_node *node;
	u32 k, nid = strtoul(l->word[1], NULL, 10);
	u64 used = 0;

	if (nid >= sim->nr_nodes)
		return wrong(l, message, "expected a node below the number after \"nodes\"");
	node = &sim->nodes[nid];
	for (k = 2; k + 1 < l->words; k += 2) {
		if (!strcmp(l->word[k], "cpus"))
			node->cpu_mcpu = to_mcpu(l->word[k + 1]);
		else if (!strcmp(l->word[k], "mem"))
			node->total_pages = to_pages(l->word[k + 1]);
		else if (!strcmp(l->word[k], "used"))
			used = to_pages(l->word[k + 1]);
		else if (!strcmp(l->word[k], "other"))
			node->other_mcpu = to_mcpu(l->word[k + 1]);
		else if (!strcmp(l->word[k], "cache"))
			node->cache_pages = to_pages(l->word[k + 1]);
		else if (!strcmp(l->word[k], "owed"))
			node->owed_pages = to_pages(l->word[k + 1]);
		else
			return wrong(l, message, "expected cpus, mem, used, cache, owed or other");
	}
	node->free_pages = node->total_pages - used - node->cache_pages;
	return true;
}

static bool set_up(struct scenario *sc, const struct line *l, char *message)
{
	struct sim *sim = &sc->sim;
	const char *verb = l->word[0];
	u32 k;

	if (!strcmp(verb, "nodes") && l->words == 2 && !sc->ready) {
		k = strtoul(l->word[1], NULL, 10);
		if (k < 1 || k > POLICY_MAX_NODES)
			return wrong(l, message, "expected 1 to 64 nodes");
		sim_init(sim, k, MAX_PROCS, 1);
		sc->ready = true;
		return true;
	}
	if (!sc->ready)
		return wrong(l, message, "expected \"nodes N\" first");
	if (!strcmp(verb, "node") && l->words >= 2)
		return read_node(sim, l, message);
	if (!strcmp(verb, "distance") && l->words == 2 + sim->nr_nodes) {
		u32 row = strtoul(l->word[1], NULL, 10) % sim->nr_nodes;

		for (k = 0; k < sim->nr_nodes; k++)
			sim->distance[row * sim->nr_nodes + k] = strtoul(l->word[k + 2], NULL, 10);
		return true;
	}
	if (!strcmp(verb, "proc") && l->words >= 2 && sim->nr_procs < MAX_PROCS)
		return read_proc(sim, sim_add(sim, l->word[1]), l, 2, message);
	if (l->words == 2 && !strcmp(verb, "noise")) {
		sim->noise_percent = strtoul(l->word[1], NULL, 10);
	} else if (l->words == 2 && !strcmp(verb, "rate")) {
		sim->rate_pages = to_pages(l->word[1]);
	} else if (l->words == 2 && !strcmp(verb, "passes")) {
		sc->passes = strtoul(l->word[1], NULL, 10);
	} else if (!strcmp(verb, "mode") && l->words == 2) {
		sim->tunables.may_move_cpu = strcmp(l->word[1], "memory") != 0;
		sim->tunables.may_move_memory = strcmp(l->word[1], "cpu") != 0;
	} else if (!strcmp(verb, "tunable") && l->words == 3) {
		return read_tunable(sim, l, message);
	} else {
		return wrong(l, message, "unknown word, or wrong number of words");
	}
	return true;
}

/* "at PASS set NAME ...", "at PASS gone NAME", "at PASS node N ..." */
static bool happen(struct scenario *sc, const struct line *l, char *message)
{
	struct sim_proc *sp = NULL;
	struct sim *sim = &sc->sim;
	u32 nid;

	if (l->words < 4)
		return wrong(l, message, "expected at PASS set|gone|other ...");
	if (!strcmp(l->word[2], "other") && l->words == 5) {
		nid = strtoul(l->word[3], NULL, 10) % sim->nr_nodes;
		sim->nodes[nid].other_mcpu = to_mcpu(l->word[4]);
		return true;
	}
	sp = find(sim, l->word[3]);
	if (!sp)
		return wrong(l, message, "expected the name of a process");
	if (!strcmp(l->word[2], "set"))
		return read_proc(sim, sp, l, 4, message);
	if (strcmp(l->word[2], "gone"))
		return wrong(l, message, "expected set, gone or other");
	sim_exit(sim, sp - sim->procs);
	return true;
}

/* "expect NAME home 0 action stay reason settled mem 95 changes 0" */
static bool expect(struct scenario *sc, const struct line *l, char *message)
{
	u64 valid = ~0ULL >> (64 - sc->sim.nr_nodes);
	struct sim_proc *sp;
	u32 k;

	if (!strcmp(l->word[1], "quiet") && l->words == 3) {
		if (sc->sim.quiet_passes >= strtoul(l->word[2], NULL, 10))
			return true;
		snprintf(message, SIM_MESSAGE, "line %u: expected %s quiet passes, found %u",
			 l->number, l->word[2], sc->sim.quiet_passes);
		return false;
	}
	if (!strcmp(l->word[1], "exchanged") && l->words == 3) {
		u64 pages = to_pages(l->word[2]);

		if (sc->sim.exchanged_pages >= pages && (pages || !sc->sim.exchanged_pages))
			return true;
		snprintf(message, SIM_MESSAGE, "line %u: expected %s exchanged, found %llu pages",
			 l->number, l->word[2], (unsigned long long)sc->sim.exchanged_pages);
		return false;
	}
	if (!strcmp(l->word[1], "returned") && l->words == 3) {
		if (sc->sim.returned_pages <= to_pages(l->word[2]))
			return true;
		snprintf(message, SIM_MESSAGE, "line %u: expected at most %s back where they were, found %llu pages",
			 l->number, l->word[2], (unsigned long long)sc->sim.returned_pages);
		return false;
	}
	sp = find(&sc->sim, l->word[1]);
	if (!sp)
		return wrong(l, message, "expected the name of a process");
	for (k = 2; k + 1 < l->words; k += 2) {
		const char *key = l->word[k], *value = l->word[k + 1];
		const struct policy_verdict *v = &sp->last;
		bool good;

		if (!strcmp(key, "home"))
			good = v->home == (to_nodes(value) & valid);
		else if (!strcmp(key, "action"))
			good = !strcmp(value, policy_action_name(v->action));
		else if (!strcmp(key, "reason"))
			good = !strcmp(value, policy_reason_name(v->reason));
		else if (!strcmp(key, "mem"))
			good = v->mem_home_permille >= strtoul(value, NULL, 10) * 10;
		else if (!strcmp(key, "moves"))
			good = v->move_pages == to_pages(value);
		else if (!strcmp(key, "changes"))
			good = sp->home_changes <= strtoul(value, NULL, 10);
		else if (!strcmp(key, "never"))
			good = !(sp->seen_homes_bits & to_nodes(value));
		else
			return wrong(l, message, "expected home, action, reason, mem, moves, changes or never");
		if (good)
			continue;
		snprintf(message, SIM_MESSAGE, "line %u: pass %u: %s: expected %s %s, found home %llx %s (%s), %u permille of memory there, %u changes",
			 l->number, sc->sim.pass, sp->name, key, value,
			 (unsigned long long)v->home, policy_action_name(v->action),
			 policy_reason_name(v->reason), v->mem_home_permille, sp->home_changes);
		return false;
	}
	return true;
}

static bool load(struct scenario *sc, const char *path, char *title, char *message)
{
	FILE *file = fopen(path, "r");
	u32 number = 0;

	if (!file) {
		snprintf(message, SIM_MESSAGE, "cannot be read");
		return false;
	}
	while (sc->nr_lines < MAX_LINES &&
	       fgets(sc->lines[sc->nr_lines].text, LINE, file)) {
		struct line *l = &sc->lines[sc->nr_lines];
		char *save = NULL, *word;

		l->number = ++number;
		if (!strncmp(l->text, "title ", 6))
			snprintf(title, SIM_MESSAGE, "%.*s", (int)strcspn(l->text + 6, "\n"),
				 l->text + 6);
		if (l->text[0] == '#' || !strncmp(l->text, "title ", 6))
			continue;
		for (word = strtok_r(l->text, " \t\n", &save); word && l->words < MAX_WORDS;
		     word = strtok_r(NULL, " \t\n", &save))
			l->word[l->words++] = word;
		if (l->words)
			sc->nr_lines++;
	}
	fclose(file);
	return true;
}

static bool is(const struct line *l, const char *verb)
{
	return !strcmp(l->word[0], verb);
}

/* Everything that is said for the time when @pass passes are over. */
static bool at_pass(struct scenario *sc, u32 pass, bool checks, char *message)
{
	u32 k;

	for (k = 0; k < sc->nr_lines; k++) {
		const struct line *l = &sc->lines[k];
		bool after = is(l, "after") && l->words > 3;

		if (!checks && is(l, "at") && l->words > 2 &&
		    strtoul(l->word[1], NULL, 10) == pass && !happen(sc, l, message))
			return false;
		if (checks && is(l, "expect") && l->words > 2 && pass == sc->passes &&
		    !expect(sc, l, message))
			return false;
		if (checks && after && strtoul(l->word[1], NULL, 10) == pass) {
			struct line rest = *l;

			memmove(rest.word, rest.word + 1, (rest.words - 1) * sizeof(rest.word[0]));
			rest.words--;
			if (!expect(sc, &rest, message))
				return false;
		}
	}
	return true;
}

static bool play(struct scenario *sc, char *message)
{
	u32 k, expectations = 0;

	for (k = 0; k < sc->nr_lines; k++) {
		const struct line *l = &sc->lines[k];

		if (is(l, "expect") || is(l, "after"))
			expectations++;
		else if (!is(l, "at") && !set_up(sc, l, message))
			return false;
	}
	if (!sc->ready || !expectations) {
		snprintf(message, SIM_MESSAGE, "expected nodes and at least one expectation");
		return false;
	}
	while (sc->sim.pass < sc->passes) {
		if (!at_pass(sc, sc->sim.pass, false, message) ||
		    !sim_step(&sc->sim, message) ||
		    !at_pass(sc, sc->sim.pass, true, message)) {
			sim_print(&sc->sim, stdout);
			return false;
		}
	}
	return true;
}

bool scenario_run(const char *path, char title[SIM_MESSAGE], char message[SIM_MESSAGE])
{
	struct scenario *sc = calloc(1, sizeof(*sc));
	bool good;

	if (!sc) {
		snprintf(message, SIM_MESSAGE, "out of memory");
		return false;
	}
	sc->passes = 1;
	good = load(sc, path, title, message) && play(sc, message);
	if (sc->ready)
		sim_free(&sc->sim);
	free(sc);
	return good;
}
