/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A reader of the running kernel's own type information (vmlinux BTF).
 *
 * Process context, at module load only: it sleeps to allocate its index.
 */
#ifndef KNUMAD_KERN_BTF_H
#define KNUMAD_KERN_BTF_H

#include <linux/types.h>

/* The longest prototype knumad spells out, with room to show a different one. */
#define KN_BTF_TEXT_LEN	192

int kn_btf_open(const void *start, const void *stop);
void kn_btf_close(void);

int kn_btf_func_text(const char *name, char *text, size_t len);
int kn_btf_member(const char *type, const char *member, u32 *offset, char *text, size_t len);
bool kn_btf_has_vars(void);
bool kn_btf_has_var(const char *name);

#endif /* KNUMAD_KERN_BTF_H */
