// SPDX-License-Identifier: GPL-2.0-only
/*
 * What memory x86-64 code is about to use: the operands of the next instructions.
 *
 * Called for each thread that was seen somewhere, with the code around there and its
 * registers.  The code is followed for some instructions, back into a loop too, but nothing
 * is executed: registers that it changes on the way keep the value they had.  In a loop that
 * is off by a step or some, which for the node of a page hardly matters.
 */
#include <linux/kernel.h>
#include "uses.h"

/* So many instructions are looked at, from where a thread is. */
#define MAX_STEPS	24

/* Opcode maps, by the number that VEX and EVEX give them. */
enum opcode_map {
	MAP_ONE_BYTE,
	MAP_0F,
	MAP_0F38,
	MAP_0F3A,
};

enum {
	RSP = 4,
	RBP = 5,
	RSI = 6,
	RDI = 7,
};

#define NO_REG	POLICY_REGS

struct insn {
	const u8 *at;		/* what is read next */
	const u8 *end;
	u8 map;
	u8 opcode;
	u8 modrm;
	bool wide;		/* REX.W */
	bool narrow;		/* 66: 16-bit operands */
	bool vector;		/* VEX or EVEX */
	bool elsewhere;		/* an operand is in FS, GS, or has a 32-bit address */
	u8 base_high;		/* 8 if the prefix says that the register is one of the new ones */
	u8 index_high;
	u8 disp8_scale;

	bool memory;		/* it has an operand in memory that can be told: */
	bool relative;		/* to the end of the instruction */
	u8 base;		/* or NO_REG */
	u8 index;
	u8 shift;
	s64 disp;
	s64 imm;		/* signed: a jump's distance */
};

/* Little endian, sign extended; at most 8 bytes. */
static bool take(struct insn *in, u32 bytes, s64 *value)
{
	u64 sum = 0;
	u32 i;

	if ((size_t)(in->end - in->at) < bytes)
		return false;
	for (i = 0; i < bytes; i++)
		sum |= (u64)*in->at++ << (8 * i);
	*value = bytes && bytes < 8 ? (s64)(sum << (64 - 8 * bytes)) >> (64 - 8 * bytes) : (s64)sum;
	return true;
}

static bool take_byte(struct insn *in, u8 *byte)
{
	if (in->at == in->end)
		return false;
	*byte = *in->at++;
	return true;
}

static bool is_prefix(struct insn *in, u8 byte)
{
	switch (byte) {
	case 0x66:
		in->narrow = true;
		return true;
	case 0x64: case 0x65: case 0x67:
		in->elsewhere = true;
		return true;
	case 0x26: case 0x2e: case 0x36: case 0x3e:
	case 0xf0: case 0xf2: case 0xf3:
		return true;
	}
	return false;
}

/* The bytes behind VEX's or EVEX's first one, registers and map, and the opcode. */
static bool take_vector(struct insn *in, u8 first)
{
	u32 left = first == 0x62 ? 2 : first == 0xc4;
	u8 byte, skipped;

	in->vector = true;
	in->map = MAP_0F;
	if (!take_byte(in, &byte))
		return false;
	if (first != 0xc5) {
		in->map = byte & (first == 0x62 ? 0x7 : 0x1f);
		in->index_high = byte & 0x40 ? 0 : 8;
		in->base_high = byte & 0x20 ? 0 : 8;
	}
	/* EVEX counts a short displacement in vectors; a wrong length makes some KiB. */
	if (first == 0x62)
		in->disp8_scale = 64;
	while (left--)
		if (!take_byte(in, &skipped))
			return false;
	return take_byte(in, &in->opcode);
}

static bool take_opcode(struct insn *in)
{
	u8 byte;

	do {
		if (!take_byte(in, &byte))
			return false;
	} while (is_prefix(in, byte));
	if (byte == 0xc4 || byte == 0xc5 || byte == 0x62)
		return take_vector(in, byte);
	if ((byte & 0xf0) == 0x40) {
		in->wide = byte & 8;
		in->index_high = byte & 2 ? 8 : 0;
		in->base_high = byte & 1 ? 8 : 0;
		if (!take_byte(in, &byte))
			return false;
	}
	in->opcode = byte;
	if (byte != 0x0f)
		return true;
	in->map = MAP_0F;
	if (!take_byte(in, &in->opcode))
		return false;
	if (in->opcode != 0x38 && in->opcode != 0x3a)
		return true;
	in->map = in->opcode == 0x38 ? MAP_0F38 : MAP_0F3A;
	return take_byte(in, &in->opcode);
}

