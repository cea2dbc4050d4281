# SPDX-License-Identifier: GPL-2.0-only
#
# Looks for a row of the capability table in a kernel's symbols and types, and judges it,
# both as module/kern/capability.c does. Used by scripts/survey; Btf has been loaded.
package Rows;
use strict;
use warnings;
use Btf;

# Names of the copies that a compiler splits off a function, whose callers a hook misses.
sub siblings {
	my ($row) = @_;
	my @suffix = qw(.part.0 .isra.0 .constprop.0);
	return () if $row->{kind} ne 'hook';
	return map { my $first = $_; map { "$row->{name}$first$_" } '', grep { $_ ne $first } @suffix } @suffix;
}

# Each sets the row's found and btf; returns what was found instead, undef if all is well.
sub check_func {
	my ($row) = @_;
	my $text = Btf::func_text($row->{name});
	$row->{btf} = !defined $text ? 'missing' : $text eq $row->{expected} ? 'ok' : 'different';
	return $row->{btf} eq 'ok' ? undef : $text // 'no BTF for it';
}

sub check_var {
	my ($row) = @_;
	$row->{btf} = !Btf::has_vars() ? 'none' : Btf::has_var($row->{name}) ? 'ok' : 'missing';
	return $row->{btf} eq 'missing' ? 'no BTF for it' : undef;
}

sub check_field {
	my ($row) = @_;
	my $text = Btf::member_text($row->{type}, $row->{member});
	$row->{found} = defined $text;
	$row->{btf} = !defined $text ? 'missing' : $text eq $row->{expected} ? 'ok' : 'different';
	return $row->{btf} eq 'ok' ? undef : $text // 'no such field';
}

sub check_row {
	my ($row, $symbols) = @_;
	return check_field($row) if $row->{kind} eq 'field';
	return 'no such symbol' unless $symbols->{$row->{name}};
	my ($split) = grep { $symbols->{$_} } siblings($row);
	return $split if $split;
	$row->{found} = 1;
	return check_var($row) if $row->{kind} eq 'per-cpu';
	return check_func($row) if $row->{kind} ne 'data';
	$row->{btf} = 'none';
	return undef;
}

# Of the rows that stand for one thing the first good one is used. Returns the rows to show
# and, where none is good, the reason: what was found for the first that exists.
sub judge {
	my ($symbols, @rows) = @_;
	my ($reported, $reason);
	for my $row (@rows) {
		my $found = check_row($row, $symbols);
		return (undef, $row) unless defined $found;
		next if $reported && !($row->{found} && !$reported->{found});
		$reported = $row;
		$reason = "$row->{name}: expected $row->{expected}" .
			  (@rows > 1 ? ' or another known form' : '') . ", found $found";
	}
	return ($reason, @rows);
}

1;
