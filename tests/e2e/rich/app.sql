-- One database with one of everything that has bitten a dump program.

-- Schemas, extensions
create schema app authorization owner_of_all;
create schema "weird schema";
create schema empty_schema;
create extension hstore schema app;
create extension citext;
create extension pg_trgm with schema public;
create extension btree_gist;
create extension postgres_fdw;
comment on schema app is 'the application';
comment on extension hstore is 'a comment of our own';
drop schema if exists doomed cascade;
set search_path = app, public;

-- Types
create type mood as enum ('sad', 'happy');
alter type mood add value 'ok' before 'happy';
alter type mood add value 'ecstatic' after 'happy';
create type address as (street text, city text, since date);
create type float_range as range (subtype = float8, subtype_diff = float8mi);
create domain positive as int constraint is_positive check (value > 0);
alter domain positive add constraint not_huge check (value < 1000000) not valid;
create domain mail as citext collate "C" default 'nobody@example.com' not null check (value ~ '@');
create domain address_known as address check ((value).city is not null);
comment on type mood is 'how it goes';
comment on domain positive is 'above zero';
comment on constraint is_positive on domain positive is 'really';

-- Functions before tables, because tables use them
create function twice(int) returns int language sql immutable strict parallel safe cost 5 as 'select $1 * 2';
create function sum_of(variadic numbers int[], out total bigint, out n int) language plpgsql stable as
    $body$ begin select sum(x), count(*) into total, n from unnest(numbers) x; -- a comment that must survive
    end $body$;
create function late_body(a int, b int default 41) returns int language sql immutable begin atomic select a + b + 1; end; -- since 14
create procedure note_something(in what text, inout done bool default false) language plpgsql security definer
    set search_path = app, pg_temp set work_mem from current as $$ begin done := true; end $$;
create function series(n int) returns table (i int, square bigint) language sql rows 77 as
    $$ select i, i::bigint * i from generate_series(1, n) i $$;
create aggregate product(int8) (sfunc = int8mul, stype = int8, initcond = '1');
create aggregate collected(anycompatible) (sfunc = array_append, stype = anycompatiblearray, initcond = '{}'); -- since 14
create function is_near(point, point) returns bool language sql immutable as 'select $1 <-> $2 < 1';
create operator ==~ (function = is_near, leftarg = point, rightarg = point, commutator = ==~);
create operator class address_ops_by_hash for type address using hash as operator 1 =(record, record), function 1 hash_record(record); -- since 14
create function address_of(text) returns address language sql immutable as $$ select row($1, 'nowhere', date '2000-01-01')::app.address $$;
create cast (text as address) with function address_of(text) as assignment;
create function cyclic() returns int language sql stable as 'select 1';
comment on function twice(int) is 'doubles';
comment on procedure note_something(text, bool) is 'notes';
comment on operator ==~ (point, point) is 'near';
comment on aggregate product(int8) is 'multiplies';
comment on cast (text as address) is 'lossy';
create access method another_heap type table handler heap_tableam_handler;
create conversion latin1_again for 'LATIN1' to 'UTF8' from iso8859_1_to_utf8;
create collation german_phonebook (provider = icu, locale = 'de-u-co-phonebk');
create collation any_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
create text search dictionary simple_german (template = snowball, language = german, stopwords = german);
create text search configuration ours (copy = simple);
alter text search configuration ours alter mapping for asciiword, word with simple_german, simple;
comment on text search configuration ours is 'ours';
comment on collation any_case is 'any case';

-- Tables: every kind of column
create table customer (
    id bigint generated always as identity (start with 100 increment by 7 minvalue 10 cache 5) primary key,
    name text collate german_phonebook not null,
    nick text collate any_case unique,
    contact mail,
    home address,
    feels mood default 'ok',
    score positive,
    tags text[] default '{}'::text[],
    extra jsonb,
    properties hstore,
    gone int,
    full_text tsvector,
    label text generated always as (name || ' <' || coalesce(nick, '?') || '>') stored,
    doubled int generated always as (twice(score)) stored,
    created timestamptz not null default timestamptz '2026-03-29 01:59:59.123456+01'
);
alter table customer drop column gone;
insert into customer (name, nick, contact, home, feels, score, tags, extra, properties, full_text)
select 'Müller ' || i, 'nick' || i, 'c' || i || '@example.com', row('street ' || i, 'city', date '2020-02-29')::address,
       (enum_range(null::mood))[1 + i % 4], i + 1, array['x' || i, null, 'with "quotes", commas'],
       jsonb_build_object('i', i, 'text', E'tab\tnew\nline "q" \\ \u00e4', 'deep', jsonb_build_array(null, true, 1e300)),
       hstore('a' || i, null), to_tsvector('ours', 'Die Katzen sitzen ' || i)
  from generate_series(1, 3000) i;
