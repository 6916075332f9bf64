/** The tables and functions of the store in PostgreSQL, as steps that only add. docs/decisions/0076-postgres.md */

/** `expires_at` of a row that does not expire: a number, so that one comparison is enough for all rows. */
export const never = Number.MAX_SAFE_INTEGER

/** Longer keys and members do not fit into a B-tree; what stands for them has this length and a SHA-256 (postgres_key.ts). */
export const longest = 1000

export interface Step {
  /** The version of the schema after this step. */
  version: number
  /** The oldest version of Latchkey's schema whose code can use the tables after this step. */
  oldest: number
  /**
   * Statements that can be repeated. An instance of the previous release goes on with the tables while this step runs and
   * after it: a step adds, and changes no table or function that is in use. A changed function gets another name.
   */
  sql: string
}

/** All bytes are `bytea`: any encoding of the database will do, NUL is a character, and the order is that of bytes. */
const first = `
CREATE OR REPLACE FUNCTION latchkey.now_ms() RETURNS bigint LANGUAGE sql STABLE AS
  'SELECT (extract(epoch FROM statement_timestamp()) * 1000)::bigint';

CREATE TABLE IF NOT EXISTS latchkey.entries (key bytea PRIMARY KEY, value bytea NOT NULL, expires_at bigint NOT NULL)
  WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 5000);
CREATE INDEX IF NOT EXISTS entries_expires_at ON latchkey.entries (expires_at) WHERE expires_at < ${never};

CREATE TABLE IF NOT EXISTS latchkey.indexes (name bytea PRIMARY KEY, expires_at bigint NOT NULL);
CREATE INDEX IF NOT EXISTS indexes_expires_at ON latchkey.indexes (expires_at) WHERE expires_at < ${never};

CREATE TABLE IF NOT EXISTS latchkey.members (
  name bytea NOT NULL, member bytea NOT NULL, score float8 NOT NULL, whole bytea, PRIMARY KEY (name, member)
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 5000);
CREATE INDEX IF NOT EXISTS members_score ON latchkey.members (name, score, substring(member, 1, ${longest}));

-- Each of the following locks the row of its index first. In READ COMMITTED the statements after that see what the
-- holder of the lock before has written.
CREATE OR REPLACE FUNCTION latchkey.link_members(
  in_name bytea, in_members bytea[], in_wholes bytea[], in_scores float8[], in_ttl bigint)
RETURNS void LANGUAGE plpgsql AS $body$
DECLARE
  at_ms bigint := latchkey.now_ms();
  until_ms bigint := coalesce(at_ms + in_ttl, ${never});
  kept_ms bigint;
BEGIN
  LOOP
    SELECT expires_at INTO kept_ms FROM latchkey.indexes WHERE name = in_name FOR UPDATE;
    EXIT WHEN FOUND;
    INSERT INTO latchkey.indexes (name, expires_at) VALUES (in_name, until_ms) ON CONFLICT (name) DO NOTHING;
    kept_ms := until_ms;
    EXIT WHEN FOUND;
  END LOOP;
  IF kept_ms <= at_ms THEN
    DELETE FROM latchkey.members WHERE name = in_name;
    UPDATE latchkey.indexes SET expires_at = until_ms WHERE name = in_name;
  ELSIF kept_ms < until_ms THEN
    UPDATE latchkey.indexes SET expires_at = until_ms WHERE name = in_name;
  END IF;
  INSERT INTO latchkey.members (name, member, score, whole)
    SELECT in_name, each.member, each.score, each.whole
    FROM unnest(in_members, in_scores, in_wholes) AS each (member, score, whole)
    ON CONFLICT (name, member) DO UPDATE SET score = excluded.score;
END $body$;

CREATE OR REPLACE FUNCTION latchkey.unlink_members(in_name bytea, in_members bytea[])
RETURNS void LANGUAGE plpgsql AS $body$
BEGIN
  PERFORM 1 FROM latchkey.indexes WHERE name = in_name FOR UPDATE;
  DELETE FROM latchkey.members WHERE name = in_name AND member = ANY (in_members);
  DELETE FROM latchkey.indexes WHERE name = in_name
    AND NOT EXISTS (SELECT 1 FROM latchkey.members WHERE name = in_name);
END $body$;

CREATE OR REPLACE FUNCTION latchkey.trim_index(in_name bytea, in_max float8)
RETURNS void LANGUAGE plpgsql AS $body$
BEGIN
  PERFORM 1 FROM latchkey.indexes WHERE name = in_name FOR UPDATE;
  DELETE FROM latchkey.members WHERE name = in_name AND score <= in_max;
  DELETE FROM latchkey.indexes WHERE name = in_name
    AND NOT EXISTS (SELECT 1 FROM latchkey.members WHERE name = in_name);
END $body$;

-- Deletes a bounded number of rows that have expired by this clock and by that of the caller; true while there may be more.
-- Of several instances one sweeps at a time.
CREATE OR REPLACE FUNCTION latchkey.sweep(in_until bigint, in_rows integer)
RETURNS boolean LANGUAGE plpgsql AS $body$
DECLARE
  until_ms bigint := least(latchkey.now_ms(), in_until);
  swept integer;
  expired bytea;
BEGIN
  IF NOT pg_try_advisory_xact_lock(hashtextextended('latchkey sweep', 0)) THEN RETURN false; END IF;
  DELETE FROM latchkey.entries WHERE key IN (
    SELECT key FROM latchkey.entries WHERE expires_at <= until_ms AND expires_at < ${never}
    LIMIT in_rows FOR UPDATE SKIP LOCKED);
  GET DIAGNOSTICS swept = ROW_COUNT;
  SELECT name INTO expired FROM latchkey.indexes WHERE expires_at <= until_ms AND expires_at < ${never}
    LIMIT 1 FOR UPDATE SKIP LOCKED;
  IF NOT FOUND THEN RETURN swept >= in_rows; END IF;
  DELETE FROM latchkey.members WHERE name = expired AND member IN (
    SELECT member FROM latchkey.members WHERE name = expired LIMIT in_rows);
  DELETE FROM latchkey.indexes WHERE name = expired
    AND NOT EXISTS (SELECT 1 FROM latchkey.members WHERE name = expired);
  RETURN true;
END $body$;
`

