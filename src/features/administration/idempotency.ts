/** Idempotency-Key: a creation that is sent again is answered alike and made once. https://datatracker.ietf.org/doc/html/draft-ietf-httpapi-idempotency-key-header */
import * as v from 'valibot'
import { HttpError } from '../../auth/errors.ts'
import { RefusedError, secret } from '../../auth/refusal.ts'
import type { Context } from '../../contracts/context.ts'
import { seconds } from '../../lib/clock.ts'
import { sha256 } from '../../lib/hash.ts'
import { seal, unseal } from '../../lib/seal.ts'
import { defineRecord } from '../../models/define_record.ts'
import type { Actor } from './actor.ts'
import type { Done, Route } from './route.ts'

const schema = v.object({
  /** Of the body, sealed: a body may have a password, which could be guessed from a plain hash. */
  hash: v.string(),
  /** The answer without what is shown once, sealed; absent while the first request runs. */
  done: v.optional(v.string()),
  /** The first request ended with an error on our side. */
  failed: v.optional(v.boolean()),
  /** Seconds: when the first request began. */
  since: v.optional(v.number(), 0),
  exp: v.number(),
})
const records = defineRecord('admin_request', schema)

/**
 * Seconds for which a key and its answer are kept. A request that did not end holds its key as long: what it made cannot be
 * known, and to make it again would be twice.
 */
const kept = 86_400
/** Seconds after which a request that has not ended has most likely stopped. */
const usual = 120

const longestKey = 200

interface Asked {
  actor: Actor
  route: Route
  key: string
  body: unknown
}

/** A key is of one caller and one route: what another caller sends under the same key is another request. */
const idOf = ({ actor, route, key }: Asked): string =>
  sha256(JSON.stringify([actor.sub ?? null, actor.clientId ?? null, route.method, route.path, key]))

export function readKey(header: string | null): string | undefined {
  if (header === null) return undefined
  if (header.length > 0 && header.length <= longestKey && /^[\x21-\x7e]+$/.test(header)) return header
  throw new HttpError('bad_request', {
    expected: `an Idempotency-Key of 1 to ${longestKey} visible characters of ASCII`,
    came: secret(header),
    problem: 'the Idempotency-Key is empty, too long, or has other characters',
  })
}

const purpose = (id: string): string => `admin request ${id}`

function withoutSecrets(answer: unknown, once: readonly string[]): unknown {
  if (typeof answer !== 'object' || answer === null) return answer
  return Object.fromEntries(Object.entries(answer).filter(([name]) => !once.includes(name)))
}

/**
 * Runs `make` for the first of all requests with this key. One verb decides: `create`. A later one gets the same answer
 * without the members in `once`; one with another body, or while the first one runs, is refused.
 */
export async function once(
  context: Context,
  asked: Asked,
  make: () => Promise<Done<unknown>>,
): Promise<Done<unknown> & { replayed?: true }> {
  const id = idOf(asked)
  const hash = sha256(JSON.stringify(asked.body))
  const sealed = seal(context.secrets.people, hash, purpose(id))
  const since = seconds(context.clock)
  const started = { hash: sealed, since, exp: since + kept }
  if (!(await records.create(context, id, started))) return replay(context, id, hash)
  let done: Done<unknown>
  try {
    done = await make()
  } catch (error) {
    // Of a refusal nothing was made, so the key is free. After any other error something may have been.
    if (error instanceof RefusedError && error.status < 500) await records.take(context, id)
    else await records.put(context, id, { ...started, failed: true }).catch(() => {}) // the first error is told
    throw error
  }
  const told = { ...done, answer: withoutSecrets(done.answer, asked.route.creates?.once ?? []) }
  await records.put(context, id, {
    hash: sealed,
    done: seal(context.secrets.people, JSON.stringify(told), purpose(id)),
    since,
    exp: seconds(context.clock) + kept,
  })
  return done
}

async function replay(
  context: Context,
  id: string,
  hash: string,
): Promise<Done<unknown> & { replayed: true }> {
  const found = await records.find(context, id)
  if (found && unseal(context.secrets.people, found.hash, purpose(id)) !== hash)
    throw new HttpError('unprocessable', {
      expected: 'the body that came first with this Idempotency-Key',
      problem: 'this Idempotency-Key came before, with another body; nothing was made now',
      next: 'choose a new key for a new request',
    })
  const opened =
    found?.done === undefined ? undefined : unseal(context.secrets.people, found.done, purpose(id))
  if (opened === undefined)
    throw found?.failed ? failed() : notEnded(found && seconds(context.clock) - found.since >= usual)
  return { ...(JSON.parse(opened) as Done<unknown>), replayed: true }
}

const lookFirst =
  'look into the list for what it made; when there is nothing, send the request with a new key'

const failed = (): HttpError =>
  new HttpError('conflict', {
    expected: 'that the first request with this Idempotency-Key has succeeded',
    problem:
      'the first request with this Idempotency-Key ended with an error of the server (5xx) and may have made something; nothing was made now',
    next: lookFirst,
  })

const notEnded = (isLate: boolean | undefined): HttpError =>
  new HttpError('conflict', {
    expected: 'that the first request with this Idempotency-Key has ended',
    ...(isLate
      ? {
          problem: `the first request with this Idempotency-Key has not ended for ${usual} seconds: it goes on, or it stopped and may have made something; nothing was made now`,
          next: lookFirst,
        }
      : {
          problem: 'the first request with this Idempotency-Key is still running; nothing was made now',
          next: 'send it again shortly',
          retryAfter: 2,
        }),
  })