alter table customer alter column name set statistics 500, alter column nick set (n_distinct = -0.5);
alter table customer alter column extra set storage external;
alter table customer alter column name set compression lz4; -- since 14
alter table customer set (fillfactor = 70, autovacuum_enabled = off, toast.autovacuum_vacuum_scale_factor = 0.3);
alter table customer owner to owner_of_all;
create index customer_lower on customer (lower(name) collate "C" desc nulls last) where feels <> 'sad';
create index customer_trgm on customer using gin (name gin_trgm_ops) with (fastupdate = off);
create index customer_many on customer using gist (full_text tsvector_ops (siglen = 100));
create index customer_brin on customer using brin (created) with (pages_per_range = 16) tablespace fast;
create index customer_hash on customer using hash (nick);
create index customer_incl on customer (score) include (feels) with (fillfactor = 50);
alter index customer_lower alter column 1 set statistics 77;
create statistics customer_stat (ndistinct, dependencies, mcv) on feels, score from customer;
create statistics customer_expr on (twice(score)), feels from customer; -- since 14
alter statistics customer_stat set statistics 200;
comment on statistics customer_stat is 'correlated';
alter table customer cluster on customer_pkey;
alter table customer replica identity using index customer_pkey;
comment on table customer is 'people; it''s "quoted"';
comment on column customer.name is E'two\nlines';
comment on index customer_lower is 'lower';
comment on constraint customer_pkey on customer is 'the key';

create table strange_values (
    id int primary key, f4 real, f8 float8, n numeric, b bytea, x xml, t text, ts timestamp, tz timestamptz, tt timetz,
    d date, iv interval, bits bit varying, ip inet, net cidr, mac macaddr8, cash money, pt point, poly polygon, box box,
    r int4range, mr nummultirange, u uuid, a2 int[][], lsn pg_lsn, rc regclass, ch "char", nm name, j json, fr float_range);
insert into strange_values values
    (1, 'NaN', '-0', 'NaN', '\x00ff0a0d5c2e', '<a b="c">ü<!-- x --></a>', E'\\.', 'infinity', '-infinity', '23:59:60+14',
     'infinity', '-1 year 2 mons -3 days 04:05:06.789', B'101', '::1/64', '10/8', '08:00:2b:01:02:03:04:05', -12.34,
     '(1e-300,-0)', '((0,0),(1,1),(1,0))', '((1,1),(0,0))', 'empty', '{}', '00000000-0000-0000-0000-000000000000',
     '[-1:0][2:3]={{1,null},{3,4}}', 'FFFFFFFF/FFFFFFFF', 'app.customer', 'x', 'name', '{"a" : 1,  "a":2}', '[1.5,)'),
    (2, 'Infinity', '1.7976931348623157e308', 'Infinity', '', '<r/>', E'\\N', '4713-01-01 00:00:00 BC', '0044-03-15 BC', '00:00-12',
     '5874897-12-31', '178000000 years', B'', '192.168.1.5', '2001:db8::/32', null, 92233720368547758.07,
     null, null, null, '[,)', '{(,1],[5,5]}', 'ffffffff-ffff-ffff-ffff-ffffffffffff', '{}', '0/0', null, '', '', 'null', null),
    (3, '-Infinity', '4.9e-324', '-123456789012345678901234567890.123456789012345678901234567890', '\x5c', null,
     E'tab\tcr\r lf\n vt\v bs\b ff\f backslash\\ quote'' "double" $$ end', null, null, null, null, null, null, null, null, null,
     null, null, null, null, null, null, null, null, null, null, null, null, null, null),
    (4, 0.1, 0.1::real::float8, 0.10, null, null, '', null, null, null, null, '0', null, null, null, null, null, null, null, null,
     null, null, null, null, null, null, null, null, null, null),
    (5, null, null, 1e-1000, null, null, '😀 — 中文 ' || chr(1) || chr(127) || chr(65533) || U&'\+10FFFF', null, null, null, null,
     null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null);
insert into strange_values (id, t, b) select 100 + i, repeat(md5(i::text), 32 * i), decode(repeat(md5(i::text), 3000 * i), 'hex')
    from generate_series(1, 10) i;

create table "weird schema"."tab	le ""with"" everything, é and \ " (
    "select" int, "co""l" text default 'de''fault', "UPPER" int, " leading" int, "trailing " int, "a.b" int, "%s%%" int,
    "äöü" text, constraint "chèck ""it""" check ("select" > 0));
