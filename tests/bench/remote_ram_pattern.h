/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The contents of remote_ram's buffers: filled once, and with --verify written
 * by the worker threads while others read, so that a page copied or mapped
 * wrongly by a migration is found. User space; fill_pattern() runs in each
 * process's main thread, the rest in its worker threads.
 *
 * Page p of the lower half and page p of the upper half always hold the same.
 * Each pass n (from 1) over a page writes its word n % WORDS_PER_PAGE with
 * pattern_word(p, word, n); words never written hold pass 0. So after any
 * number of passes the whole page is known, and a lost write shows.
 */
#ifndef REMOTE_RAM_PATTERN_H
#define REMOTE_RAM_PATTERN_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define PATTERN_PAGE	4096UL
#define WORDS_PER_PAGE	(PATTERN_PAGE / sizeof(uint64_t))

static inline uint64_t pattern_word(uint64_t page, uint64_t word, uint64_t pass)
{
	return (page + 1) * 0x9e3779b97f4a7c15ULL ^
	       (pass + 1) * 0xc2b2ae3d27d4eb4fULL ^
	       (word + 1) * 0x165667b19e3779f9ULL;
}

static inline void fill_pattern(char *lower, char *upper, size_t half_bytes)
{
	for (size_t page = 0; page < half_bytes / PATTERN_PAGE; page++) {
		uint64_t *words = (uint64_t *)(lower + page * PATTERN_PAGE);

		for (size_t word = 0; word < WORDS_PER_PAGE; word++)
			words[word] = pattern_word(page, word, 0);
	}
	memcpy(upper, lower, half_bytes);
}

/* Returns the number of words that did not hold what pass - WORDS_PER_PAGE left. */
static inline unsigned int write_pattern(char *lower, char *upper, size_t page,
					 uint64_t pass)
{
	size_t word = pass % WORDS_PER_PAGE;
	uint64_t before = pass >= WORDS_PER_PAGE ? pass - WORDS_PER_PAGE : 0;
	uint64_t expected = pattern_word(page, word, before);
	volatile uint64_t *low = (uint64_t *)(lower + page * PATTERN_PAGE) + word;
	volatile uint64_t *high = (uint64_t *)(upper + page * PATTERN_PAGE) + word;
	unsigned int bad = (*low != expected) + (*high != expected);

	*low = pattern_word(page, word, pass);
	*high = pattern_word(page, word, pass);
	return bad;
}

/* Returns the number of words of both copies that are not what `passes` passes left. */
static inline unsigned int check_pattern(const char *lower, const char *upper,
					 size_t page, uint64_t passes)
{
	const uint64_t *low = (const uint64_t *)(lower + page * PATTERN_PAGE);
	const uint64_t *high = (const uint64_t *)(upper + page * PATTERN_PAGE);
	unsigned int bad = 0;

	for (uint64_t word = 0; word < WORDS_PER_PAGE; word++) {
		uint64_t age = (passes - word) % WORDS_PER_PAGE;
		uint64_t last = passes >= word ? passes - age : 0;
		uint64_t expected = pattern_word(page, word, last);

		bad += (low[word] != expected) + (high[word] != expected);
	}
	return bad;
}

#endif
