# SPDX-License-Identifier: GPL-2.0-only
#
# Reads a kernel's type information (BTF) and spells it, both as module/kern/btf.c does.
# Used by scripts/survey; one blob at a time.
package Btf;
use strict;
use warnings;

use constant { INT => 1, PTR => 2, STRUCT => 4, UNION => 5, ENUM => 6, FWD => 7, TYPEDEF => 8,
	       VOLATILE => 9, CONST => 10, RESTRICT => 11, FUNC => 12, FUNC_PROTO => 13, VAR => 14,
	       TYPE_TAG => 18, ENUM64 => 19, MAX_DEPTH => 12 };

# Bytes behind the fixed part of a type, by kind: so many, and so many per element.
my @TAIL = (undef, [4, 0], [0, 0], [12, 0], [0, 12], [0, 12], [0, 8], ([0, 0]) x 6, [0, 8],
	    [4, 0], [0, 12], [0, 0], [4, 0], [0, 0], [0, 12]);

my ($types, $strings) = ('', '');	# the two sections of the blob
my @types;		# where a type begins in $types, by id; 0 is void
my @first;		# id of the first type, by kind and where its name is in $strings

# The kinds that are looked for by name.
my @NAMED;
@NAMED[STRUCT, FUNC, VAR] = (1) x 3;

sub string {
	my ($offset) = @_;
	return $offset < length($strings) ? unpack("\@$offset Z*", $strings) : '';
}

# Indexes a blob; says what is wrong with it, or nothing.
sub load {
	my ($blob) = @_;
	return 'found none' unless defined $blob;
	return 'found ' . length($blob) . ' bytes' if length($blob) < 24;
	my ($magic, $version, undef, $header, $at, $len, $str_at, $str_len) = unpack('vCCV5', $blob);
	return 'found another format' if $magic != 0xeb9f || $version != 1;
	return 'found it cut short' if length($blob) < $header + $str_at + $str_len;
	$types = substr($blob, $header + $at, $len);
	$strings = substr($blob, $header + $str_at, $str_len);
	@types = (undef);
	@first = ();
	my $pos = 0;
	while ($pos <= $len - 12) {
		my ($name, $info) = unpack("\@$pos VV", $types);
		# The widest these fields are (7.3); the bits were 0 where they were narrower.
		my $kind = $info >> 24 & 0x7f;
		my $tail = $TAIL[$kind] or return "found type kind $kind, unknown to knumad";
		$first[$kind]{$name} //= @types if $NAMED[$kind];
		push @types, $pos;
		$pos += 12 + $tail->[0] + $tail->[1] * ($info & 0xffffff);
	}
	return $pos == $len ? undef : 'found a type cut short';
}

sub nr_types {
	return scalar @types;
}

# Whether it describes (per-CPU) variables at all, which old pahole left out; or this one.
sub has_vars {
	return defined $first[VAR];
}

sub has_var {
	return defined first(VAR, @_);
}

# A type: { kind, vlen, kflag, name, ref (its type id, or its size), tail }; undef: void.
sub type {
	my ($id) = @_;
	return undef unless $id && $id < @types;
	my ($name, $info, $ref) = unpack("\@$types[$id] V3", $types);
	return { kind => $info >> 24 & 0x7f, vlen => $info & 0xffffff, kflag => $info >> 31,
		 name => string($name), ref => $ref, tail => $types[$id] + 12 };
}

# The id of the first type of a kind and name; undef without one. A string is in the blob once.
sub first {
	my ($kind, $name) = @_;
	my $before = index($strings, "\0$name\0");
	return $before < 0 ? undef : $first[$kind]{$before + 1};
}

sub find {
	return type(first(@_));
}

# An integer type as C spells it: DWARF says "long unsigned int".
sub int_name {
	my ($name) = @_;
	return $name unless $name =~ /^(long|long long|short)( unsigned)? int$/;
	return $2 ? "unsigned $1" : $1;
}

sub type_text {
	my ($id) = @_;
	my ($qualifier, $stars, $keyword, $name) = ('', '', '', 'void');
	for (my $t = type($id); $t && length($stars) < MAX_DEPTH; $t = type($t->{ref})) {
		my $kind = $t->{kind};
		if ($kind == PTR) {
			$stars .= '*';
			$qualifier = '';
		} elsif ($kind == CONST) {
			$qualifier = 'const ';
		} elsif ($kind != VOLATILE && $kind != RESTRICT && $kind != TYPE_TAG) {
			$kind = $t->{kflag} ? UNION : STRUCT if $kind == FWD;
			$keyword = { STRUCT() => 'struct ', UNION() => 'union ', ENUM() => 'enum ',
				     ENUM64() => 'enum ' }->{$kind} // '';
			$name = $kind == FUNC_PROTO ? 'function' : int_name($t->{name});
			last;
		}
	}
	return "$qualifier$keyword$name" . ($stars && " $stars");
}

# A function's prototype as "ret (type, type)"; undef where the BTF does not have it.
sub func_text {
	my $func = find(FUNC, @_) or return undef;
	my $proto = type($func->{ref}) or return undef;
	return undef if $proto->{kind} != FUNC_PROTO;
	my @words = unpack("\@$proto->{tail} V" . 2 * $proto->{vlen}, $types);
	my @params = map { type_text($words[2 * $_ + 1]) } 0 .. $proto->{vlen} - 1;
	return type_text($proto->{ref}) . ' (' . (join(', ', @params) || 'void') . ')';
}

# The spelling of the type of a structure's member; undef without one, or for a bit field.
sub member_text {
	my ($type, $member) = @_;
	my $t = find(STRUCT, $type) or return undef;
	for my $i (0 .. $t->{vlen} - 1) {
		my ($name, $id, $offset) = unpack("\@" . ($t->{tail} + 12 * $i) . ' V3', $types);
		next if string($name) ne $member;
		return $t->{kflag} && $offset >> 24 ? undef : type_text($id);
	}
	return undef;
}

1;
