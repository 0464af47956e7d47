-- Contents of the databases beside app. A line "-- database NAME" says where the following goes.
-- database latin
set client_encoding = 'UTF8';
create table "tàble" (id int primary key, "ñame" text); insert into "tàble" values (1, 'é à ü ß ÿ'), (2, E'\u00a0');
comment on table "tàble" is 'ÄÖÜ';
create table more as select i, repeat('ä', i % 100) t from generate_series(1, 2000) i;
select lo_from_bytea(7001, '\xe4f6fc');
-- database icu since 15
create table words (w text primary key); insert into words values ('zebra'), ('Äpfel'), ('apfel'), ('Zebra');
create index on words (upper(w));
create materialized view sorted as select w, row_number() over (order by w) from words;
-- database space "quote" =é'\
create table t (a int); insert into t select generate_series(1, 100);
-- database a_template
create table in_template (a int); insert into in_template values (1);
-- database postgres
create table in_postgres (id int generated always as identity primary key, v text); insert into in_postgres (v) values ('one'), ('two');
create schema admin; create function admin.f() returns int language sql as 'select 1'; comment on schema admin is 'admins';
-- database template1
create extension citext;
create table in_template1 (a int); insert into in_template1 select generate_series(1, 10);
grant select on in_template1 to reader;
