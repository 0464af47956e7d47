"""Random schemas, whole: every kind of object that depends on tables, types and functions, in a database of its own or not.

The same seed gives the same statements. They are valid by construction: one that fails is a mistake here.
"""

from support.clusters import literal
from support.random_parts import Names, values_of
from support.random_tables import Table, Tables

ROLES = ["fidelity_owner", "Fidelity \"Reader\"", "fidelity'writer", "fidelity_group"]


def roles_sql():
    quoted = [quote(role) for role in ROLES]
    return (";\n".join(f"create role {role}" for role in quoted)
            + f";\ngrant {quoted[3]} to {quoted[1]} with admin option; grant {quoted[0]}, {quoted[1]} to {quoted[2]};")  # fmt: skip


def quote(name):
    return '"' + name.replace('"', '""') + '"'


class RandomSchema(Tables):
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
            self.add(f"create type {name} as ({self.names.quoted('f')} int, {self.names.quoted('f')} text collate \"C\", {self.names.quoted('f')} date)")
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
        self.add(f"create table {child.name} ({self.names.quoted('extra')} int default 3) inherits ({', '.join(p.name for p in parents)})")
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
            self.add(f"alter table {table.name} add constraint {self.names.quoted('ck')} check ({column} <> 7 or {column} is null) not valid")

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
            self.add(f"create index {name} on {table.name} (left({column.name}, 10) text_pattern_ops, (lower({column.name})) collate \"C\" desc)")
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

    # Code

    def make_functions(self):
        for _ in range(self.random.randint(1, 4)):
            name = self.new("f")
            argument = self.names.quoted("a")
            clauses = "".join(self.some([" strict", " security definer", " cost 77", " leakproof", " parallel safe"], 3))
            clauses += self.random.choice(["", " set search_path = pg_catalog, \"odd, path\"", " set work_mem = '7MB'", " set my.thing = 'a''b\"'"])
            body = self.random.choice(["", " -- a comment\n", " /* $x$ ' \" */"])
            forms = [
                f"({argument} int default 41, variadic b text[] default '{{}}') returns int language sql immutable{clauses} as $f$ select 1{body} $f$",
                f"({argument} int, out x int, out \"y z\" text) language plpgsql stable{clauses} as $f$ begin x := 1;{body}\n end $f$",
                f"({argument} text) returns table (p int, q text) language sql{clauses} rows 55 as $f$ select 1, 'é\\n'{body} $f$",
            ]
            if self.major >= 14:
                forms.append(f"({argument} int) returns bigint language sql stable{clauses} begin atomic select {argument} + 1::bigint; end")
            form = self.random.randrange(len(forms))
            self.add(f"create function {name}{forms[form]}")
            self.functions.append(f"{name}({['int, text[]', 'int', 'text', 'int'][form]})")
        if self.major >= 14 and self.tables and self.chance(0.5):  # depends on a table, and a view may on it
            table = self.random.choice(self.tables)
            name = self.new("f")
            self.add(f"create function {name}() returns bigint language sql stable begin atomic select count(*) from {table.name}; end")
            view = self.new("v")
            self.add(f"create view {view} as select {name}() as n")
            self.views.append(view)
        if self.chance(0.4):
            self.add(f"create procedure {self.new('pr')}(inout a int) language plpgsql as $f$ begin a := a + 1; end $f$")
        if self.chance(0.4):
            self.add(f"create aggregate {self.new('ag')}(int8) (sfunc = int8mul, stype = int8, initcond = '1', parallel = safe)")
        if self.chance(0.3):
            function, operator = self.new("of"), self.random.choice(["==~", "<#!>", "@@@@"])
            self.add(f"create function {function}(box, box) returns bool language sql immutable as 'select $1 ~= $2'")
            self.add(f"create operator {self.schema}.{operator} (function = {function}, leftarg = box, rightarg = box, commutator = operator({self.schema}.{operator}))")

    def make_views(self):
        for table in self.some(self.tables, 3):
            columns = [c.name for c in table.columns] or ["1 as one"]
            view = self.new("v")
            options = self.random.choice(["", " with (security_barrier)", " with (security_invoker)" if self.major >= 15 else ""])
            check = " with local check option" if self.chance(0.3) and table.columns else ""
            self.add(f"create view {view}{options} as select {', '.join(columns)} from {table.name} where true{check}")
            self.views.append(view)
            if table.referable and self.chance(0.4):  # needs the primary key, which comes after it in a dump
                grouped = self.new("v")
                self.add(f"create view {grouped} as select {', '.join(columns)}, count(*) as {self.names.quoted('n')} from {table.name} group by {table.key.name}")
                self.views.append(grouped)
        before = []
        for _ in range(self.random.randint(0, 3)):
            sources = before + self.views + [t.name for t in self.tables]
            name, data = self.new("mv"), self.random.choice(["with data", "with data", "with no data"])
            self.add(f"create materialized view {name} as select count(*) as n from {self.random.choice(sources)} {data}")
            if data == "with data":
                before.append(name)
                if self.chance(0.5):
                    self.add(f"create unique index {self.names.quoted('ix')} on {name} (n)")
        self.views += before
        if before:
            self.add(f"create view {self.new('v')} as select * from {before[-1]}")

    def make_triggers(self):
        function = self.new("tf")
        self.add(f"create function {function}() returns trigger language plpgsql as $f$ begin return coalesce(new, old); end $f$")
        for table in self.some(self.tables, 4):
            name = self.names.quoted("tr")
            when = self.random.choice(["after insert", "before update or delete", "after delete", "after truncate"])
            each = "statement" if "truncate" in when or not table.plain else "row"
            self.add(f"create trigger {name} {when} on {table.name} for each {each} execute function {function}('a''b', E'c\\\\d')")
            if state := self.random.choice(["", "disable", "enable always", "enable replica"]):
                self.add(f"alter table {table.name} {state} trigger {name}")
            if table.plain and self.chance(0.3):
                constraint = self.names.quoted("ctr")
                self.add(f"create constraint trigger {constraint} after update on {table.name} deferrable initially deferred for each row execute function {function}()")
        for table in self.some([t for t in self.tables if t.plain], 2):
            rule = self.names.quoted("rule")
            self.add(f"create rule {rule} as on {self.random.choice(['update', 'delete'])} to {table.name} do {self.random.choice(['instead nothing', 'also select 1'])}")
            if self.chance(0.3):
                self.add(f"alter table {table.name} {self.random.choice(['disable', 'enable always', 'enable replica'])} rule {rule}")
        if self.chance(0.3):
            handler = self.new("ef")
            self.add(f"create function {handler}() returns event_trigger language plpgsql as $f$ begin null; end $f$")
            trigger = self.names.quoted("ev")
            self._last.append(f"create event trigger {trigger} on {self.random.choice(['ddl_command_end', 'sql_drop', 'ddl_command_start'])} execute function {handler}()")
            if state := self.random.choice(["", "disable", "enable always"]):
                self._last.append(f"alter event trigger {trigger} {state}")

    def make_sequences(self):
        for _ in range(self.random.randint(0, 2)):
            name = self.new("sq")
            options = self.random.choice(["", " as smallint increment by -3 minvalue -99 maxvalue 50 start with 1 cycle", " cache 9 start with 77"])
            unlogged = "unlogged " if self.major >= 15 and self.chance(0.2) else ""
            self.add(f"create {unlogged}sequence {name}{options}")
            if self.chance(0.6):
                self.add(f"select setval({literal(name)}, 9, {self.random.choice(['true', 'false'])})")
            owners = [t for t in self.tables if t.key and t.plain]
            if owners and not unlogged and self.chance(0.3):
                table = self.random.choice(owners)
                self.add(f"alter sequence {name} owned by {table.name}.{table.key.name}")

    def make_policies(self):
        for table in self.some([t for t in self.tables if t.plain], 2):
            self.add(f"alter table {table.name} enable row level security")
            if self.chance(0.4):
                self.add(f"alter table {table.name} force row level security")
            for _ in range(self.random.randint(0, 2)):
                kind, to = self.random.choice(["all", "select", "update"]), ", ".join(self.some(self.roles, 2)) or "public"
                self.add(f"create policy {self.names.quoted('po')} on {table.name} as {self.random.choice(['permissive', 'restrictive'])} for {kind} to {to} using (current_user <> 'x''y')")

    def make_searches(self):
        if self.chance(0.3):
            dictionary, configuration = self.new("td"), self.new("tc")
            self.add(f"create text search dictionary {dictionary} (template = snowball, language = german)")
            self.add(f"create text search configuration {configuration} (copy = simple)")
            self.add(f"alter text search configuration {configuration} alter mapping for asciiword with {dictionary}, simple")

    def make_foreign(self):
        if not self.chance(0.3):
            return
        wrapper, server = self.names.quoted("fdw"), self.names.quoted("srv")
        self.add(f"create foreign data wrapper {wrapper} options (a 'b''c')")
        self.add(f"create server {server} type 'x' version '1' foreign data wrapper {wrapper} options (host 'nowhere', \"odd name\" '\\')")
        self.add(f"create user mapping for {self.random.choice(self.roles)} server {server} options (password 'p\"w''d')")
        self.add(f"create foreign table {self.new('ft')} ({self.names.quoted('c')} int options (x 'y') not null, b text default 'd') server {server} options (table_name 't')")

    def make_publications(self):
        if self.chance(0.3):
            name = self.names.quoted("pub")
            tables = [t for t in self.tables if t.plain and t.columns and t.logged]
            if self.major >= 15 and self.chance(0.4):
                self.add(f"create publication {name} for tables in schema {self.schema} with (publish = 'insert')")
            elif tables:
                of = [t.name + (" where (1 = 1)" if self.major >= 15 and self.chance(0.3) else "") for t in self.some(tables, 3)]
                self.add(f"create publication {name}{' for table ' + ', '.join(of) if of else ''} with (publish = 'insert, truncate')")
        if self.chance(0.2):
            self.add(f"create subscription {self.names.quoted('sub')} connection 'host=/nowhere dbname=x password=''s e''' publication a, \"b c\" "
                     f"with (connect = false, slot_name = none, enabled = false, synchronous_commit = off)")  # fmt: skip

    def make_large_objects(self):
        if self.chance(0.5):
            loid = self.random.randint(100000, 2**31)
            self.add(f"select lo_from_bytea({loid}, decode(repeat(md5('{loid}'), {self.random.choice([0, 1, 5000])}), 'hex'))")
            self.add(f"grant select on large object {loid} to {self.roles[1]} with grant option")
            if self.chance(0.5):
                self.add(f"alter large object {loid} owner to {self.roles[0]}")
            self.add(f"comment on large object {loid} is 'large; \"it''s\"'")

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
            self.add(f"alter default privileges for role {writer} in schema {self.schema} grant execute on functions to {group} with grant option")


def random_database(random, number, schemas, major):
    """The statements of a database with so many schemas."""
    return "".join(RandomSchema(random, f"{number}{chr(97 + i)}", major).sql() for i in range(schemas))