/** A step that was released is never changed. */
export const steps: readonly Step[] = [{ version: 1, oldest: 1, sql: first }]

/**
 * A step that waits for a table makes every statement behind it wait. So it gives up soon, for example during a `pg_dump`, and is
 * tried again.
 */
export const patience = `SET LOCAL lock_timeout = '300ms';`

/** Instances and operators that migrate at the same time wait for each other here. */
export const lock = `SELECT pg_advisory_xact_lock(hashtextextended('latchkey schema', 0));`

/** The owner of a schema that exists may lack the right to create one, so it is not tried. */
export const foundation = `
DO $body$ BEGIN IF to_regnamespace('latchkey') IS NULL THEN CREATE SCHEMA latchkey; END IF; END $body$;
CREATE TABLE IF NOT EXISTS latchkey.schema_version (
  one boolean PRIMARY KEY DEFAULT true CHECK (one), version integer NOT NULL, oldest integer NOT NULL
);
INSERT INTO latchkey.schema_version (version, oldest) VALUES (0, 0) ON CONFLICT DO NOTHING;
`

export const arrival = ({ version, oldest }: Step): string =>
  `UPDATE latchkey.schema_version SET version = ${version}, oldest = ${oldest} WHERE version < ${version};`

/** The rights of a user that serves and does not create tables. */
export const rightsOf = (user: string): string => `GRANT USAGE ON SCHEMA latchkey TO ${user};
GRANT SELECT ON latchkey.schema_version TO ${user};
GRANT SELECT, INSERT, UPDATE, DELETE ON latchkey.entries, latchkey.indexes, latchkey.members TO ${user};
`

/** The script of all steps, where Latchkey may not create tables. It can be repeated. */
export const schemaScript = (): string =>
  `BEGIN;\n${lock}\n${patience}\n${foundation}${steps.map((step) => `${step.sql}\n${arrival(step)}\n`).join('')}COMMIT;\n`
