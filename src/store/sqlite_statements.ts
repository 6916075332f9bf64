/** The tables and statements of the store in SQLite. https://www.sqlite.org/lang.html */
import { never, scanSql } from './sqlite_scan.ts'

/** Expired rows that are deleted at a time. */
export const sweepRows = 1000

/** The table `entries` has a rowid, because long values would make the B-tree of the keys slow. */
export const schema = `
  CREATE TABLE IF NOT EXISTS entries (key TEXT PRIMARY KEY, value TEXT NOT NULL, expires_at INTEGER NOT NULL) STRICT;
  CREATE INDEX IF NOT EXISTS entries_expires_at ON entries (expires_at) WHERE expires_at < ${never};
  CREATE TABLE IF NOT EXISTS indexes (name TEXT PRIMARY KEY, expires_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS indexes_expires_at ON indexes (expires_at) WHERE expires_at < ${never};
  CREATE TABLE IF NOT EXISTS members (
    name TEXT NOT NULL, member TEXT NOT NULL, score REAL NOT NULL, PRIMARY KEY (name, member)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS members_score ON members (name, score, member);
`

const rangeOf = `SELECT member, score FROM members
  WHERE name = ?1 AND (score, member) >= (?2, ?3) AND (score, member) < (?4, ?5) AND score <= ?6
  AND EXISTS (SELECT 1 FROM indexes WHERE name = ?1 AND expires_at > ?9)`

export const sql = {
  get: 'SELECT value FROM entries WHERE key = ?1 AND expires_at > ?2',
  read: 'SELECT value, expires_at FROM entries WHERE key = ?1 AND expires_at > ?2',
  put: `INSERT INTO entries VALUES (?1, ?2, ?3)
    ON CONFLICT (key) DO UPDATE SET value = excluded.value, expires_at = excluded.expires_at`,
  create: `INSERT INTO entries VALUES (?1, ?2, ?3)
    ON CONFLICT (key) DO UPDATE SET value = excluded.value, expires_at = excluded.expires_at
    WHERE entries.expires_at <= ?4`,
  replace: 'UPDATE entries SET value = ?3, expires_at = ?4 WHERE key = ?1 AND value = ?2 AND expires_at > ?5',
  take: 'DELETE FROM entries WHERE key = ?1 RETURNING value, expires_at',
  increment: `INSERT INTO entries VALUES (?1, ?2, ?3)
    ON CONFLICT (key) DO UPDATE SET
      value = CASE WHEN expires_at <= ?4 THEN excluded.value
        ELSE CAST(CAST(value AS INTEGER) + CAST(excluded.value AS INTEGER) AS TEXT) END,
      expires_at = CASE WHEN expires_at <= ?4 OR expires_at = ${never} THEN excluded.expires_at
        ELSE expires_at END
    RETURNING value, expires_at`,
  forgetIndex: 'DELETE FROM indexes WHERE name = ?1 AND expires_at <= ?2',
  forgetMembers: 'DELETE FROM members WHERE name = ?1',
  keepIndex: `INSERT INTO indexes VALUES (?1, ?2)
    ON CONFLICT (name) DO UPDATE SET expires_at = max(expires_at, excluded.expires_at)`,
  link: `INSERT INTO members VALUES (?1, ?2, ?3)
    ON CONFLICT (name, member) DO UPDATE SET score = excluded.score`,
  adopt: 'INSERT OR IGNORE INTO members VALUES (?1, ?2, ?3)',
  unlink: 'DELETE FROM members WHERE name = ?1 AND member = ?2',
  trim: 'DELETE FROM members WHERE name = ?1 AND score <= ?2',
  dropEmpty: 'DELETE FROM indexes WHERE name = ?1 AND NOT EXISTS (SELECT 1 FROM members WHERE name = ?1)',
  range: `${rangeOf} ORDER BY score, member LIMIT ?7 OFFSET ?8`,
  rangeDescending: `${rangeOf} ORDER BY score DESC, member DESC LIMIT ?7 OFFSET ?8`,
  sweep: `DELETE FROM entries WHERE rowid IN
    (SELECT rowid FROM entries WHERE expires_at <= ?1 AND expires_at < ${never} LIMIT ${sweepRows})`,
  expiredIndex: `SELECT name FROM indexes WHERE expires_at <= ?1 AND expires_at < ${never} LIMIT 1`,
  sweepMembers: `DELETE FROM members WHERE name = ?1 AND member IN
    (SELECT member FROM members WHERE name = ?1 LIMIT ${sweepRows})`,
  ...scanSql,
  begin: 'BEGIN IMMEDIATE',
  commit: 'COMMIT',
  rollback: 'ROLLBACK',
}
