// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reads types out of the running kernel's BTF, so that no private prototype or
 * structure layout is taken from a header or a version number.
 *
 * Context: process context during module load, single threaded.  kern/capability.c
 * is the only caller; the blob itself is read-only kernel memory that never goes away.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <uapi/linux/btf.h>

#include "btf.h"

/* Kinds by the format's numbers: old headers lack them. */
#define KN_BTF_KIND_FLOAT	16
#define KN_BTF_KIND_DECL_TAG	17
#define KN_BTF_KIND_TYPE_TAG	18
#define KN_BTF_KIND_ENUM64	19

#define KN_BTF_MAX_TYPES	(4U << 20)
#define KN_BTF_MAX_DEPTH	12

static struct {
	const struct btf_type **types;	/* index by type id; [0] is void */
	u32 nr_types;
	const char *strings;
	u32 strings_len;
} kn_btf;

/* By the format of today, which old headers' masks cut short. */
static u32 kn_btf_kind(const struct btf_type *t)
{
	return t->info >> 24 & 0x7f;
}

static u32 kn_btf_vlen(const struct btf_type *t)
{
	return t->info & 0xffffff;
}

/* Bytes that follow the fixed part of a type; -1 for a kind this reader does not know. */
static long kn_btf_tail(const struct btf_type *t)
{
	u32 vlen = kn_btf_vlen(t);

	switch (kn_btf_kind(t)) {
	case BTF_KIND_PTR:
	case BTF_KIND_FWD:
	case BTF_KIND_TYPEDEF:
	case BTF_KIND_VOLATILE:
	case BTF_KIND_CONST:
	case BTF_KIND_RESTRICT:
	case BTF_KIND_FUNC:
	case KN_BTF_KIND_FLOAT:
	case KN_BTF_KIND_TYPE_TAG:
		return 0;
	case BTF_KIND_INT:
	case KN_BTF_KIND_DECL_TAG:
	case BTF_KIND_VAR:
		return sizeof(u32);
	case BTF_KIND_ARRAY:
		return sizeof(struct btf_array);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return vlen * sizeof(struct btf_member);
	case BTF_KIND_ENUM:
		return vlen * sizeof(struct btf_enum);
	case KN_BTF_KIND_ENUM64:
		return vlen * 3 * sizeof(u32);
	case BTF_KIND_FUNC_PROTO:
		return vlen * sizeof(struct btf_param);
	case BTF_KIND_DATASEC:
		return vlen * sizeof(struct btf_var_secinfo);
	default:
		return -1;
	}
}

static const char *kn_btf_name(u32 offset)
{
	return offset < kn_btf.strings_len ? kn_btf.strings + offset : "";
}

static const struct btf_type *kn_btf_type(u32 id)
{
	return id && id < kn_btf.nr_types ? kn_btf.types[id] : NULL;
}

/* Walks the type section once; fills the index when there is one to fill. */
static int kn_btf_index(const void *at, const void *end, const struct btf_type **index)
{
	u32 nr = 1;

	while (at < end) {
		const struct btf_type *t = at;
		long tail;

		if (end - at < (long)sizeof(*t) || nr >= KN_BTF_MAX_TYPES)
			return -EINVAL;
		tail = kn_btf_tail(t);
		if (tail < 0 || end - at < (long)sizeof(*t) + tail)
			return -EINVAL;
		if (index)
			index[nr] = t;
		nr++;
		at += sizeof(*t) + tail;
	}
	return nr;
}

/**
 * kn_btf_open - index the kernel's BTF blob
 * @start: its first byte (__start_BTF)
 * @stop: the byte after its last (__stop_BTF)
 *
 * Return: 0; -EINVAL for a blob this reader does not understand; -ENOMEM.
 */
int kn_btf_open(const void *start, const void *stop)
{
	const struct btf_header *h = start;
	const void *types, *types_end;
	int nr;

	if (stop - start < (long)sizeof(*h) || h->magic != BTF_MAGIC || h->version != 1)
		return -EINVAL;
	types = start + h->hdr_len + h->type_off;
	types_end = types + h->type_len;
	kn_btf.strings = start + h->hdr_len + h->str_off;
	kn_btf.strings_len = h->str_len;
	if (types_end > stop || (const void *)kn_btf.strings + h->str_len > stop ||
	    !h->str_len || kn_btf.strings[h->str_len - 1])
		return -EINVAL;

	nr = kn_btf_index(types, types_end, NULL);
	if (nr < 0)
		return nr;
	kn_btf.types = kvcalloc(nr, sizeof(*kn_btf.types), GFP_KERNEL);
	if (!kn_btf.types)
		return -ENOMEM;
	kn_btf.nr_types = kn_btf_index(types, types_end, kn_btf.types);
	return 0;
}

/**
 * kn_btf_close - free the index; harmless when none is open
 */
void kn_btf_close(void)
{
	kvfree(kn_btf.types);
	memset(&kn_btf, 0, sizeof(kn_btf));
}

static const struct btf_type *kn_btf_find(const char *name, u32 kind)
{
	u32 id;

	for (id = 1; id < kn_btf.nr_types; id++) {
		const struct btf_type *t = kn_btf.types[id];

		if (kn_btf_kind(t) == kind && !strcmp(kn_btf_name(t->name_off), name))
			return t;
	}
	return NULL;
}

