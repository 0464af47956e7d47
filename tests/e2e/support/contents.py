"""What the tests put into databases, where a rich one would only cost time."""

# Two tables with a foreign key, an index, a view, a materialised view, a sequence ahead of its table, a large object,
# a partitioned table, a trigger: one of each kind that is handled at another step.
SMALL = """
create schema stock;
create table stock.item (id int primary key, name text not null, price numeric(10,2), tags text[]);
insert into stock.item select i, 'item ' || i, i * 1.25, array['a' || i % 7, 'b'] from generate_series(1, 2000) i;
create table stock.sale (id bigserial primary key, item int not null references stock.item, at timestamptz not null, note text);
insert into stock.sale (item, at, note)
    select 1 + i % 2000, timestamptz '2026-01-01 00:00Z' + i * interval '1 minute', repeat('x', i % 50)
      from generate_series(1, 5000) i;
create index on stock.sale (at);
create table log_line (at date not null, line text) partition by range (at);
create table log_line_2025 partition of log_line for values from ('2025-01-01') to ('2026-01-01');
create table log_line_2026 partition of log_line for values from ('2026-01-01') to ('2027-01-01');
insert into log_line select date '2025-06-01' + i, 'line ' || i from generate_series(0, 499) i;
create view expensive as select * from stock.item where price > 1000;
create materialized view sales_by_item as select item, count(*) from stock.sale group by item;
create unique index on sales_by_item (item);
create sequence ticket; select setval('ticket', 4711);
create function touch() returns trigger language plpgsql as $$ begin new.note := new.note || '!'; return new; end $$;
create trigger touch before update on stock.sale for each row execute function touch();
select lo_from_bytea(4242, decode(repeat('00ff10', 4000), 'hex'));
comment on large object 4242 is 'three bytes again and again';
"""

# Makes a restored state distinguishable from the one before the restore.
SOMETHING_NEWER = "insert into stock.item values (999999, 'newer than the backup', 0, null); delete from stock.sale where id < 10;"
IS_NEWER = "select count(*) from stock.item where id = 999999"

# A function that takes for ever in every database but `app`, so in the staging database of a restore.
SLOW_ELSEWHERE = """
create function slow(a int) returns int language plpgsql immutable as $$
begin
    if current_database() <> 'app' then perform pg_sleep(600); end if;
    return a;
end $$;
"""

# Text that does not compress to nothing, repeatable: `mebibytes` of it, in rows of some 200 bytes.
def wide_table(name, mebibytes):
    rows = int(mebibytes * 1024 * 1024 / 200)
    return f"""
        create table {name} (id int, a text, b text, c int, d text);
        insert into {name}
            select i, md5(i::text) || md5((-i)::text), md5((i * 7)::text) || md5((i * 11)::text), i % 1000, md5((i * 13)::text)
              from generate_series(1, {rows}) i;
        """
