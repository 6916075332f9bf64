/** Why PostgreSQL does not serve us, in words for the operator. https://www.postgresql.org/docs/current/errcodes-appendix.html */
import { ownMember } from '../lib/own_member.ts'
import { certificateMeanings } from './certificate_reason.ts'
import { StoreUnavailable } from './store.ts'

const noTables =
  'the database has no tables of Latchkey: the next start creates them; where its user may not, `latchkey store schema` prints them'
const pooler =
  'a pooler before the server does not keep prepared statements: let PgBouncer use pool_mode=session'

/** By SQLSTATE, or by the code of Bun or of TLS for errors that are not of the server. */
const meanings: Readonly<Record<string, string>> = {
  '08P01':
    'a pooler before the server refuses the settings of a connection: see docs/deployment.md, "PgBouncer"',
  '25006': 'the database is read-only: the server is a replica, or default_transaction_read_only is on',
  '26000': pooler,
  '28000':
    'the server does not accept this user from here: look at the user of the URL, at pg_hba.conf, and at sslmode where the server wants TLS',
  '28P01': 'the server refuses the user or the password of the URL',
  '3D000': 'the server does not have the database that the URL names',
  '3F000': noTables,
  '42501': 'the user of the URL lacks a right that Latchkey needs: docs/deployment.md has the list',
  '42883': noTables,
  '42P01': noTables,
  '42P05': pooler,
  '53100': 'the disk of the server is full',
  '53200': 'the memory of the server is full',
  '53300': 'the server has no connection left: raise its max_connections, or lower POSTGRES_POOL_SIZE',
  '55P03': 'another transaction holds a table for too long, such as a backup',
  '57P01': 'the server shut down, or its administrator ended the connection',
  '57P02': 'the server crashed',
  '57P03': 'the server does not accept connections now: it starts, stops or recovers',
  '58030': 'the disk of the server does not read or write',
  XX001: 'the data is damaged: restore a backup',
  XX002: 'an index is damaged: REINDEX, or restore a backup',
  EAI_AGAIN: 'the name server that knows the host of the URL does not answer',
  ENOTFOUND: 'the host of the URL has no address',
  ERR_POSTGRES_CONNECTION_CLOSED: 'the connection was lost',
  ERR_POSTGRES_CONNECTION_FAILED: 'the server closes the connection before it is complete',
  ERR_POSTGRES_CONNECTION_REFUSED: 'nothing listens at the host and port of the URL',
  ERR_POSTGRES_CONNECTION_TIMEOUT: 'the host of the URL does not answer',
  ERR_POSTGRES_TLS_NOT_AVAILABLE: 'the server has no TLS, and sslmode of the URL asks for it',
  ERR_POSTGRES_TLS_UPGRADE_FAILED: 'the server and this process agree on no TLS',
  ...certificateMeanings('POSTGRES_CA_PATH'),
}

const member = (error: unknown, name: 'code' | 'errno'): string | undefined => {
  const value = error instanceof Error ? (error as unknown as Record<string, unknown>)[name] : undefined
  return typeof value === 'string' ? value : undefined
}

/** The SQLSTATE of the server, or the code of the client. */
export const codeOf = (error: unknown): string =>
  member(error, 'errno') ?? member(error, 'code') ?? 'connection lost'

/** A short reason without the message of the server, which may quote a value. */
function reason(error: unknown): string {
  const code = codeOf(error)
  const meaning = ownMember(meanings, code)
  return meaning === undefined ? code : `${code}: ${meaning}`
}

const readOnly: readonly string[] = ['25006', '53100']

export const unavailable = (error: unknown): StoreUnavailable =>
  error instanceof StoreUnavailable
    ? error
    : new StoreUnavailable(`postgres: ${reason(error)}`, { refusesWrites: readOnly.includes(codeOf(error)) })

/** The server has undone the statement because of another one: serialization failure, deadlock. */
export const wasUndone = (error: unknown): boolean => ['40001', '40P01'].includes(codeOf(error))

/** `statement_timeout` or `lock_timeout` of the server. */
export const tookTooLong = (error: unknown): boolean => ['57014', '55P03'].includes(codeOf(error))

/** The server answers, and a person must mend something before it can be used. */
export class Unusable extends StoreUnavailable {}

/** The server took the connection and will not serve it until a person mends something. */
export const isDefinite = (error: unknown): boolean =>
  error instanceof Unusable ||
  /^(28|3D|3F|42)/.test(codeOf(error)) ||
  ['ERR_POSTGRES_TLS_NOT_AVAILABLE'].includes(codeOf(error)) ||
  Object.hasOwn(certificateMeanings(''), codeOf(error))

/** Whether the server said it. */
export const isAnswer = (error: unknown): boolean => member(error, 'errno') !== undefined

/** Not an answer to the statement, but the end of the connection, or none at all. */
export const isLoss = (error: unknown): boolean =>
  !isAnswer(error)
    ? codeOf(error) !== 'ERR_POSTGRES_QUERY_CANCELLED'
    : /^(08|28|3D|53300|57P)/.test(codeOf(error))
