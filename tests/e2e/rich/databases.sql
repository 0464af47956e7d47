-- Databases and their properties; contents follow.
create database app owner owner_of_all;
create database "space ""quote"" =é'\" template template0 connection limit 3;
create database latin template template0 encoding 'LATIN1' locale 'C' tablespace fast;
create database ascii template template0 encoding 'SQL_ASCII' locale 'C';
create database icu template template0 encoding 'UTF8' locale_provider icu icu_locale 'de-AT' locale 'C.UTF-8'; -- since 15
create database empty template template0;
create database a_template is_template true;
alter database app set work_mem = '33MB';
alter database app set search_path = app, "$user", public;
alter database app set my.setting = 'a "b" ''c'' \d';
alter database app set default_transaction_read_only = on;
alter database app set statement_timeout = '20ms';
alter database app set bytea_output = 'escape';
alter database latin set datestyle = 'German, DMY';
alter role owner_of_all in database app set work_mem = '44MB';
alter role all in database latin set extra_float_digits = -5;
alter role "Ödipus O'Neil" in database latin set search_path = '';
comment on database app is 'the ''application'', älteste';
revoke connect on database app from public;
grant connect, temporary on database app to reader with grant option;
set role reader; grant connect on database app to old_password; reset role;
grant create on database latin to writer;
revoke all on database icu from public; -- since 15
alter database postgres set work_mem = '7MB';
comment on database postgres is 'with a comment of its own';
grant create on database postgres to writer;
