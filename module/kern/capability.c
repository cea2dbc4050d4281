// SPDX-License-Identifier: GPL-2.0-only
/*
 * Finds every private symbol and field knumad uses, checks it against the running
 * kernel's BTF, and decides from that which capabilities work.
 *
 * Context: kn_reach_init/exit run in process context at module load and unload,
 * single threaded.  kn_capable() may be asked from any context.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/kprobes.h>
#include <linux/printk.h>
#include <linux/string.h>
#include <linux/utsname.h>

#include "../compat/kernel.h"
#include "btf.h"
#include "capability.h"
#include "fault.h"

#define KN_DEFINE_CALL(name, ret, params, cap) \
	DEFINE_STATIC_CALL_NULL(kn_##name, kn_fn_##name);
#define KN_DEFINE_OTHER(key, name, ret, params, cap) \
	DEFINE_STATIC_CALL_NULL(kn_##key, kn_fn_##key);
KN_CALLS(KN_DEFINE_CALL, KN_DEFINE_OTHER)
KN_HOOKS(KN_DEFINE_CALL, KN_DEFINE_OTHER)

unsigned long kn_row_value[KN_NR_ROWS] __ro_after_init;
bool kn_row_used[KN_NR_ROWS] __ro_after_init;

#define KN_DEFINE_ROW(row, ...)	[KN_ROW_##row] = { __VA_ARGS__ },
#define KN_FUNC_ROW(key, sym, ret, params, needs, ...) \
	KN_DEFINE_ROW(key, .name = #sym, .expected = #ret " " #params, \
		      .cap = KN_CAP_##needs, __VA_ARGS__)
#define KN_CALL_ROW(sym, ret, params, needs) \
	KN_FUNC_ROW(sym, sym, ret, params, needs, .kind = KN_KIND_CALL)
#define KN_OTHER_CALL_ROW(key, sym, ret, params, needs) \
	KN_FUNC_ROW(key, sym, ret, params, needs, .kind = KN_KIND_CALL, .other = true)
#define KN_HOOK_ROW(sym, ret, params, needs) \
	KN_FUNC_ROW(sym, sym, ret, params, needs, .kind = KN_KIND_HOOK)
#define KN_OTHER_HOOK_ROW(key, sym, ret, params, needs) \
	KN_FUNC_ROW(key, sym, ret, params, needs, .kind = KN_KIND_HOOK, .other = true)
#define KN_FIELD_ROW(owner, member, ctype, needs) \
	KN_DEFINE_ROW(owner##_##member, .name = #member, .type = #owner, \
		      .expected = #ctype, .kind = KN_KIND_FIELD, .cap = KN_CAP_##needs)
#define KN_VAR_ROW(sym, needs) \
	KN_DEFINE_ROW(sym, .name = #sym, .expected = "per-CPU variable", \
		      .kind = KN_KIND_VAR, .cap = KN_CAP_##needs)
#define KN_DATA_ROW(sym, needs) \
	KN_DEFINE_ROW(sym, .name = #sym, .expected = "data", \
		      .kind = KN_KIND_DATA, .cap = KN_CAP_##needs)

static struct kn_cap_row kn_rows[KN_NR_ROWS] = {
	KN_DATA(KN_DATA_ROW)
	KN_CALLS(KN_CALL_ROW, KN_OTHER_CALL_ROW)
	KN_HOOKS(KN_HOOK_ROW, KN_OTHER_HOOK_ROW)
	KN_FIELDS(KN_FIELD_ROW)
	KN_VARS(KN_VAR_ROW)
};

static struct {
	const char *name;
	bool essential;
	const char *without;	/* what an operator loses with it */
	bool lost;
} kn_caps[KN_NR_CAPS] = {
	[KN_CAP_REACH] = { "reach", true, "knumad cannot look at this kernel" },
	[KN_CAP_SCAN] = { "scan", true, "knumad cannot learn where memory is" },
	[KN_CAP_BIAS] = { "bias", false, "the load balancer is not biased: mode cpu is off" },
	[KN_CAP_MOVE] = { "move", false, "running threads are not moved: mode cpu is off" },
	[KN_CAP_MIGRATE] = { "migrate", false, "memory is not moved: mode memory is off" },
	[KN_CAP_CACHE] = { "cache", false, "page cache is moved out of the way, never dropped" },
	[KN_CAP_QUOTA] = { "quota", false, "on a busy node what a CPU quota holds back counts" },
	[KN_CAP_YOUNG] = { "young", false, "what KVM guests access does not count as active" },
};

/**
 * kn_capable - whether all a capability needs was found and verified
 * @cap: the capability
 */
bool kn_capable(enum kn_capability cap)
{
	return !READ_ONCE(kn_caps[cap].lost);
}

/**
 * kn_capability_lost - switch a capability off for as long as the module is loaded
 * @cap: the capability
 */
void kn_capability_lost(enum kn_capability cap)
{
	WRITE_ONCE(kn_caps[cap].lost, true);
}

const struct kn_cap_row *kn_cap_row(enum kn_row row)
{
	return &kn_rows[row];
}