insert into "weird schema"."tab	le ""with"" everything, é and \ " select i, 'v', i, i, i, i, i, 'ä' from generate_series(1, 10) i;
create table "weird schema"."line
break" (a int); insert into "weird schema"."line
break" values (1), (1), (1);
create table "weird schema"."0123456789012345678901234567890123456789012345678901234567890é" (a int);
insert into "weird schema"."0123456789012345678901234567890123456789012345678901234567890é" values (63);
create table no_columns (); insert into no_columns default values; insert into no_columns default values; insert into no_columns default values;
create table all_dropped (a int, b text); insert into all_dropped select i, 'x' from generate_series(1, 7) i;
alter table all_dropped drop column a, drop column b;
create table only_generated (a int generated always as (1) stored); insert into only_generated default values; insert into only_generated default values;
create table nothing_in_it (a int primary key, b text);
create table twins (a int, b text); insert into twins select 1, 'same' from generate_series(1, 1000);
create unlogged table unlogged_one (id int generated by default as identity, v text);
insert into unlogged_one (v) select 'u' || i from generate_series(1, 50) i;
create temporary table temporary_one (a int);
create table in_fast_space (a int primary key using index tablespace "slow disk") tablespace fast;
insert into in_fast_space select generate_series(1, 100);
create table by_another_method (a int, b text) using another_heap; insert into by_another_method select i, 'm' from generate_series(1, 200) i;
create table typed of address; insert into typed values ('s', 'c', '2001-01-01');
create table from_extension (id int primary key, c citext, h hstore); insert into from_extension values (1, 'CaSe', 'k=>v');

-- Partitions
create table measure (at date not null, sensor int not null, value float8, primary key (at, sensor)) partition by range (at);
create table measure_2024 partition of measure for values from ('2024-01-01') to ('2025-01-01');
create table measure_2025 partition of measure for values from ('2025-01-01') to ('2026-01-01') partition by list (sensor);
create table measure_2025_a partition of measure_2025 for values in (1, 2, 3) tablespace fast;
create table measure_2025_b partition of measure_2025 default;
create table measure_old (junk text, value float8, sensor int not null, more_junk int, at date not null);
alter table measure_old drop column junk, drop column more_junk;
alter table measure attach partition measure_old for values from (minvalue) to ('2024-01-01');
create table measure_rest partition of measure default;
create index measure_value on measure (value);
create index measure_only on only measure (sensor);
create index measure_2024_sensor on measure_2024 (sensor);
alter index measure_only attach partition measure_2024_sensor;
insert into measure select date '2022-01-01' + i, i % 9, i / 3.0 from generate_series(0, 2999) i;
create table by_mood (id int, m mood) partition by hash (m);
create table by_mood_0 partition of by_mood for values with (modulus 2, remainder 0);
create table by_mood_1 partition of by_mood for values with (modulus 2, remainder 1);
insert into by_mood select i, (enum_range(null::mood))[1 + i % 4] from generate_series(1, 400) i;
-- A part of a tree is partitioned by hash of an enum: its rows are loaded through the root, beside leaves that are not.
create table by_sign (id int, m mood) partition by list (m);
create table by_sign_some partition of by_sign for values in ('sad', 'happy') partition by hash (m);
create table by_sign_some_0 (gone int, m mood, id int);
alter table by_sign_some_0 drop column gone;
alter table by_sign_some attach partition by_sign_some_0 for values with (modulus 2, remainder 0);
create table by_sign_some_1 partition of by_sign_some for values with (modulus 2, remainder 1);
create table by_sign_rest partition of by_sign default;
insert into by_sign select i, (enum_range(null::mood))[1 + i % 4] from generate_series(1, 400) i;
create table by_text (k text, v int) partition by hash (k);
create table by_text_0 partition of by_text for values with (modulus 3, remainder 0);
create table by_text_1 partition of by_text for values with (modulus 3, remainder 1);
create table by_text_2 partition of by_text for values with (modulus 3, remainder 2);
insert into by_text select 'k' || i, i from generate_series(1, 300) i;
create table by_list (k text, v int, constraint v_small check (v < 1000)) partition by list (k);
create table by_list_null partition of by_list for values in (null, 'n');
create table by_list_ab partition of by_list for values in ('a', 'b');
insert into by_list values (null, 1), ('n', 2), ('a', 3), ('b', 4);
create table refers_to_measure (at date, sensor int, foreign key (at, sensor) references measure);
insert into refers_to_measure select at, sensor from measure where at < '2022-02-01';
create table empty_root (a int) partition by range (a);