static bool one_byte_has_modrm(u8 op)
{
	if (op < 0x40)
		return (op & 7) < 4;
	switch (op) {
	case 0x63: case 0x69: case 0x6b:
	case 0x80 ... 0x8f:
	case 0xc0: case 0xc1: case 0xc6: case 0xc7:
	case 0xd0 ... 0xd3: case 0xd8 ... 0xdf:
	case 0xf6: case 0xf7: case 0xfe: case 0xff:
		return true;
	}
	return false;
}

static bool two_byte_has_modrm(u8 op)
{
	switch (op) {
	case 0x05 ... 0x0c: case 0x0e:
	case 0x30 ... 0x37: case 0x77:
	case 0x80 ... 0x8f:			/* jumps */
	case 0xa0 ... 0xa2: case 0xa8 ... 0xaa:
	case 0xc8 ... 0xcf:			/* bswap */
		return false;
	}
	return true;
}

static bool has_modrm(const struct insn *in)
{
	switch (in->map) {
	case MAP_ONE_BYTE:
		return one_byte_has_modrm(in->opcode);
	case MAP_0F:
		return two_byte_has_modrm(in->opcode);
	}
	return true;
}

/* lea, prefetches and long nops use nothing; gathers use what their registers do not tell. */
static bool uses_memory(const struct insn *in)
{
	switch (in->map) {
	case MAP_ONE_BYTE:
		return in->opcode != 0x8d;
	case MAP_0F:
		return in->opcode != 0x0d && (in->opcode < 0x18 || in->opcode > 0x1f);
	case MAP_0F38:
		return !in->vector || !((in->opcode >= 0x90 && in->opcode <= 0x93) ||
					(in->opcode >= 0xa0 && in->opcode <= 0xa3) ||
					in->opcode == 0xc6 || in->opcode == 0xc7);
	}
	return true;
}

/* ModRM, SIB and displacement. */
static bool take_operand(struct insn *in)
{
	u8 mod, base, sib;

	if (!take_byte(in, &in->modrm))
		return false;
	mod = in->modrm >> 6;
	base = in->modrm & 7;
	if (mod == 3)
		return true;
	in->memory = uses_memory(in) && !in->elsewhere;
	if (base == RSP) {
		if (!take_byte(in, &sib))
			return false;
		base = sib & 7;
		in->index = (sib >> 3 & 7) | in->index_high;
		if (in->index == RSP)
			in->index = NO_REG;
		in->shift = sib >> 6;
		if (mod == 0 && base == RBP)
			return take(in, 4, &in->disp);
	} else if (mod == 0 && base == RBP) {
		in->relative = true;
		return take(in, 4, &in->disp);
	}
	in->base = base | in->base_high;
	if (mod == 1) {
		if (!take(in, 1, &in->disp))
			return false;
		in->disp *= in->disp8_scale;
		return true;
	}
	return mod == 0 || take(in, 4, &in->disp);
}

static u32 one_byte_imm(const struct insn *in)
{
	u32 full = in->narrow ? 2 : 4;
	u8 op = in->opcode;

	if (op < 0x40)
		return (op & 7) == 4 ? 1 : (op & 7) == 5 ? full : 0;
	switch (op) {
	case 0x6a: case 0x6b: case 0x70 ... 0x7f: case 0x80: case 0x82: case 0x83:
	case 0xa8: case 0xb0 ... 0xb7: case 0xc0: case 0xc1: case 0xc6: case 0xcd:
	case 0xe0 ... 0xe7: case 0xeb:
		return 1;
	case 0xc2: case 0xca:
		return 2;
	case 0xc8:
		return 3;
	case 0xe8: case 0xe9:
		return 4;
	case 0x68: case 0x69: case 0x81: case 0xa9: case 0xc7:
		return full;
	case 0xb8 ... 0xbf:
		return in->wide ? 8 : full;
	case 0xa0 ... 0xa3:
		return 8;
	case 0xf6:
		return (in->modrm >> 3 & 7) < 2;
	case 0xf7:
		return (in->modrm >> 3 & 7) < 2 ? full : 0;
	}
	return 0;
}

