/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The capability table: what of the running kernel knumad could find and verify,
 * and so what it can do.  Built once at load, read-only afterwards but for the
 * capabilities a failing hook takes away.
 */
#ifndef KNUMAD_KERN_CAPABILITY_H
#define KNUMAD_KERN_CAPABILITY_H

#include "calls.h"

enum kn_row_kind {
	KN_KIND_DATA,
	KN_KIND_CALL,
	KN_KIND_HOOK,
	KN_KIND_FIELD,
	KN_KIND_VAR,
};

enum kn_verdict_btf {
	KN_BTF_UNCHECKED,	/* not looked at: the symbol itself was not found */
	KN_BTF_NONE,		/* BTF says nothing about data, old BTF nor about variables */
	KN_BTF_OK,
	KN_BTF_MISSING,
	KN_BTF_DIFFERENT,
};

struct kn_cap_row {
	const char *name;	/* symbol, or structure.member */
	const char *type;	/* structure of a field, else NULL */
	const char *expected;	/* prototype or type as knumad was built for it */
	enum kn_row_kind kind;
	enum kn_capability cap;
	bool other;		/* an alternative to the row before it */
	bool found;
	enum kn_verdict_btf btf;
};

int kn_reach_init(void);
void kn_reach_exit(void);

void kn_bind_original(enum kn_row row, unsigned long addr);

bool kn_capable(enum kn_capability cap);
void kn_capability_lost(enum kn_capability cap);

const struct kn_cap_row *kn_cap_row(enum kn_row row);
bool kn_cap_row_matters(enum kn_row row);
const char *kn_cap_name(enum kn_capability cap);
bool kn_cap_essential(enum kn_capability cap);
const char *kn_cap_without(enum kn_capability cap);

#endif /* KNUMAD_KERN_CAPABILITY_H */