-- Inheritance
create table animal (name text not null, born date, constraint known check (name <> '') , constraint only_here check (born > '1900-01-01') no inherit);
create table walker (legs int default 4);
create table dog (breed text) inherits (animal, walker);
create table puppy () inherits (dog);
alter table puppy alter legs set default 3;
insert into animal values ('generic', '2000-01-01'); insert into dog values ('rex', '2010-01-01', 4, 'x'); insert into puppy values ('tiny', '2020-01-01', 3, 'y');

-- Constraints that point in circles, and others
create table hen (id int primary key, egg int);
create table egg (id int primary key, hen int references hen deferrable initially deferred);
alter table hen add constraint hen_egg foreign key (egg) references egg on delete set null (egg) on update cascade not valid; -- since 15
alter table hen add constraint hen_egg foreign key (egg) references egg on delete set null on update cascade not valid; -- before 15
insert into hen values (1, null); insert into egg values (1, 1); update hen set egg = 1;
create table tree (id int primary key, parent int references tree); insert into tree select i, nullif(i / 2, 0) from generate_series(1, 500) i;
create table booking (room int, during tstzrange, a int, b int, exclude using gist (room with =, during with &&) deferrable,
    unique (a, b) include (room), check (a > 0) not valid);
alter table booking add unique nulls not distinct (a); -- since 15
insert into booking values (1, '[2026-01-01,2026-01-02)', 1, 1), (1, '[2026-01-02,2026-01-03)', null, 2);
create table full_match (x int, y int, primary key (x, y));
create table full_match_ref (x int, y int, foreign key (x, y) references full_match match full);
alter table egg replica identity full; alter table tree replica identity nothing;

-- Sequences
create sequence down as smallint increment by -3 minvalue -1000 maxvalue -1 cycle cache 2;
select nextval('down'), nextval('down');
create sequence never_called start with 77;
create sequence at_the_end maxvalue 3; select setval('at_the_end', 3);
create sequence not_called_but_moved; select setval('not_called_but_moved', 99, false);
create sequence owned_later; alter sequence owned_later owned by hen.id;
comment on sequence down is 'goes down';

-- Views, rules, materialised views
create view plain_view as select id, name from customer where score > 10;
create view with_barrier with (security_barrier) as select * from plain_view;
create view as_invoker with (security_invoker) as select name from customer; -- since 15
create view checked as select id, a from (select id, score as a from customer) s where a > 5;
create view updatable as select id, parent from tree where id > 100 with local check option;
create view needs_key as select id, name, count(*) from customer group by id;
create recursive view up (id, parent) as select id, parent from tree where id = 500 union all select t.id, t.parent from tree t join up on t.id = up.parent;
alter view plain_view alter column name set default 'nobody';
create table was_view (a int); create table base_of_view (a int);
create rule log_it as on insert to base_of_view do also insert into was_view values (new.a * 10);
create rule never as on delete to base_of_view do instead nothing;
alter table base_of_view disable rule never;
comment on rule log_it on base_of_view is 'logs';
insert into base_of_view values (1), (2);
create materialized view mv_first as select feels, count(*) n, sum(score) total from customer group by feels;
create unique index on mv_first (feels);
create materialized view mv_second tablespace fast as select max(n) from mv_first;
create view over_matview as select * from mv_second;
create materialized view mv_third as select * from over_matview, mv_first;
create materialized view mv_unpopulated as select * from customer with no data;
create materialized view mv_needs_key as select * from needs_key with data;
comment on materialized view mv_first is 'first';
-- A matview that is older than its tables: a restore may refresh it, pg_dump's own would.
create view plain_of_function as select twice(score) from customer;

-- Triggers
create table audit (what text, at timestamptz default now());
create function audit_it() returns trigger language plpgsql as
    $$ begin insert into app.audit (what) values (tg_name || ' ' || tg_op); return new; end $$;
create table watched (id int primary key, v text);
insert into watched values (1, 'before any trigger');
create trigger t_on after insert on watched for each row execute function audit_it();
create trigger t_off before update of v on watched for each row when (old.v is distinct from new.v) execute function audit_it();
create trigger t_replica after delete on watched for each statement execute function audit_it();
create trigger t_always after insert on watched referencing new table as fresh for each statement execute function audit_it('arg''1', '2');
create constraint trigger t_constraint after update on watched deferrable initially deferred for each row execute function audit_it();
alter table watched disable trigger t_off;
alter table watched enable replica trigger t_replica;
alter table watched enable always trigger t_always;
comment on trigger t_on on watched is 'on';
create trigger t_partitioned after insert on measure for each row execute function audit_it();
alter table measure_2024 disable trigger t_partitioned;
create trigger t_instead instead of insert on plain_view for each row execute function audit_it();