/* DWARF spells integer types its own way; the table says them as C does. */
static const char *kn_btf_int_name(const char *dwarf)
{
	static const char * const names[][2] = {
		{ "long unsigned int", "unsigned long" },
		{ "long int", "long" },
		{ "long long unsigned int", "unsigned long long" },
		{ "long long int", "long long" },
		{ "short unsigned int", "unsigned short" },
		{ "short int", "short" },
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(dwarf, names[i][0]))
			return names[i][1];
	return dwarf;
}

/*
 * Appends the C spelling of a type: base name first, then the stars and
 * qualifiers met on the way down to it, outermost last.
 */
static void kn_btf_type_text(u32 id, char *text, size_t len)
{
	const char *suffix[KN_BTF_MAX_DEPTH];
	const char *qualifier = "", *keyword = "", *name = "void";
	const struct btf_type *t;
	int depth = 0;

	for (t = kn_btf_type(id); t && depth < KN_BTF_MAX_DEPTH; t = kn_btf_type(t->type)) {
		u32 kind = kn_btf_kind(t);

		if (kind == BTF_KIND_PTR) {
			suffix[depth++] = "*";
			qualifier = "";
			continue;
		}
		if (kind == BTF_KIND_CONST) {
			qualifier = "const ";
			continue;
		}
		if (kind == BTF_KIND_VOLATILE || kind == BTF_KIND_RESTRICT ||
		    kind == KN_BTF_KIND_TYPE_TAG)
			continue;
		if (kind == BTF_KIND_STRUCT ||
		    (kind == BTF_KIND_FWD && !BTF_INFO_KFLAG(t->info)))
			keyword = "struct ";
		else if (kind == BTF_KIND_UNION || kind == BTF_KIND_FWD)
			keyword = "union ";
		else if (kind == BTF_KIND_ENUM || kind == KN_BTF_KIND_ENUM64)
			keyword = "enum ";
		name = kind == BTF_KIND_FUNC_PROTO ? "function" :
			kn_btf_int_name(kn_btf_name(t->name_off));
		break;
	}
	strlcat(text, qualifier, len);
	strlcat(text, keyword, len);
	strlcat(text, name, len);
	if (depth)
		strlcat(text, " ", len);
	while (depth--)
		strlcat(text, suffix[depth], len);
}

/**
 * kn_btf_func_text - spell a kernel function's prototype
 * @name: the function
 * @text: receives "ret (type, type)", without parameter names
 * @len: room in @text, bytes
 *
 * Return: 0, or -ENOENT where the BTF does not describe the function.
 */
int kn_btf_func_text(const char *name, char *text, size_t len)
{
	const struct btf_type *func = kn_btf_find(name, BTF_KIND_FUNC);
	const struct btf_type *proto = func ? kn_btf_type(func->type) : NULL;
	const struct btf_param *params;
	u32 i, nr;

	if (!proto || kn_btf_kind(proto) != BTF_KIND_FUNC_PROTO)
		return -ENOENT;
	params = (const struct btf_param *)(proto + 1);
	nr = kn_btf_vlen(proto);

	text[0] = 0;
	kn_btf_type_text(proto->type, text, len);
	strlcat(text, " (", len);
	for (i = 0; i < nr; i++) {
		if (i)
			strlcat(text, ", ", len);
		kn_btf_type_text(params[i].type, text, len);
	}
	strlcat(text, nr ? ")" : "void)", len);
	return 0;
}

/**
 * kn_btf_member - locate a direct member of a structure
 * @type: the structure's name
 * @member: the member's name
 * @offset: receives its offset in bytes
 * @text: receives the spelling of its type
 * @len: room in @text, bytes
 *
 * Return: 0; -ENOENT without such a member; -EINVAL for a bit field.
 */
int kn_btf_member(const char *type, const char *member, u32 *offset, char *text, size_t len)
{
	const struct btf_type *t = kn_btf_find(type, BTF_KIND_STRUCT);
	const struct btf_member *m;
	u32 i;

	if (!t)
		return -ENOENT;
	m = (const struct btf_member *)(t + 1);
	for (i = 0; i < kn_btf_vlen(t); i++) {
		u32 bits = m[i].offset;

		if (strcmp(kn_btf_name(m[i].name_off), member))
			continue;
		if (BTF_INFO_KFLAG(t->info)) {
			if (BTF_MEMBER_BITFIELD_SIZE(bits))
				return -EINVAL;
			bits = BTF_MEMBER_BIT_OFFSET(bits);
		}
		*offset = bits / 8;
		text[0] = 0;
		kn_btf_type_text(m[i].type, text, len);
		return 0;
	}
	return -ENOENT;
}

/**
 * kn_btf_has_vars - whether the BTF describes variables at all; old pahole left them out
 */
bool kn_btf_has_vars(void)
{
	u32 id;

	for (id = 1; id < kn_btf.nr_types; id++)
		if (kn_btf_kind(kn_btf.types[id]) == BTF_KIND_VAR)
			return true;
	return false;
}

/**
 * kn_btf_has_var - whether the BTF describes a (per-CPU) variable of this name
 * @name: the variable
 */
bool kn_btf_has_var(const char *name)
{
	return kn_btf_find(name, BTF_KIND_VAR);
}
