// SPDX-License-Identifier: GPL-2.0-only
/*
 * Test of what instructions are found to use.
 *
 * User space, called by main.c.  The code is as GNU as has assembled it.
 */
#include <stdlib.h>
#include <string.h>
#include "tests.h"
#include "uses.h"

#define NONE	0

/* Register N holds this: no two sums of some are the same. */
#define REG(n)	(0x10000UL << 2 * (n))

enum { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9, R10, R11, R12, R13, R14, R15 };

#define CODE(...)	{ __VA_ARGS__ }, sizeof((u8[]){ __VA_ARGS__ })

static const struct {
	const char *what;
	u64 addr;
	u8 code[15];
	u32 len;
} operands[] = {
	{ "mov (%rax),%rdx", REG(RAX), CODE(0x48, 0x8b, 0x10) },
	{ "mov %rcx,8(%rbx)", REG(RBX) + 8, CODE(0x48, 0x89, 0x4b, 0x08) },
	{ "mov -128(%rbp),%eax", REG(RBP) - 128, CODE(0x8b, 0x45, 0x80) },
	{ "add 0x12345(%rsi),%edi", REG(RSI) + 0x12345, CODE(0x03, 0xbe, 0x45, 0x23, 0x01, 0x00) },
	{ "mov (%rax,%rcx,8),%rdx", REG(RAX) + 8 * REG(RCX), CODE(0x48, 0x8b, 0x14, 0xc8) },
	{ "mov 16(%r12),%rax", REG(R12) + 16, CODE(0x49, 0x8b, 0x44, 0x24, 0x10) },
	{ "mov (%rsp),%rax", REG(RSP), CODE(0x48, 0x8b, 0x04, 0x24) },
	{ "mov 8(%rsp,%r9,4),%r15", REG(RSP) + 4 * REG(R9) + 8, CODE(0x4e, 0x8b, 0x7c, 0x8c, 0x08) },
	{ "mov (%r13),%rax", REG(R13), CODE(0x49, 0x8b, 0x45, 0x00) },
	{ "movzbl (%r14,%r15,1),%eax", REG(R14) + REG(R15), CODE(0x43, 0x0f, 0xb6, 0x04, 0x3e) },
	{ "mov 0x1000(,%rdx,2),%rax", 2 * REG(RDX) + 0x1000,
	  CODE(0x48, 0x8b, 0x04, 0x55, 0x00, 0x10, 0x00, 0x00) },
	{ "lock xadd %rax,(%rdi)", REG(RDI), CODE(0xf0, 0x48, 0x0f, 0xc1, 0x07) },
	{ "movaps 32(%r8),%xmm9", REG(R8) + 32, CODE(0x45, 0x0f, 0x28, 0x48, 0x20) },
	{ "pshufb (%rdx),%xmm1", REG(RDX), CODE(0x66, 0x0f, 0x38, 0x00, 0x0a) },
	{ "palignr $3,(%r10),%xmm2", REG(R10), CODE(0x66, 0x41, 0x0f, 0x3a, 0x0f, 0x12, 0x03) },
	{ "vmovupd (%rax,%r8,8),%ymm0", REG(RAX) + 8 * REG(R8), CODE(0xc4, 0xa1, 0x7d, 0x10, 0x04, 0xc0) },
	{ "vaddps 64(%rsi),%ymm1,%ymm9", REG(RSI) + 64, CODE(0xc5, 0x74, 0x58, 0x4e, 0x40) },
	{ "vfmadd231pd (%r11,%rdx,8),%ymm2,%ymm3", REG(R11) + 8 * REG(RDX),
	  CODE(0xc4, 0xc2, 0xed, 0xb8, 0x1c, 0xd3) },
	{ "vmovdqu64 128(%rax),%zmm16", REG(RAX) + 128, CODE(0x62, 0xe1, 0xfe, 0x48, 0x6f, 0x40, 0x02) },
	{ "vaddpd (%r9){1to8},%zmm1,%zmm2", REG(R9), CODE(0x62, 0xd1, 0xf5, 0x58, 0x58, 0x11) },
	{ "rep movsq", REG(RDI), CODE(0xf3, 0x48, 0xa5) },
	{ "rep stosb", REG(RDI), CODE(0xf3, 0xaa) },
	{ "lodsb", REG(RSI), CODE(0xac) },
	{ "cmpb $0,1(%rsi)", REG(RSI) + 1, CODE(0x80, 0x7e, 0x01, 0x00) },
	{ "call *16(%rax)", REG(RAX) + 16, CODE(0xff, 0x50, 0x10) },
	{ "fldl 8(%rdi)", REG(RDI) + 8, CODE(0xdd, 0x47, 0x08) },
	{ "addw $7,(%rcx)", REG(RCX), CODE(0x66, 0x83, 0x01, 0x07) },

	{ "lea 8(%rax),%rdx", NONE, CODE(0x48, 0x8d, 0x50, 0x08) },
	{ "mov %rax,%rdx", NONE, CODE(0x48, 0x89, 0xc2) },
	{ "mov 0x1234(%rip),%rax", 7 + 0x1234, CODE(0x48, 0x8b, 0x05, 0x34, 0x12, 0x00, 0x00) },
	{ "mov %fs:(%rax),%rdx", NONE, CODE(0x64, 0x48, 0x8b, 0x10) },
	{ "nopl 8(%rax)", NONE, CODE(0x0f, 0x1f, 0x40, 0x08) },
	{ "prefetcht0 (%rax)", NONE, CODE(0x0f, 0x18, 0x08) },
	{ "push %rax", NONE, CODE(0x50) },
	{ "jmp", NONE, CODE(0xeb, 0xfe) },
	{ "call", NONE, CODE(0xe8, 0xfb, 0xff, 0xff, 0xff) },
	{ "vgatherdpd %ymm1,(%rax,%xmm2,8),%ymm3", NONE, CODE(0xc4, 0xe2, 0xf5, 0x92, 0x1c, 0xd0) },
	{ "vzeroupper", NONE, CODE(0xc5, 0xf8, 0x77) },
	{ "bswap %eax", NONE, CODE(0x0f, 0xc8) },
	{ "ret", NONE, CODE(0xc3) },
	{ "syscall", NONE, CODE(0x0f, 0x05) },
	{ "mov $5,%eax", NONE, CODE(0xb8, 0x05, 0x00, 0x00, 0x00) },
	{ "movabs $5,%rax", NONE, CODE(0x48, 0xb8, 0x05) },
};

