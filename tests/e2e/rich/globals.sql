-- Roles, memberships, tablespaces. psql is given the folders as :fast and :slow. In all of these files, a line that
-- ends in "-- since N" is left out with older majors, one that ends in "-- before N" with N and newer ones.
create role owner_of_all login password 'a scram secret' connection limit 7 valid until '2031-01-01 00:00:00+00';
create role "Ödipus O'Neil" login createdb createrole;
create role reader nologin;
create role writer login inherit;
create role "group with space" noinherit;
create role repl replication bypassrls noinherit;
set password_encryption = 'md5';
create role old_password login password 'an md5 secret';
reset password_encryption;
create role "back\slash ""quoted""" nologin;
grant reader to writer with admin option;
set role writer; grant reader to "Ödipus O'Neil"; reset role;
grant "group with space" to owner_of_all, "back\slash ""quoted""";
grant pg_read_all_data to reader; -- since 14
grant pg_monitor to writer with admin option;
alter role owner_of_all set search_path = app, public, "weird schema";
alter role owner_of_all set work_mem = '12MB';
alter role reader set statement_timeout = '5s';
alter role writer set datestyle = 'SQL, DMY';
alter role writer set my.custom_setting = 'it''s "quoted" \ here';
alter role all set log_min_duration_statement = '5s';
grant set on parameter log_min_messages to reader; -- since 15
grant alter system on parameter work_mem to writer with grant option; -- since 15
comment on role reader is 'may read; says so with ''quotes'' and ünïcode';
create tablespace fast owner owner_of_all location :'fast' with (random_page_cost = 1.1, effective_io_concurrency = 8);
create tablespace "slow disk" location :'slow';
grant create on tablespace fast to writer with grant option;
comment on tablespace fast is 'fast';
