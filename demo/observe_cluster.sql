-- As observe.sql, for what belongs to the cluster and not to one database.
\set ON_ERROR_STOP on
SELECT 'role', rolname, rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolcanlogin, rolreplication, rolbypassrls, rolconnlimit,
       md5(rolpassword), rolvaliduntil AT TIME ZONE 'UTC', shobj_description(oid, 'pg_authid')
  FROM pg_authid WHERE rolname !~ '^pg_' ORDER BY 2;
SELECT 'member', roleid::regrole, member::regrole, admin_option FROM pg_auth_members
 WHERE roleid::regrole::text !~ '^pg_' ORDER BY roleid::regrole::text, member::regrole::text;
SELECT 'database', datname, datdba::regrole, pg_encoding_to_char(encoding), datcollate, datctype, datconnlimit, datallowconn, datistemplate,
       ARRAY(SELECT unnest(datacl)::text ORDER BY 1), shobj_description(oid, 'pg_database')
  FROM pg_database ORDER BY 2;
SELECT 'setting', coalesce(d.datname, '*'), coalesce(s.setrole::regrole::text, '*'), s.setconfig
  FROM pg_db_role_setting s LEFT JOIN pg_database d ON d.oid = s.setdatabase ORDER BY 2, 3;
