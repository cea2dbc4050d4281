/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What kvm_guest's vCPUs run: part of that program, assembled with it and copied into the
 * VM's memory.
 */
#ifndef KVM_GUEST_CODE_H
#define KVM_GUEST_CODE_H

/*
 * Protected mode, no paging. esi, edi: the vCPU's part, ebp: its status, ebx: the pass.
 * The first word of each line becomes its own address, xor the pass.
 */
extern const char guest_code[], guest_code_end[];
asm(".pushsection .rodata\n"
	".code32\n"
	"guest_code:\n"
	"1:	movl %esi, %ecx\n"
	"2:	movl %ecx, %eax\n"
	"	xorl %ebx, %eax\n"
	"	movl %eax, (%ecx)\n"
	"	addl $64, %ecx\n"
	"	cmpl %edi, %ecx\n"
	"	jb 2b\n"
	"	movl %esi, %ecx\n"
	"3:	movl %ecx, %eax\n"
	"	xorl %ebx, %eax\n"
	"	cmpl %eax, (%ecx)\n"
	"	jne 4f\n"
	"	addl $64, %ecx\n"
	"	cmpl %edi, %ecx\n"
	"	jb 3b\n"
	"	movl %ebx, (%ebp)\n"
	"	cmpl $0, 8(%ebp)\n"
	"	jne 5f\n"
	"	incl %ebx\n"
	"	jmp 1b\n"
	"4:	movl %ecx, 4(%ebp)\n"
	"5:	hlt\n"
	"guest_code_end:\n"
	".code64\n"
	".popsection\n");

#endif