/**
 * kn_cap_row_matters - whether a row is worth showing
 * @row: the row
 *
 * Return: false for a form of something that another kernel has and this one does not
 * need, because it has another form.
 */
bool kn_cap_row_matters(enum kn_row row)
{
	int first = row, at;

	while (kn_rows[first].other)
		first--;
	for (at = first; at < KN_NR_ROWS && (at == first || kn_rows[at].other); at++)
		if (kn_row_used[at])
			return kn_row_used[row];
	return true;
}

const char *kn_cap_name(enum kn_capability cap)
{
	return kn_caps[cap].name;
}

bool kn_cap_essential(enum kn_capability cap)
{
	return kn_caps[cap].essential;
}

const char *kn_cap_without(enum kn_capability cap)
{
	return kn_caps[cap].without;
}

/* Points the static call of a row at @addr. */
static void kn_bind(enum kn_row row, unsigned long addr)
{
	switch (row) {
#define KN_BIND(key, ...) \
	case KN_ROW_##key: \
		static_call_update(kn_##key, (typeof(&STATIC_CALL_TRAMP(kn_##key)))addr); \
		break;
	KN_CALLS(KN_BIND, KN_BIND)
	KN_HOOKS(KN_BIND, KN_BIND)
	default:
		break;
	}
}

/**
 * kn_bind_original - let KN_CALL() of a hooked function enter it past its hook
 * @row: the hooked function's row
 * @addr: the instruction after its patched call
 */
void kn_bind_original(enum kn_row row, unsigned long addr)
{
	kn_bind(row, addr);
}

/*
 * kallsyms_lookup_name() is not exported; a kprobe names its address.  On kernels with
 * IBT that address is past the ENDBR, so the function is asked for its own start.
 */
static int kn_find_kallsyms(void)
{
	struct kprobe kp = { .symbol_name = "kallsyms_lookup_name" };
	unsigned long addr;
	int err = register_kprobe(&kp);

	if (!err && kn_fault(&kn_rows[KN_ROW_kallsyms_lookup_name], KN_FAULT_MISSING)) {
		unregister_kprobe(&kp);
		err = -ENOENT;
	}
	if (err) {
		pr_err("not loaded: expected a kprobe to find kallsyms_lookup_name, got error %d: CONFIG_KPROBES and CONFIG_KALLSYMS are needed\n",
		       err);
		return err;
	}
	addr = (unsigned long)kp.addr;
	unregister_kprobe(&kp);

	kn_bind(KN_ROW_kallsyms_lookup_name, addr);
	addr = KN_CALL(kallsyms_lookup_name)("kallsyms_lookup_name");
	if (!addr) {
		pr_err("not loaded: expected kallsyms_lookup_name to find itself, found nothing: this kernel's symbol table cannot be read\n");
		return -ENOENT;
	}
	kn_bind(KN_ROW_kallsyms_lookup_name, addr);
	return 0;
}

/*
 * A compiler may leave part of a function's callers calling a split-off copy, which it may
 * split once more; an entry hook would miss those.  Spells such a copy's name into @sibling.
 */
static bool kn_is_split(const struct kn_cap_row *r, char *sibling, size_t len)
{
	static const char * const suffix[] = { "", ".part.0", ".isra.0", ".constprop.0" };
	int i, k;

	for (i = 1; i < ARRAY_SIZE(suffix); i++) {
		for (k = 0; k < ARRAY_SIZE(suffix); k++) {
			if (k == i)
				continue;
			snprintf(sibling, len, "%s%s%s", r->name, suffix[i], suffix[k]);
			if (KN_CALL(kallsyms_lookup_name)(sibling) || kn_fault(r, KN_FAULT_SPLIT))
				return true;
		}
	}
	return false;
}

/*
 * The checks of a row: each true where all is well, else with the reason in @found, as
 * text for the log, and in the row, for debugfs.
 */
static bool kn_check_func(struct kn_cap_row *r, char *found)
{
	if (kn_btf_func_text(r->name, found, KN_BTF_TEXT_LEN)) {
		r->btf = KN_BTF_MISSING;
		strscpy(found, "no BTF for it", KN_BTF_TEXT_LEN);
		return false;
	}
	if (kn_fault(r, KN_FAULT_DIFFERENT))
		strscpy(found, "another prototype (fault parameter)", KN_BTF_TEXT_LEN);
	r->btf = strcmp(found, r->expected) ? KN_BTF_DIFFERENT : KN_BTF_OK;
	return r->btf == KN_BTF_OK;
}

static bool kn_check_var(struct kn_cap_row *r, char *found)
{
	if (kn_fault(r, KN_FAULT_DIFFERENT))
		r->btf = KN_BTF_MISSING;
	else if (!kn_btf_has_vars())
		r->btf = KN_BTF_NONE;
	else
		r->btf = kn_btf_has_var(r->name) ? KN_BTF_OK : KN_BTF_MISSING;
	strscpy(found, "no BTF for it", KN_BTF_TEXT_LEN);
	return r->btf != KN_BTF_MISSING;
}

static bool kn_check_field(enum kn_row row, char *found)
{
	struct kn_cap_row *r = &kn_rows[row];
	u32 offset;

	r->found = !kn_btf_member(r->type, r->name, &offset, found, KN_BTF_TEXT_LEN) &&
		   !kn_fault(r, KN_FAULT_MISSING);
	if (!r->found) {
		r->btf = KN_BTF_MISSING;
		strscpy(found, "no such field", KN_BTF_TEXT_LEN);
		return false;
	}
	kn_row_value[row] = offset;
	if (kn_fault(r, KN_FAULT_DIFFERENT))
		strscpy(found, "another type (fault parameter)", KN_BTF_TEXT_LEN);
	r->btf = strcmp(found, r->expected) ? KN_BTF_DIFFERENT : KN_BTF_OK;
	return r->btf == KN_BTF_OK;
}

static bool kn_check_symbol(enum kn_row row, char *found)
{
	struct kn_cap_row *r = &kn_rows[row];

	if (!kn_fault(r, KN_FAULT_MISSING))
		kn_row_value[row] = KN_CALL(kallsyms_lookup_name)(r->name);
	if (!kn_row_value[row]) {
		strscpy(found, "no such symbol", KN_BTF_TEXT_LEN);
		return false;
	}
	if (r->kind == KN_KIND_HOOK && kn_is_split(r, found, KN_BTF_TEXT_LEN))
		return false;
	r->found = true;
	if (r->kind == KN_KIND_VAR)
		return kn_check_var(r, found);
	if (r->kind != KN_KIND_DATA)
		return kn_check_func(r, found);
	r->btf = KN_BTF_NONE;
	return true;
}

static bool kn_check_row(enum kn_row row, char *found)
{
	if (kn_rows[row].kind == KN_KIND_FIELD)
		return kn_check_field(row, found);
	return kn_check_symbol(row, found);
}

/* Takes a row's capability away, and says in one line why and what is lost. */
static void kn_lose(const struct kn_cap_row *r, bool others, const char *found)
{
	bool essential = kn_caps[r->cap].essential;

	kn_caps[r->cap].lost = true;
	printk("%s" pr_fmt("%s %s%s%s: expected %s%s, found %s: %s\n"),
	       essential ? KERN_ERR : KERN_WARNING, essential ? "not loaded" : "degraded",
	       r->type ?: "", r->type ? "." : "", r->name, r->expected,
	       others ? " or another known form" : "", found, kn_caps[r->cap].without);
}

/*
 * Finds the first good one of the rows from @row on that stand for the same thing.  If
 * there is none, what was found for the first that exists at all is reported.  Returns
 * the row behind them.
 */
static int kn_find(int row)
{
	char found[KN_BTF_TEXT_LEN], reported[KN_BTF_TEXT_LEN];
	int first = row, report = row;
	bool good = false;

	do {
		if (!good) {
			good = kn_check_row(row, found);
			kn_row_used[row] = good;
			if (row == first || (kn_rows[row].found && !kn_rows[report].found)) {
				report = row;
				strscpy(reported, found, sizeof(reported));
			}
			if (good && kn_rows[row].kind == KN_KIND_CALL)
				kn_bind(row, kn_row_value[row]);
		}
	} while (++row < KN_NR_ROWS && kn_rows[row].other);
	if (!good)
		kn_lose(&kn_rows[report], row - first > 1, reported);
	return row;
}

/* The kernel's own type information: everything else is checked against it. */
static int kn_find_btf(void)
{
	int err;

	kn_find(KN_ROW___start_BTF);
	if (kn_capable(KN_CAP_REACH))
		kn_find(KN_ROW___stop_BTF);
	if (!kn_capable(KN_CAP_REACH))
		return -ENOENT;
	err = kn_btf_open((void *)kn_row_value[KN_ROW___start_BTF],
			  (void *)kn_row_value[KN_ROW___stop_BTF]);
	if (err)
		pr_err("not loaded: expected readable type information (BTF) in this kernel, got error %d\n",
		       err);
	return err;
}

/**
 * kn_reach_init - look up and verify everything the tables name
 *
 * Return: 0 when all that is essential works (the rest may be degraded, see
 * kn_capable()); a negative error, with the reason logged, otherwise.
 */
int kn_reach_init(void)
{
	int row, cap, err = kn_fault_check() ?: kn_find_kallsyms() ?: kn_find_btf();

	if (err)
		return err;
	for (row = KN_ROW___stop_BTF + 1; row < KN_NR_ROWS;)
		row = kn_find(row);
	kn_btf_close();
	for (cap = 0; cap < KN_NR_CAPS; cap++)
		if (kn_caps[cap].essential && kn_caps[cap].lost)
			return -ENOENT;
	if (kn_kernel_is_untested())
		pr_notice("Linux %s is of no series that knumad was tested on (these are%s): all that is essential was found and verified\n",
			  init_utsname()->release, KN_TESTED_NAMES);
	return 0;
}

/**
 * kn_reach_exit - nothing is held after load; the static calls die with the module
 */
void kn_reach_exit(void)
{
}
