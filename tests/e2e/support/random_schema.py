"""Random schemas, whole: every kind of object that depends on tables, types and functions, in a database of its own or not.

The same seed gives the same statements. They are valid by construction: one that fails is a mistake here.
"""

from support.clusters import literal
from support.random_code import Code
from support.random_parts import Names, values_of
from support.random_tables import Table, Tables

ROLES = ["fidelity_owner", "Fidelity \"Reader\"", "fidelity'writer", "fidelity_group"]


def roles_sql():
    quoted = [quote(role) for role in ROLES]
    return (";\n".join(f"create role {role}" for role in quoted)
            + f";\ngrant {quoted[3]} to {quoted[1]} with admin option; grant {quoted[0]}, {quoted[1]} to {quoted[2]};")  # fmt: skip


def quote(name):
    return '"' + name.replace('"', '""') + '"'


class RandomSchema(Tables, Code):
    """One schema, and what belongs to no schema under names with its prefix. `sql()` makes it, in its database."""

    def __init__(self, random, prefix, major):
        self.random, self.major, self.prefix = random, major, prefix
        self.names = Names(random, prefix)
        self.types = values_of(major)
        self.own_types, self.enums, self.collations = [], {}, ['"C"', '"POSIX"']
        self.tables, self.views, self.functions = [], [], []
        self._statements, self._last = [], []
        self.schema = self.names.quoted("schema")
        self.roles = [quote(role) for role in ROLES]

    def sql(self):
        self.add(f"create schema {self.schema}" + self.random.choice(["", f" authorization {self.roles[0]}"]))
        for make in (self.make_types, self.make_tables, self.make_relatives, self.make_constraints, self.make_indexes,
                     self.make_functions, self.make_views, self.make_triggers, self.make_sequences, self.make_policies,
                     self.make_searches, self.make_foreign, self.make_publications, self.make_large_objects,
                     self.make_comments, self.make_rights):  # fmt: skip
            make()
        return ";\n".join([*self._statements, *self._last]) + ";\n"

    def add(self, statement):
        self._statements.append(statement)

    def chance(self, probability):
        return self.random.random() < probability

    def new(self, kind):
        return f"{self.schema}.{self.names.quoted(kind)}"

    def some(self, things, most):
        return self.random.sample(things, min(len(things), self.random.randint(0, most)))

    # Types

    def make_types(self):
        if self.chance(0.5):
            name = self.new("collation")
            self.add(f"create collation {name} (provider = icu, locale = 'de-u-co-phonebk')")
            self.collations.append(name)
        for _ in range(self.random.randint(0, 2)):
            name, labels = self.new("e"), [self.names.new("l") for _ in range(self.random.randint(1, 5))]
            labels = [label[:20] for label in labels]
            self.add(f"create type {name} as enum ({', '.join(map(literal, labels))})")
            if self.chance(0.5):
                added = self.names.new("l")[:20]
                self.add(f"alter type {name} add value {literal(added)} before {literal(labels[0])}")
            self.enums[name] = labels
            self.own(name, f"(enum_range(null::{name}))[1 + {{row}} % {len(labels)}]")
        if self.chance(0.6):
            name = self.new("ct")
            self.add(f"create type {name} as ({self.names.quoted('f')} int, {self.names.quoted('f')} text collate \"C\", "
                     f"{self.names.quoted('f')} date)")  # fmt: skip
            self.own(name, f"row({{row}}, 'x,\" y', date '2020-01-01')::{name}")
            self.own(f"{name}[]", f"array[row({{row}}, null, null)::{name}, null]")
        if self.chance(0.6):
            name = self.new("d")
            self.add(f"create domain {name} as int default 5 constraint {self.names.quoted('ck')} check (value > 0)")
            if self.chance(0.5):
                self.add(f"alter domain {name} add constraint {self.names.quoted('ck')} check (value < 1000000000) not valid")
            self.own(name, "{row}")
            self.own(f"{name}[]", "array[{row}, null]")
        if self.enums and self.chance(0.4):
            name, of = self.new("d"), self.random.choice(list(self.enums))
            self.add(f"create domain {name} as {of} check (value is null or value is not null)")
            self.own(name, self.types[of])
            self.types[name] = self.types[of]
        if self.chance(0.5):
            name, of = self.new("r"), self.random.choice(["float8", "text", "inet"])
            more = ", subtype_diff = float8mi" if of == "float8" else ', collation = "C"' if of == "text" else ""
            if self.major >= 14 and self.chance(0.5):
                more += f", multirange_type_name = {self.new('mr')}"
            self.add(f"create type {name} as range (subtype = {of}{more})")
            value = {"float8": "{row}::float8, null", "text": "'a', 'b' || {row}", "inet": "inet '10.0.0.0' + {row}, null"}[of]
            self.own(name, f"{name}({value})")

    def own(self, name, value):
        self.types[name] = value
        self.own_types.append(name)

    # Tables and what hangs on them

    def make_tables(self):
        for _ in range(self.random.randint(2, 5)):
            self.plain_table()
        for _ in range(self.random.randint(0, 2)):
            self.partitioned_table()

    def make_relatives(self):
        """Inheritance: parents of plain columns, children that add, merge and override."""
        if not self.chance(0.5):
            return
        parents = []
        for _ in range(self.random.randint(1, 2)):
            table = Table(self.new("parent"), [self.column(["int", "text", "date"]) for _ in range(2)], plain=False)
            check = f", constraint {self.names.quoted('ck')} check (true)" + self.random.choice(["", " no inherit"])
            self.add(f"create table {table.name} ({', '.join(map(self.definition, table.columns))}{check})")
            self.fill(table, 5)
            parents.append(table)
        child = Table(self.new("child"), [c for p in parents for c in p.columns], plain=False)
        self.add(f"create table {child.name} ({self.names.quoted('extra')} int default 3) inherits "
                 f"({', '.join(p.name for p in parents)})")  # fmt: skip
        self.fill(child, 4)
        of = self.random.choice(child.columns)
        self.add(f"alter table {child.name} alter {of.name} set default null")
        if self.chance(0.5):
            late = self.names.quoted("late")
            self.add(f"alter table {parents[0].name} add column {late} int default 8")
        if self.chance(0.5):
            self.add(f"alter table {child.name} no inherit {parents[0].name}")
        self.tables += [*parents, child]

    def referable(self, kind=None):
        return [t for t in self.tables if t.key and t.referable and (kind is None or t.key.kind == kind)]

    def make_constraints(self):
        for table in self.some(self.referable(), 3):
            other = self.random.choice(self.referable(table.key.kind))
            column = self.names.quoted("ref")
            self.add(f"alter table {table.name} add column {column} {other.key.kind}")
            action = self.random.choice(["", " on delete cascade", " on update set null on delete set default", " match full"])
            suffix = self.random.choice(["", " not valid", *[self.deferrable()] * 2])
            if self.major >= 18 and self.chance(0.2):
                suffix = " not enforced"
            self.add(f"alter table {table.name} add constraint {self.names.quoted('fk')} foreign key ({column}) "
                     f"references {other.name}{action}{suffix}")  # fmt: skip
            if other.rows:  # circles come about by two of these
                self.add(f"update {table.name} set {column} = (select min({other.key.name}) from {other.name})"
                         if other.key.kind != "uuid" else f"update {table.name} set {column} = (select {other.key.name} from {other.name} limit 1)")  # fmt: skip
        for table in self.some([t for t in self.tables if t.plain], 2):
            column = self.names.quoted("span")
            self.add(f"alter table {table.name} add column {column} int4range")
            self.add(f"alter table {table.name} add constraint {self.names.quoted('ex')} exclude using gist "
                     f"({column} with &&)" + self.random.choice(["", f" where (not isempty({column}))"]) + self.deferrable())  # fmt: skip
        for table in self.some([t for t in self.tables if t.key], 3):
            column = self.names.quoted("u")
            self.add(f"alter table {table.name} add column {column} int")
            include = f" include ({table.key.name})" if self.chance(0.4) else ""
            columns = column if include else f"{column}, {table.key.name}"
            nulls = " nulls not distinct" if self.major >= 15 and not include and self.chance(0.3) else ""
            self.add(f"alter table {table.name} add constraint {self.names.quoted('u')} unique{nulls} ({columns}){include}"
                     + self.deferrable())  # fmt: skip
            self.add(f"alter table {table.name} add constraint {self.names.quoted('ck')} check ({column} <> 7 or {column} is "
                     f"null) not valid")  # fmt: skip

    def make_indexes(self):
        for table in self.tables:
            for _ in range(self.random.randint(0, 2)):
                self.make_index(table)
            self.alter_columns(table)
            if table.key and self.chance(0.2):
                index = self.names.quoted("ui")
                self.add(f"create unique index {index} on {table.name} ({table.key.name})")
                self.add(f"alter table {table.name} replica identity using index {index}")
                self.add(f"alter table {table.name} cluster on {index}")
            elif table.plain and self.chance(0.2):
                self.add(f"alter table {table.name} replica identity {self.random.choice(['full', 'nothing'])}")
        plain = [t for t in self.tables if len([c for c in t.columns if self.orders(c)]) > 1]
        for table in self.some(plain, 2):
            columns = [c.name for c in table.columns if self.orders(c)][:3]
            statistics = self.new("st")
            kinds = self.random.choice(["", "(ndistinct)", "(dependencies, mcv)"])
            self.add(f"create statistics {statistics} {kinds} on {', '.join(columns)} from {table.name}")
            if self.chance(0.5):
                self.add(f"alter statistics {statistics} set statistics 77")

    def orders(self, column):
        return column.kind in ("int", "bigint", "smallint", "numeric", "text", "varchar(20)", "date", "timestamp", "uuid",
                               "bytea", "inet", "int4range", "int[]", *self.enums)  # fmt: skip

    def make_index(self, table):
        ordered = [c for c in table.columns if self.orders(c)]
        texts = [c for c in table.columns if c.kind == "text"]
        special = {"tsvector": "gin", "jsonb": "gin", "int[]": "gin", "text[]": "gin", "int4range": "gist", "point": "gist", "box": "spgist", "inet": "brin", "uuid": "hash"}
        others = [c for c in table.columns if c.kind in special]
        name = self.names.quoted("ix")
        if others and self.chance(0.4):
            column = self.random.choice(others)
            self.add(f"create index {name} on {table.name} using {special[column.kind]} ({column.name})")
        elif texts and self.chance(0.4):
            column = self.random.choice(texts)
            self.add(f"create index {name} on {table.name} (left({column.name}, 10) text_pattern_ops, (lower({column.name})) "
                     f"collate \"C\" desc)")  # fmt: skip
            self.add(f"alter index {self.schema}.{name} alter column 1 set statistics 99")
        elif ordered:
            column = self.random.choice(ordered)
            include = f" include ({self.random.choice(ordered).name})" if self.chance(0.3) else ""
            where = f" where {column.name} is not null" if self.chance(0.3) else ""
            order = self.random.choice(["", " desc", " desc nulls last", " nulls first"])
            self.add(f"create index {name} on {table.name} ({column.name}{order}){include} with (fillfactor = 60){where}")

    def alter_columns(self, table):
        for column in self.some(table.columns, 2):
            changes = ["set statistics 321"]
            if table.plain:
                changes.append("set (n_distinct = -0.25)")
            if column.kind in ("text", "bytea", "jsonb", "text[]"):
                changes.append(f"set storage {self.random.choice(['external', 'main', 'plain'])}")
                if self.major >= 14:
                    changes.append("set compression lz4")
            self.add(f"alter table {table.name} alter column {column.name} {self.random.choice(changes)}")

    # Words and rights

    def make_comments(self):
        things = [f"table {t.name}" for t in self.tables] + [f"column {t.name}.{c.name}" for t in self.tables for c in t.columns]
        things += [f"function {function}" for function in self.functions] + [f"schema {self.schema}"]
        things += [f"type {name}" for name in self.enums] + [f"collation {name}" for name in self.collations[2:]]
        for thing in self.some(things, 6):
            text = self.random.choice(["plain", "it's \"x\"; -- é", "two\nlines", "back\\slash"])
            self.add(f"comment on {thing} is {literal(text)}")

    def make_rights(self):
        owner, reader, writer, group = self.roles
        for table in self.some(self.tables, 4):
            self.add(f"grant usage on schema {self.schema} to {reader}, {writer}")
            self.add(f"grant select, insert on {table.name} to {reader} with grant option")
            self.add(f"set role {reader}; grant select on {table.name} to {group}; reset role")
            if table.columns:
                column = self.random.choice(table.columns).name
                self.add(f"grant select ({column}), update ({column}) on {table.name} to {writer} with grant option")
            if self.chance(0.5):
                self.add(f"alter table {table.name} owner to {self.random.choice([owner, reader])}")
            if self.chance(0.2):
                self.add(f"revoke all on {table.name} from {owner}")
        for function in self.some(self.functions, 2):
            self.add(f"revoke all on function {function} from public; grant execute on function {function} to {writer}")
        for kind in self.some(list(self.enums), 1):
            self.add(f"revoke usage on type {kind} from public; grant usage on type {kind} to {reader}")
        if self.chance(0.4):
            self.add(f"alter default privileges for role {owner} in schema {self.schema} grant select on tables to {reader}")
            self.add(f"alter default privileges for role {writer} in schema {self.schema} grant execute on functions to {group} "
                     f"with grant option")  # fmt: skip


def random_database(random, number, schemas, major):
    """The statements of a database with so many schemas."""
    return "".join(RandomSchema(random, f"{number}{chr(97 + i)}", major).sql() for i in range(schemas))
