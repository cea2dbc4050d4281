/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel's sort() for user space: a heap sort too, so that the benchmark's
 * times mean something for the module.
 */
#ifndef SHIM_LINUX_SORT_H
#define SHIM_LINUX_SORT_H

#include <string.h>
#include <linux/types.h>

static inline void shim_swap(char *a, char *b, size_t size)
{
	char tmp[64];

	memcpy(tmp, a, size);
	memcpy(a, b, size);
	memcpy(b, tmp, size);
}

static inline void shim_sift(char *base, size_t root, size_t n, size_t size,
			     int (*cmp)(const void *, const void *))
{
	size_t child;

	while ((child = 2 * root + 1) < n) {
		if (child + 1 < n && cmp(base + child * size, base + (child + 1) * size) < 0)
			child++;
		if (cmp(base + root * size, base + child * size) >= 0)
			return;
		shim_swap(base + root * size, base + child * size, size);
		root = child;
	}
}

static inline void sort(void *array, size_t n, size_t size,
			int (*cmp)(const void *, const void *), void *swap)
{
	char *base = array;
	size_t k;

	(void)swap;
	for (k = n / 2; k-- > 0;)
		shim_sift(base, k, n, size, cmp);
	for (k = n; k-- > 1;) {
		shim_swap(base, base + k * size, size);
		shim_sift(base, 0, k, size, cmp);
	}
}

#endif
