-- What the bench adds to pgbench's tables: a wide table with three indexes and one with incompressible bytes. `factor` scales
-- the number of rows; with 1, and pgbench -s 100, the database has about 2.9 GB, 2.1 GB of them as text.
\set ON_ERROR_STOP on
SET client_min_messages = warning;
SET synchronous_commit = off;

CREATE TABLE events (
  id bigint NOT NULL,
  at timestamptz NOT NULL,
  account integer NOT NULL,
  kind text NOT NULL,
  address inet,
  path text NOT NULL,
  session uuid NOT NULL,
  amount numeric(12, 2),
  details text NOT NULL
);
INSERT INTO events
SELECT i, timestamptz '2025-01-01 00:00+00' + i * interval '7.77 seconds', abs(hashint8(i)) % 500000,
       (ARRAY['login', 'view', 'search', 'order', 'payment', 'logout', 'refund'])[1 + abs(hashint8(i + 1)) % 7],
       inet '10.0.0.0' + abs(hashint8(i + 2)) % 16000000,
       '/catalogue/' || abs(hashint8(i + 3)) % 9000 || '/item/' || abs(hashint8(i + 4)) % 700000,
       md5(i::text)::uuid, abs(hashint8(i + 5)) % 10000000 / 100.0,
       'agent=' || (ARRAY['firefox', 'chrome', 'safari', 'batch', 'mobile'])[1 + abs(hashint8(i + 6)) % 5]
         || ' duration=' || abs(hashint8(i + 7)) % 90000 || ' trace=' || left(md5((i * 31)::text), 20)
  FROM generate_series(1::bigint, (4000000 * :factor)::bigint) i;
ALTER TABLE events ADD PRIMARY KEY (id);
CREATE INDEX events_account ON events (account);
CREATE INDEX events_at ON events (at);

CREATE TABLE scans (id integer PRIMARY KEY, scan bytea NOT NULL);
ALTER TABLE scans ALTER scan SET STORAGE EXTERNAL;
INSERT INTO scans
SELECT i, (SELECT string_agg(sha256(int4send(i) || int4send(part)), ''::bytea ORDER BY part) FROM generate_series(1, 512) part)
  FROM generate_series(1, (6144 * :factor)::integer) i;
