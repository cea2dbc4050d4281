// SPDX-License-Identifier: GPL-2.0-only
/*
 * The meter's options, as scripts/lab.d/meter.sh gives them, and what a miss costs
 * between each two nodes. Called once, when QEMU loads the plugin; unit.c tests it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "meter.h"

/* Digits only, up to @end_at (a character, or the text's end). */
static bool parse_number(const char **text, char end_at, unsigned long max, uint32_t *value)
{
	char *end;
	unsigned long number = strtoul(*text, &end, 10);

	if (**text < '0' || **text > '9' || (*end != end_at && *end) || number > max)
		return false;
	*value = number;
	*text = *end ? end + 1 : end;
	return true;
}

static const char *parse_distances(struct config *config, const char *text)
{
	for (unsigned int from = 0; from < config->nr_nodes; from++)
		for (unsigned int to = 0; to < config->nr_nodes; to++)
			if (!parse_number(&text, ':', 254, &config->distance[from][to]))
				return "distances: expected a number for each two nodes, like 10:20:20:10";
	return *text ? "distances: expected no more numbers than nodes have pairs" : NULL;
}

/*
 * The nearest remote node costs remote_ns, and distance adds cost linearly: as a node
 * at distance 10 is local, (distance - 10) is what is added for.
 */
void set_miss_costs(struct config *config)
{
	uint32_t nearest = UINT32_MAX;

	for (unsigned int from = 0; from < config->nr_nodes; from++)
		for (unsigned int to = 0; to < config->nr_nodes; to++)
			if (from != to && config->distance[from][to] < nearest)
				nearest = config->distance[from][to];
	for (unsigned int from = 0; from < config->nr_nodes; from++) {
		for (unsigned int to = 0; to < config->nr_nodes; to++) {
			uint64_t extra = config->remote_ns - config->local_ns;

			config->miss_ns[from][to] = config->local_ns;
			if (from != to)
				config->miss_ns[from][to] +=
					extra * (config->distance[from][to] - 10) / (nearest - 10);
		}
	}
}

static const char *check(const struct config *config)
{
	if (!config->dir[0])
		return "dir: expected a directory for the results";
	if (!config->nr_nodes || !config->cpus_per_node ||
	    config->nr_nodes * config->cpus_per_node > MAX_VCPUS)
		return "nodes, cpus: expected 1 to 8 nodes of 1 to 16 CPUs";
	if (!config->local_ns || config->remote_ns < config->local_ns)
		return "local, remote: expected 0 < local <= remote";
	for (unsigned int from = 0; from < config->nr_nodes; from++)
		for (unsigned int to = 0; to < config->nr_nodes; to++)
			if ((from == to) != (config->distance[from][to] == 10) ||
			    config->distance[from][to] < 10)
				return "distances: expected 10 to the node itself, more to others";
	return NULL;
}

static const char *parse_option(struct config *config, const char *name, const char *value)
{
	static const struct {
		const char *name;
		unsigned long max;
		size_t offset;
	} numbers[] = {
		{ "nodes", MAX_NODES, offsetof(struct config, nr_nodes) },
		{ "cpus", 16, offsetof(struct config, cpus_per_node) },
		{ "local", 1000000, offsetof(struct config, local_ns) },
		{ "remote", 1000000, offsetof(struct config, remote_ns) },
		{ "insn", 1000, offsetof(struct config, insn_ns) },
	};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		uint32_t *number = (uint32_t *)((char *)config + numbers[i].offset);

		if (!strcmp(name, numbers[i].name))
			return parse_number(&value, '\0', numbers[i].max, number) ? NULL :
			       "expected a number within its limits";
	}
	if (!strcmp(name, "dir")) {
		if (strlen(value) >= sizeof(config->dir) - 16)
			return "the name is too long";
		strcpy(config->dir, value);
		return NULL;
	}
	/* Comes after nodes. */
	if (!strcmp(name, "distances"))
		return parse_distances(config, value);
	return "no such option";
}

const char *parse_options(struct config *config, int argc, char **argv)
{
	static char message[256];
	const char *wrong;

	for (int i = 0; i < argc; i++) {
		const char *equals = strchr(argv[i], '=');
		char name[16] = "";

		if (!equals || equals - argv[i] >= (long)sizeof(name))
			wrong = "expected NAME=VALUE";
		else
			wrong = parse_option(config, memcpy(name, argv[i], equals - argv[i]),
					     equals + 1);
		if (wrong) {
			snprintf(message, sizeof(message), "option '%.80s': %s", argv[i], wrong);
			return message;
		}
	}
	wrong = check(config);
	if (!wrong)
		set_miss_costs(config);
	return wrong;
}