static u32 imm_bytes(const struct insn *in)
{
	switch (in->map) {
	case MAP_ONE_BYTE:
		return one_byte_imm(in);
	case MAP_0F:
		switch (in->opcode) {
		case 0x80 ... 0x8f:
			return 4;
		case 0x70 ... 0x73: case 0xa4: case 0xac: case 0xba: case 0xc2:
		case 0xc4 ... 0xc6:
			return 1;
		}
		return 0;
	case MAP_0F3A:
		return 1;
	}
	return 0;
}

/* String instructions have no operand byte: the register that they write, or else read, at. */
static void string_operand(struct insn *in)
{
	if (in->map != MAP_ONE_BYTE || in->elsewhere)
		return;
	switch (in->opcode) {
	case 0xa4: case 0xa5: case 0xaa: case 0xab: case 0xae: case 0xaf:
		in->base = RDI;
		in->memory = true;
		break;
	case 0xa6: case 0xa7: case 0xac: case 0xad:
		in->base = RSI;
		in->memory = true;
		break;
	}
}

static bool decode(struct insn *in, const u8 *code, const u8 *end)
{
	*in = (struct insn) {
		.at = code,
		.end = end,
		.disp8_scale = 1,
		.base = NO_REG,
		.index = NO_REG,
	};
	if (!take_opcode(in))
		return false;
	string_operand(in);
	if (has_modrm(in) && !take_operand(in))
		return false;
	return take(in, imm_bytes(in), &in->imm);
}

/* @next: address of the instruction behind it. */
static u64 operand_address(const struct insn *in, const u64 *regs, u64 next)
{
	u64 sum = in->disp;

	if (in->relative)
		sum += next;
	if (in->base != NO_REG)
		sum += regs[in->base];
	if (in->index != NO_REG)
		sum += regs[in->index] << in->shift;
	return sum;
}

/* Whether the way goes on at a place that the code does not tell. */
static bool leaves(const struct insn *in)
{
	if (in->map == MAP_0F)
		return in->opcode == 0x05 || in->opcode == 0x0b;	/* syscall, ud2 */
	if (in->map != MAP_ONE_BYTE)
		return false;
	switch (in->opcode) {
	case 0xc2: case 0xc3: case 0xcc: case 0xe8: case 0xf4:
		return true;
	case 0xff:
		return (in->modrm >> 3 & 7) >= 2 && (in->modrm >> 3 & 7) <= 5;
	}
	return false;
}

/* Whether it jumps: always, or back to what is a loop. */
static bool jumps(const struct insn *in)
{
	bool maybe = (in->map == MAP_0F && in->opcode >= 0x80 && in->opcode <= 0x8f) ||
		     (in->map == MAP_ONE_BYTE && in->opcode >= 0x70 && in->opcode <= 0x7f);

	if (maybe)
		return in->imm < 0;
	return in->map == MAP_ONE_BYTE && (in->opcode == 0xe9 || in->opcode == 0xeb);
}

/**
 * policy_operands() - addresses that code reads or writes next
 * @code: the code around, as far as it is known
 * @ip: address of the next instruction
 * @regs: [POLICY_REGS] rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8 to r15
 * @addrs: receives them
 * @max: room in @addrs
 *
 * Return: how many were found.
 */
u32 policy_operands(const struct policy_code *code, u64 ip, const u64 *regs, u64 *addrs, u32 max)
{
	u64 at = ip;
	u32 step, nr = 0;

	for (step = 0; step < MAX_STEPS && nr < max; step++) {
		const u8 *byte = code->bytes + (at - code->start);
		struct insn in;

		if (at - code->start >= code->len || !decode(&in, byte, code->bytes + code->len))
			break;
		at += in.at - byte;
		if (in.memory)
			addrs[nr++] = operand_address(&in, regs, at);
		if (leaves(&in))
			break;
		if (jumps(&in))
			at += in.imm;
		if (at == ip)
			break;
	}
	return nr;
}
