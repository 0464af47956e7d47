"""Functions, views, triggers, and what else stands beside or upon tables, out of a random source."""

from support.clusters import literal


class Code:
    """A part of RandomSchema, from which it has `random`, `names`, `major`, `add`, `chance`, `new`, `some`, `tables`, `roles`."""

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
            self.add(f"create function {name}() returns bigint language sql stable begin atomic select count(*) from "
                     f"{table.name}; end")  # fmt: skip
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
            self.add(f"create operator {self.schema}.{operator} (function = {function}, leftarg = box, rightarg = box, "
                     f"commutator = operator({self.schema}.{operator}))")  # fmt: skip

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
                self.add(f"create view {grouped} as select {', '.join(columns)}, count(*) as {self.names.quoted('n')} from "
                         f"{table.name} group by {table.key.name}")  # fmt: skip
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
            self.add(f"create trigger {name} {when} on {table.name} for each {each} execute function {function}('a''b', "
                     f"E'c\\\\d')")  # fmt: skip
            if state := self.random.choice(["", "disable", "enable always", "enable replica"]):
                self.add(f"alter table {table.name} {state} trigger {name}")
            if table.plain and self.chance(0.3):
                constraint = self.names.quoted("ctr")
                self.add(f"create constraint trigger {constraint} after update on {table.name} deferrable initially deferred for "
                         f"each row execute function {function}()")  # fmt: skip
        for table in self.some([t for t in self.tables if t.plain], 2):
            rule = self.names.quoted("rule")
            self.add(f"create rule {rule} as on {self.random.choice(['update', 'delete'])} to {table.name} do "
                     f"{self.random.choice(['instead nothing', 'also select 1'])}")  # fmt: skip
            if self.chance(0.3):
                self.add(f"alter table {table.name} {self.random.choice(['disable', 'enable always', 'enable replica'])} rule {rule}")
        if self.chance(0.3):
            handler = self.new("ef")
            self.add(f"create function {handler}() returns event_trigger language plpgsql as $f$ begin null; end $f$")
            trigger = self.names.quoted("ev")
            self._last.append(f"create event trigger {trigger} on "
                              f"{self.random.choice(['ddl_command_end', 'sql_drop', 'ddl_command_start'])} execute function {handler}()")  # fmt: skip
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
                self.add(f"create policy {self.names.quoted('po')} on {table.name} as "
                         f"{self.random.choice(['permissive', 'restrictive'])} for {kind} to {to} using (current_user <> 'x''y')")  # fmt: skip

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
        self.add(f"create server {server} type 'x' version '1' foreign data wrapper {wrapper} options (host 'nowhere', \"odd "
                 f"name\" '\\')")  # fmt: skip
        self.add(f"create user mapping for {self.random.choice(self.roles)} server {server} options (password 'p\"w''d')")
        self.add(f"create foreign table {self.new('ft')} ({self.names.quoted('c')} int options (x 'y') not null, b text "
                 f"default 'd') server {server} options (table_name 't')")  # fmt: skip

    def make_publications(self):
        if self.chance(0.3):
            name = self.names.quoted("pub")
            tables = [t for t in self.tables if t.plain and t.columns and t.logged]
            if self.major >= 15 and self.chance(0.4):
                self.add(f"create publication {name} for tables in schema {self.schema} with (publish = 'insert')")
            elif tables:
                of = [t.name + (" where (1 = 1)" if self.major >= 15 and self.chance(0.3) else "") for t in self.some(tables, 3)]
                self.add(f"create publication {name}{' for table ' + ', '.join(of) if of else ''} with (publish = 'insert, "
                         f"truncate')")  # fmt: skip
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
