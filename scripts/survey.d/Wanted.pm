# SPDX-License-Identifier: GPL-2.0-only
#
# What knumad wants of a kernel, by its own source: the rows of the capability table, the
# capabilities, the kernel's configuration. Used by scripts/survey.
package Wanted;
use strict;
use warnings;

my $TREE;	# the source tree

sub tree {
	($TREE) = @_;
}

# A source file without its comments, its continued lines joined.
sub tree_text {
	my ($file) = @_;
	open(my $fh, '<', "$TREE/$file") or
		die "expected knumad's source around this script, found no $TREE/$file: " .
		    "run it in a whole tree\n";
	my $text = do { local $/; <$fh> };
	$text =~ s{/\*.*?\*/}{ }gs;
	$text =~ s/\\\n/ /g;
	return $text;
}

# The macros of a header, name => body. Of conditions only #ifdef CONFIG_X is looked at, by
# $is_set->("X"): the tables must not depend on another.
sub tree_defines {
	my ($file, $is_set) = @_;
	my (%define, @on);
	for (split /\n/, tree_text($file)) {
		if (/^#ifdef CONFIG_(\w+)/) {
			push @on, $is_set->($1);
		} elsif (/^#if/) {
			push @on, undef;
		} elsif (/^#else/) {
			$on[-1] = !$on[-1] if defined $on[-1];
		} elsif (/^#endif/) {
			pop @on;
		} elsif (/^#define (KN_\w+)\([^)]*\)\s*(.*)/ &&
			 !grep { defined && !$_ } @on) {
			$define{$1} = $2;
		}
	}
	return %define;
}

sub split_arguments {
	my ($text) = @_;
	my @args;
	push @args, $1 while $text =~ /\G\s*((?:[^(),]++|(\((?:[^()]++|(?2))*\)))+),?/g;
	s/\s+/ /g, s/^ | $//g for @args;
	return @args;
}

# The X and OR rows of a table, those of tables it names among them.
sub expand_table {
	my ($name, $define) = @_;
	my $body = $define->{$name};
	my @rows;
	defined $body or die "expected a table $name in calls.h or protos.h, found none\n";
	while ($body =~ /\G\s*(\w+)(\((?:[^()]++|(?2))*\))/gc) {
		my ($macro, $args) = ($1, substr($2, 1, -1));
		if ($macro =~ /^(X|OR)$/) {
			push @rows, [$macro, split_arguments($args)];
		} else {
			push @rows, expand_table($macro, $define);
		}
	}
	$body =~ /\G\s*$/gc or die "expected X(...) and OR(...) rows in table $name, found '" .
				    substr($body, pos($body) // 0) . "'\n";
	return @rows;
}

# One row of the capability table, from the arguments of its X or OR.
sub make_row {
	my ($kind, $macro, @args) = @_;
	my %row = (kind => $kind, other => $macro eq 'OR', cap => $args[-1], found => 0, btf => '-');
	shift @args if $row{other};
	$row{name} = $args[0];
	if ($kind eq 'field') {
		@row{qw(type member expected)} = @args;
		$row{name} = "$args[0].$args[1]";
	} else {
		$row{expected} = { data => 'data', 'per-cpu' => 'per-CPU variable' }->{$kind} //
				 "$args[1] $args[2]";
	}
	return \%row;
}

# The rows in the order of enum kn_row, which names the tables.
sub rows {
	my ($is_set) = @_;
	my %kind = (KN_DATA => 'data', KN_CALLS => 'call', KN_HOOKS => 'hook',
		    KN_FIELDS => 'field', KN_VARS => 'per-cpu');
	my %define = map { tree_defines($_, $is_set) } qw(module/kern/calls.h module/compat/protos.h);
	my ($enum) = tree_text('module/kern/calls.h') =~ /enum kn_row \{(.*?)\}/s
		or die "expected enum kn_row in module/kern/calls.h, found none\n";
	my @rows;
	for my $table ($enum =~ /^\s*(KN_\w+)\(/mg) {
		$kind{$table} or die "expected one of the tables @{[sort keys %kind]}, found $table\n";
		push @rows, map { make_row($kind{$table}, @$_) } expand_table($table, \%define);
	}
	return @rows;
}

# What knumad can do: a list of { id, name, essential, without }.
sub caps {
	my @caps;
	my $text = tree_text('module/kern/capability.c');
	while ($text =~ /\[KN_CAP_(\w+)\]\s*=\s*\{\s*"(\w+)",\s*(true|false),\s*"([^"]*)"/g) {
		push @caps, { id => $1, name => $2, essential => $3 eq 'true', without => $4 };
	}
	return @caps;
}

# A list of Kbuild, like knumad-needs, or the default where the tree has none.
sub kbuild_list {
	my ($name, @default) = @_;
	return tree_text('Kbuild') =~ /^\Q$name\E := *(.*)/m ? split(' ', $1) : @default;
}

# The most NUMA nodes a machine may have.
sub max_nodes {
	return tree_text('include/knumad.h') =~ /KNUMAD_MAX_NODES\s+(\d+)/ ? $1 :
	       die "expected KNUMAD_MAX_NODES in include/knumad.h, found none\n";
}

# The series that knumad was tested on, like "6.1"; () where it is not said.
sub tested {
	my $text = -e "$TREE/module/compat/kernel.h" ? tree_text('module/compat/kernel.h') : '';
	my ($list) = $text =~ /^#define KN_TESTED\(X\)(.*)/m or return ();
	return map { s/, */./r } $list =~ /X\((\d+, *\d+)\)/g;
}

1;
