"""What the end-to-end tests share: private servers, the program under test, and a judge that is not dbbackup.

clusters     a private PostgreSQL server in a temporary directory
program      dbbackup run as a person runs it, in the foreground or held at a named step
pictures     what pg_dump, pg_dumpall and pg_database say of a cluster, for comparing
relays       things that stand between client and server: proxies that lie, cut or distribute; pgbouncer
contents     what the tests put into databases
case         the base class of the tests, with the assertions
"""
