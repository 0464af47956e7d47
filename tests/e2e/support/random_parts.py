"""What random schemas are put together from: names, types, and values of these types."""

from support.clusters import identifier

# What makes a name one that needs quoting, or a program that glues names stumble.
ODD = [" ", '"', "'", "\\", ".", "%", "$", "-", ";", "--", "/*", "*/", "\t", "\n", "=", ",", "(", ")", "{", "[", ":", "@", "#", "é", "Ü", "中", "😀"]
WORDS = ["item", "Order", "user", "select", "table", "group", "from", "Value", "x", "public", "default", "_", "data", "primary", "null", "NaN", "CURRENT_USER"]


class Names:
    """Each name is given once. Half of them need quoting; some have all 63 bytes."""

    def __init__(self, random, prefix):
        self._random, self._prefix, self._given = random, prefix, 0

    def new(self, kind=""):
        self._given += 1
        r = self._random
        word = r.choice(WORDS)
        if r.random() < 0.5:
            for _ in range(r.randint(1, 3)):
                at = r.randint(0, len(word))
                word = word[:at] + r.choice(ODD) + word[at:]
        else:
            word = word.lower() + "_"
        name = f"{word}{kind}{self._prefix}_{self._given}"
        if r.random() < 0.05 and kind != "r":  # of such a range the server makes a multirange whose name is no text
            name += "é" * ((63 - len(name.encode())) // 2)
        return name

    def quoted(self, kind=""):
        return identifier(self.new(kind))


# Type -> a value of it, as an expression of the row's number.
BUILT_IN = {
    "int": "{row} * 7919 % 100003 - 50000",
    "bigint": "{row}::bigint * 1234567890123",
    "smallint": "{row} % 32767",
    "numeric(12,3)": "{row} / 7.0",
    "numeric": "({row}::numeric ^ 11) / 3",
    "real": "{row} / 3.0::real",
    "double precision": "case {row} % 7 when 0 then 'NaN' when 1 then '-Infinity' else sqrt({row}) / 1e300 end",
    "text": "repeat(md5({row}::text), {row} % 5) || E'\\t\\\\\\n\\\\.' || chr(200 + {row} % 300)",
    "varchar(20)": "'v' || {row}",
    "char(5)": "'c' || {row} % 100",
    "bytea": "decode(md5({row}::text), 'hex')",
    "bool": "{row} % 3 = 0",
    "date": "case when {row} % 11 = 0 then 'infinity' else date '2000-02-29' + {row} end",
    "timestamp": "timestamp '1999-12-31 23:59:59.999999' + {row} * interval '1 hour'",
    "timestamptz(3)": "timestamptz '2026-03-29 00:30:00Z' + {row} * interval '17 minutes'",
    "time": "time '00:00' + {row} * interval '1 second'",
    "timetz": "timetz '12:00:00+05:30' + {row} * interval '1 second'",
    "interval": "make_interval(months => {row}, days => -{row}, secs => {row} / 3.0)",
    "interval day to second(2)": "make_interval(days => {row}, secs => {row} / 3.0)",
    "uuid": "md5({row}::text)::uuid",
    "json": "json_build_object('b', {row}, 'a', null)",
    "jsonb": "jsonb_build_object('k' || {row}, array[{row}, null], 'ü', 1e20)",
    "inet": "inet '10.0.0.1/8' + {row}",
    "cidr": "cidr '2001:db8::/32'",
    "macaddr": "macaddr '08:00:2b:01:02:03'",
    "bit(7)": "({row} % 128)::bit(7)",
    "bit varying(9)": "({row} % 128)::bit(7)",
    "point": "point({row}, -{row} / 3.0)",
    "box": "box(point(0, 0), point({row}, {row}))",
    "int4range": "int4range({row} * 10, {row} * 10 + 5)",
    "numrange": "numrange(null, {row} / 3.0, '(]')",
    "tsrange": "tsrange(timestamp '2020-01-01', null)",
    "tsvector": "to_tsvector('english', 'the cats of ' || {row})",
    "tsquery": "to_tsquery('simple', 'a & !b')",
    "oid": "{row}::oid",
    "regclass": "'pg_class'::regclass",
    '"char"': "chr(33 + {row} % 90)::\"char\"",
    "name": "('n' || {row})::name",
    "pg_lsn": "('0/' || to_hex({row}))::pg_lsn",
    "money": "({row} * 1.25)::numeric::money",
    "int[]": "array[{row}, null, -{row}]",
    "text[]": "array['a,b', 'c\"d', null, 'x' || {row}]",
    "text[][]": "'[0:1][2:2]={{a},{\"NULL\"}}'",
    "point[]": "array[point(1, {row})]",
    "xml": "xmlparse(content '<a>' || {row} || '</a>')",
}
SINCE_14 = {"int4multirange": "int4multirange(int4range({row}, {row} + 2), int4range({row} + 5, null))"}
# Types that a btree orders, so that indexes, keys and statistics can have them.
ORDERED = ["int", "bigint", "smallint", "numeric", "text", "varchar(20)", "date", "timestamp", "uuid", "bytea", "inet", "int4range", "int[]"]
# Keys: a type and an expression that gives another value for each row.
KEYS = {"int": "{row}", "bigint": "{row}::bigint", "text": "'k' || {row}", "uuid": "md5({row}::text)::uuid", "numeric": "{row} + 0.5"}


def at_row(value, row):
    """`row`: a number, or an expression of one."""
    return value.replace("{row}", str(row))


def values_of(major):
    return {**BUILT_IN, **(SINCE_14 if major >= 14 else {})}
