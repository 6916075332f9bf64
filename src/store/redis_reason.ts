/** Why Redis does not serve us, in words for the operator. https://redis.io/docs/latest/develop/reference/protocol-spec/#simple-errors */
import { ownMember } from '../lib/own_member.ts'
import { certificateMeanings } from './certificate_reason.ts'

/** A server without a free place says so and closes; what it says may come too late to be read. */
const closed =
  'the server closed the connection, as it does beyond its maxclients, or when it takes TLS alone: then the URL begins with rediss://'

/** What to look at, for errors that a setting or a full machine causes. By code of the system or of Redis. */
const meanings: Readonly<Record<string, string>> = {
  NOAUTH: 'the server wants a password, and the URL has none: redis://:PASSWORD@host',
  WRONGPASS: 'the server refuses the user or the password of the URL',
  NOPERM: 'the user of the URL may not use this command or key',
  READONLY: 'the server is a replica and accepts no write',
  OOM: 'the memory of the server is full',
  MISCONF: 'the server cannot write to its disk',
  NOREPLICAS: 'too few replicas are connected',
  LOADING: 'the server is still reading its data from its disk',
  BUSY: 'the server is executing a script that does not end',
  MASTERDOWN: 'the server is a replica that has lost its master',
  CLUSTERDOWN: 'the cluster does not serve all of its slots',
  ECONNREFUSED: 'nothing listens at the host and port of the URL. Start Redis, or correct the URL',
  ECONNRESET: closed,
  EPIPE: closed,
  EHOSTUNREACH: 'this machine has no way to the host of the URL',
  ENETUNREACH: 'this machine has no way to the host of the URL',
  ENOTFOUND: 'the host of the URL has no address. Correct its name',
  EAI_AGAIN: 'the name of the host cannot be looked up at the moment. Check DNS',
  ETIMEDOUT:
    'the host of the URL does not answer, or not in TLS: redis:// is without TLS, rediss:// with TLS. Correct the URL, or let this machine connect to it',
  ...certificateMeanings('REDIS_CA_PATH'),
}

/** Errors without a code of their own, by their text. */
const texts: readonly (readonly [RegExp, string])[] = [
  [/^All sentinels are unreachable/, 'no Sentinel of the URL names the address of the master'],
  [/max number of clients reached/, 'the server has as many connections as its maxclients allows'],
  [/cluster support disabled/, 'the server is not part of a cluster; use a URL without +cluster'],
  [/^Failed to refresh slots cache/, 'no node of the cluster answers'],
]

/** ioredis reports this and goes on with database 0. */
export const isWrongDatabase = ({ message }: Error): boolean =>
  /DB index is out of range|invalid DB index|SELECT is not allowed/i.test(message)

/** The code of the system or of Redis; undefined for an error without one. */
const codeOf = (error: Error): string | undefined =>
  'code' in error && typeof error.code === 'string' ? error.code : /^-?([A-Z]{2,})\b/.exec(error.message)?.[1]

const readOnly: readonly unknown[] = ['READONLY', 'OOM', 'MISCONF', 'NOREPLICAS']

/** The server answers and takes no write. */
export const refusesWrites = (error: unknown): boolean =>
  error instanceof Error && readOnly.includes(codeOf(error))

/** A short reason without the command: errors of ioredis contain the whole command, even the password of AUTH. */
export function reason(error: unknown): string {
  if (!(error instanceof Error)) return 'failed'
  const last = 'lastNodeError' in error ? error.lastNodeError : undefined
  if (last instanceof Error) return reason(last)
  const told = texts.find(([pattern]) => pattern.test(error.message))
  if (told) return told[1]
  const code = codeOf(error)
  if (code === undefined) return 'connection lost'
  const meaning = ownMember(meanings, code)
  return meaning === undefined ? code : `${code}: ${meaning}`
}