/*
 * Whether each is decoded, and garbage too without reading behind its end: the bytes are
 * where the sanitizer sees that.
 */
bool operand_run(u64 seed, char message[SIM_MESSAGE])
{
	u64 regs[POLICY_REGS], addr;
	u32 i, k;

	for (i = 0; i < POLICY_REGS; i++)
		regs[i] = REG(i);
	for (i = 0; i < sizeof(operands) / sizeof(operands[0]); i++) {
		struct policy_code code = { .bytes = operands[i].code, .len = operands[i].len };

		addr = NONE;
		if (policy_operands(&code, 0, regs, &addr, 1) != (operands[i].addr != NONE) ||
		    addr != operands[i].addr) {
			snprintf(message, SIM_MESSAGE, "%s: expected %llx, got %llx", operands[i].what,
				 (unsigned long long)operands[i].addr, (unsigned long long)addr);
			return false;
		}
	}
	srandom(seed);
	for (i = 0; i < 200000; i++) {
		u32 len = random() % 65;
		u8 *bytes = malloc(len ?: 1);
		struct policy_code code = { .start = 4096, .bytes = bytes, .len = len };
		u64 addrs[8];

		for (k = 0; k < len; k++)
			bytes[k] = random();
		policy_operands(&code, 4090 + random() % 80, regs, addrs, 8);
		free(bytes);
	}
	return true;
}

/* A loop that is entered at its end: back at its beginning it reads by RDI, and by RDI + RSI. */
bool loop_run(char message[SIM_MESSAGE])
{
	static const u8 bytes[] = {
		0xc5, 0xfe, 0x6f, 0x07,			/* 0: vmovdqu (%rdi),%ymm0 */
		0xc5, 0xfd, 0x74, 0x04, 0x37,		/* 4: vpcmpeqb (%rdi,%rsi),%ymm0,%ymm0 */
		0xc5, 0xfd, 0xd7, 0xc0,			/* 9: vpmovmskb %ymm0,%eax */
		0xff, 0xc0,				/* 13: inc %eax */
		0x75, 0x09,				/* 15: jne 26 */
		0x48, 0x83, 0xef, 0x80,			/* 17: sub $-128,%rdi */
		0x48, 0x39, 0xd7,			/* 21: cmp %rdx,%rdi */
		0x72, 0xe6,				/* 24: jb 0 */
		0xc3,					/* 26: ret */
		0x48, 0x8b, 0x10,			/* 27: mov (%rax),%rdx: not reached */
	};
	struct policy_code code = { .start = 0x400000, .bytes = bytes, .len = sizeof(bytes) };
	u64 regs[POLICY_REGS], addrs[8];
	u32 i, nr;

	for (i = 0; i < POLICY_REGS; i++)
		regs[i] = REG(i);
	nr = policy_operands(&code, 0x400000 + 17, regs, addrs, 8);
	if (nr == 2 && addrs[0] == REG(RDI) && addrs[1] == REG(RDI) + REG(RSI))
		return true;
	snprintf(message, SIM_MESSAGE, "expected a loop to read at two places, got %u", nr);
	return false;
}
