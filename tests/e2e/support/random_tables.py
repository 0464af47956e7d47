"""Tables of every form, with rows in them, out of a random source."""

from support.clusters import literal
from support.random_parts import KEYS, ORDERED, at_row


class Column:
    """`value`: an expression of "{row}", its number; None for a column that fills itself."""

    def __init__(self, name, kind, value, *, null=True):
        self.name, self.kind, self.value, self.null = name, kind, value, null


class Table:
    """What is known of a table that was made. `key`: the column that is its primary key, if it has one."""

    def __init__(self, name, columns, *, key=None, rows=0, plain=True):
        self.name, self.columns, self.key, self.rows, self.plain = name, columns, key, rows, plain
        self.logged = True
        self.referable = False  # by a foreign key: its primary key is not deferrable


class Tables:
    """A part of RandomSchema, from which it has `random`, `names`, `major`, `types`, `enums`, `add`, `chance`, `new`."""

    def column(self, kinds=None):
        kind = self.random.choice(kinds or [*self.types, *ORDERED, *self.own_types * 3])
        return Column(self.names.quoted("c"), kind, self.types[kind], null=self.random.random() < 0.8)

    def definition(self, column):
        """The column in CREATE TABLE."""
        text = f"{column.name} {column.kind}"
        if column.kind in ("text", "varchar(20)") and self.chance(0.3):
            text += f" collate {self.random.choice(self.collations)}"
        if column.value and self.chance(0.25):
            text += f" default ({at_row(column.value, 7)})::{column.kind}"
        if not column.null:
            text += " not null"
        elif self.chance(0.1):
            text += f" constraint {self.names.quoted('n')} check ({column.name} is not null or {column.name} is null)"
        return text

    def fill(self, table, rows):
        given = [column for column in table.columns if column.value]
        if not rows:
            return
        if not given:
            for _ in range(rows):
                self.add(f"insert into {table.name} default values")
            return
        values = [("case when i % 4 = 0 then null else ({})::{} end" if c.null else "({})::{}").format(at_row(c.value, "i"), c.kind)
                  for c in given]  # fmt: skip
        self.add(f"insert into {table.name} ({', '.join(c.name for c in given)}) select {', '.join(values)} "
                 f"from generate_series(1, {rows}) i")  # fmt: skip
        table.rows += rows

    def plain_table(self):
        r = self.random
        columns = [self.column() for _ in range(r.randint(0, 8))]
        key = None
        if self.chance(0.7):
            kind = r.choice(list(KEYS))
            key = Column(self.names.quoted("k"), kind, KEYS[kind], null=False)
            columns.insert(r.randint(0, len(columns)), key)
        doomed = [self.column() for _ in range(r.randint(0, 2))]
        everything = columns + doomed
        r.shuffle(everything)
        parts = [self.definition(column) for column in everything]
        parts += self.self_filled(columns)
        if key:
            deferrable = self.deferrable()
            parts.append(f"constraint {self.names.quoted('pk')} primary key ({key.name}){deferrable}")
        table = Table(self.new("t"), columns, key=key)
        kind = "unlogged table" if self.chance(0.1) else "table"
        self.add(f"create {kind} {table.name} ({', '.join(parts)})" + self.storage_options())
        self.fill(Table(table.name, everything), rows := r.choice([0, 1, 5, 30, 60]))
        table.rows, table.logged = rows, kind == "table"
        table.referable = key is not None and not deferrable and table.logged
        for column in doomed:
            self.add(f"alter table {table.name} drop column {column.name}")
        self.tables.append(table)
        return table

    def self_filled(self, columns):
        """Identity and generated columns, which are of no use to others but must be there."""
        parts = []
        if self.chance(0.3):
            options = self.random.choice(["", " (start with 100 increment by -7 minvalue -30000 maxvalue 1000 cache 3)", " (cycle)"])
            parts.append(f"{self.names.quoted('id')} {self.random.choice(['int', 'bigint', 'smallint'])} not null "
                         f"generated {self.random.choice(['always', 'by default'])} as identity{options}")  # fmt: skip
        elif self.chance(0.3):
            parts.append(f"{self.names.quoted('se')} {self.random.choice(['serial', 'bigserial'])}")
        of = [column for column in columns if column.kind in ("int", "text")]
        if of and self.chance(0.5):
            column = self.random.choice(of)
            expression = f"{column.name}::bigint * 2" if column.kind == "int" else f"upper({column.name}) || '!'"
            stored = "virtual" if self.major >= 18 and self.chance(0.5) else "stored"
            kind = "bigint" if column.kind == "int" else "text"
            parts.append(f"{self.names.quoted('g')} {kind} generated always as ({expression}) {stored}")
        return parts

    def deferrable(self):
        return self.random.choice(["", "", " deferrable", " deferrable initially deferred"])

    def storage_options(self):
        options = []
        if self.chance(0.2):
            options.append("fillfactor = 70")
        if self.chance(0.2):
            options.append("autovacuum_enabled = off, toast.autovacuum_vacuum_scale_factor = 0.3")
        return f" with ({', '.join(options)})" if options else ""

    # Partitions

    def partitioned_table(self):
        strategy = self.random.choice(["range", "range", "list", "hash"])
        kinds = {"range": ["int", "date", "text"], "list": ["int", "text", *self.enums], "hash": ["int", "text", "uuid", *self.enums]}
        kind = self.random.choice(kinds[strategy])
        by = Column(self.names.quoted("by"), kind, {"date": "date '2020-01-01' + {row}", "text": "'k' || ({row} % 5)"}.get(kind) or
                    KEYS.get(kind) or self.types[kind], null=False)  # fmt: skip
        columns = [by] + [self.column() for _ in range(self.random.randint(1, 5))]
        self.random.shuffle(columns)
        root = Table(self.new("p"), columns, plain=False)
        key = f", primary key ({by.name})" if strategy != "list" and kind in ("int", "uuid", "date") and self.chance(0.5) else ""
        self.add(f"create table {root.name} ({', '.join(map(self.definition, columns))}{key}) partition by {strategy} "
                 f"({by.name})")  # fmt: skip
        for bound in self.bounds(strategy, by):
            self.partition(root, by, bound, strategy)
        self.fill(root, self.random.choice([0, 10, 40]))
        if self.chance(0.5):
            self.add(f"create index {self.names.quoted('i')} on {root.name} ({by.name})")
        self.tables.append(root)

    def bounds(self, strategy, by):
        if strategy == "hash":
            return [f"for values with (modulus 3, remainder {n})" for n in range(3)]
        if strategy == "list":
            values = {"int": ["1, 2", "3", "null"], "text": ["'k0', 'k1'", "'k2', null"]}.get(by.kind, [literal(label) for label in self.enums.get(by.kind, [])[:2]])
            return [f"for values in ({value})" for value in values] + ["default"]
        a, b, c = {"int": "5 10 20", "date": "'2020-01-06' '2020-01-12' '2021-01-01'", "text": "'a' 'k2' 'z'"}[by.kind].split()
        return [f"for values from (minvalue) to ({a})", f"for values from ({a}) to ({b})", f"for values from ({b}) to ({c})", "default"]

    def partition(self, root, by, bound, strategy):
        name = self.new("l")
        if self.chance(0.25) and strategy != "hash":  # made on its own, with a dropped column, and attached
            gone = self.names.quoted("gone")
            self.add(f"create table {name} ({gone} int, like {root.name} including constraints)")
            self.add(f"alter table {name} drop column {gone}")
            self.add(f"alter table {root.name} attach partition {name} {bound}")
        elif self.chance(0.2) and bound != "default":
            self.add(f"create table {name} partition of {root.name} {bound} partition by hash ({by.name})")
            for n in range(2):
                self.add(f"create table {self.new('s')} partition of {name} for values with (modulus 2, remainder {n})")
        else:
            self.add(f"create table {name} partition of {root.name} {bound}" + self.storage_options())