-- Row level security
create table secret_rows (id int, who name, v text);
insert into secret_rows select i, case when i % 2 = 0 then 'reader' else 'writer' end, 'v' || i from generate_series(1, 100) i;
alter table secret_rows enable row level security; alter table secret_rows force row level security;
create policy own on secret_rows for select to reader, writer using (who = current_user);
create policy strict on secret_rows as restrictive for all to public using (id < 90) with check (v <> '');
comment on policy own on secret_rows is 'own';
alter table secret_rows owner to owner_of_all;

-- Rights
grant usage on schema app to reader, writer; grant create on schema app to writer with grant option;
grant select on customer to reader with grant option; grant all on customer to writer;
set role reader; grant select on app.customer to old_password; reset role;
grant select (id, name), update (nick) on customer to "Ödipus O'Neil" with grant option;
grant select on all tables in schema "weird schema" to "back\slash ""quoted""";
grant usage, update on sequence down to reader; revoke all on function twice(int) from public; grant execute on function twice(int) to writer;
grant usage on type mood to reader; revoke usage on domain positive from public;
grant usage on foreign data wrapper postgres_fdw to writer;
revoke all on nothing_in_it from postgres;
alter default privileges for role owner_of_all in schema app grant select on tables to reader;
alter default privileges for role owner_of_all revoke execute on functions from public;
alter default privileges grant usage on types to writer with grant option;
alter default privileges for role writer grant all on schemas to reader;
revoke create on schema public from public; grant usage on schema public to reader;
grant usage on language plpgsql to reader;

-- Foreign data
create server far foreign data wrapper postgres_fdw options (host '/nowhere', dbname 'it''s');
create user mapping for writer server far options (user 'u', password 'p\w''d');
create user mapping for public server far;
create foreign table far_table (id int options (column_name 'ID'), v text not null) server far options (schema_name 's', table_name 't');
create table with_foreign_part (id int, v text) partition by list (id);
create foreign table far_part partition of with_foreign_part for values in (1) server far;
create table near_part partition of with_foreign_part for values in (2); insert into with_foreign_part values (2, 'near');
grant usage on foreign server far to reader; comment on server far is 'far'; comment on foreign table far_table is 'far';

-- Publications
create publication everything for all tables with (publish = 'insert, update');
create publication a_few for table customer (id, name) where (id > 100), table twins where (a is not null) with (publish = 'insert'); -- since 15
create publication a_few for table customer, twins with (publish = 'insert'); -- before 15
create publication by_schema for tables in schema "weird schema" with (publish_via_partition_root); -- since 15
alter publication a_few owner to writer;
comment on publication a_few is 'some';

-- Large objects
select lo_create(5001); select lo_from_bytea(5002, 'small'); select lo_from_bytea(5003, decode(string_agg(md5(i::text), '' order by i), 'hex')) from generate_series(1, 200000) i;
select lo_create(5004); select lo_put(5004, 5000000, 'after a long hole');
select lo_from_bytea(5005, 'owned');
alter large object 5005 owner to writer; alter large object 5003 owner to "Ödipus O'Neil";
grant select on large object 5002 to reader with grant option; grant all on large object 5005 to public;
set role reader; grant select on large object 5002 to old_password; reset role;
comment on large object 5001 is 'an empty one'; comment on large object 5003 is 'three megabytes';

-- Rows of an extension's configuration tables, where that extension is installed
do $$ begin
    if exists (select from pg_available_extensions where name = 'dbbackup_test_configuration') then
        create extension dbbackup_test_configuration schema "weird schema";
        insert into "weird schema".setting (name, value, builtin) values ('colour', 'mauve', false), ('size', 'xl', false);
        update "weird schema".setting set value = 'changed, but builtin rows are not dumped' where builtin;
        insert into "weird schema".setting_detail values (10, 'colour', 'refers to a setting'), (11, 'size', 'two');
        grant select on "weird schema".setting to reader;
    end if;
end $$;

-- Event triggers last: they would see all of the above
create table ddl_log (tag text);
create function log_ddl() returns event_trigger language plpgsql as $$ begin insert into app.ddl_log values (tg_tag); end $$;
create event trigger on_ddl on ddl_command_end execute function log_ddl();
create event trigger on_drop on sql_drop when tag in ('DROP TABLE', 'DROP SCHEMA') execute function log_ddl();
alter event trigger on_drop disable;
comment on event trigger on_ddl is 'sees all';
create table seen_by_trigger (a int);
