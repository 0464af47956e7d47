-- What can be seen of one database (and, from any database, of the whole cluster), a line a fact, in a fixed order. Run
-- before and after, two files that are the same text show the same databases. Nothing here comes from dbbackup.
--   psql -XAtq -f demo/observe.sql DATABASE
\set ON_ERROR_STOP on
SET search_path = '';
SET extra_float_digits = 3;
SET timezone = 'UTC';

-- Rows: their number, and a hash of each added up, so that the order in which they lie does not matter.
SELECT format('SELECT %L, count(*), coalesce(sum(hashtextextended(r::text, 0)::numeric), 0) FROM ONLY %s r', kind || name, name)
  FROM (SELECT format('%I.%I', n.nspname, c.relname) AS name, CASE c.relkind WHEN 'r' THEN 'rows|' ELSE 'matview|' END AS kind
          FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE c.relkind IN ('r', 'm') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema') t
 ORDER BY name
\gexec

SELECT 'relation', n.nspname, c.relname, c.relkind, c.relpersistence, c.relrowsecurity, c.relowner::regrole,
       ARRAY(SELECT unnest(c.relacl)::text ORDER BY 1), obj_description(c.oid, 'pg_class')
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND c.relkind <> 't' ORDER BY 2, 3;
SELECT 'column', a.attrelid::regclass, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity, a.attgenerated,
       pg_get_expr(d.adbin, d.adrelid), ARRAY(SELECT unnest(a.attacl)::text ORDER BY 1)
  FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
 WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND a.attnum > 0 AND NOT a.attisdropped AND c.relkind <> 't'
 ORDER BY a.attrelid::regclass::text, a.attnum;
SELECT 'index', indexdef FROM pg_indexes WHERE schemaname !~ '^pg_' ORDER BY 2;
SELECT 'constraint', conrelid::regclass, conname, convalidated, pg_get_constraintdef(oid) FROM pg_constraint
 WHERE connamespace::regnamespace::text !~ '^(pg_|information_schema)' ORDER BY conrelid::regclass::text, 3, 5;
SELECT 'view', schemaname, viewname, definition FROM pg_views WHERE schemaname !~ '^(pg_|information_schema)' ORDER BY 2, 3;
SELECT 'function', pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace::regnamespace::text !~ '^(pg_|information_schema)' ORDER BY 2;
SELECT 'policy', schemaname, tablename, policyname, permissive, roles, cmd, qual, with_check FROM pg_policies ORDER BY 2, 3, 4;
SELECT 'schema', nspname, nspowner::regrole, ARRAY(SELECT unnest(nspacl)::text ORDER BY 1) FROM pg_namespace
 WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' ORDER BY 2;
SELECT 'default rights', defaclrole::regrole, defaclnamespace::regnamespace, defaclobjtype, ARRAY(SELECT unnest(defaclacl)::text ORDER BY 1)
  FROM pg_default_acl ORDER BY defaclrole::regrole::text, defaclnamespace::regnamespace::text, 4;
SELECT format('SELECT %L, last_value, is_called FROM %s', 'sequence|' || name, name)
  FROM (SELECT format('%I.%I', schemaname, sequencename) AS name FROM pg_sequences) s ORDER BY name
\gexec
SELECT 'large object', oid, lomowner::regrole, ARRAY(SELECT unnest(lomacl)::text ORDER BY 1), md5(lo_get(oid))
  FROM pg_largeobject_metadata ORDER BY oid;
