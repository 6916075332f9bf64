/** What the rate limit of a request counts: a client or an access token that it proves, else its address. docs/decisions/0056 */
import type { Credentials } from '../auth/client_auth.ts'
import type { Call } from '../contracts/call.ts'
import type { Context } from '../contracts/context.ts'
import type { Endpoint } from '../contracts/endpoint.ts'
import type { LiveToken } from '../contracts/live_token.ts'
import type { Reply } from '../contracts/reply.ts'
import { findClient } from '../clients/find_client.ts'
import { clientRangeOf } from '../lib/address.ts'
import { sha256 } from '../lib/hash.ts'
import type { Client } from '../models/client.ts'
import { countAddress, countTry, requireTriesLeft } from '../people/rate_limit.ts'

const windowSeconds = 60

/** Answers a request and counts it once. HEAD counts the address: its context keeps no write. */
export async function limitedAnswer(
  call: Call,
  context: Context,
  limited: NonNullable<Endpoint['limited']>,
  answerNow: () => Promise<Reply> | Reply,
): Promise<Reply> {
  if (limited === true || call.method === 'HEAD') {
    await countAnonymous(call, context)
    return answerNow()
  }
  try {
    return await answerNow()
  } finally {
    // Nothing was proven, so the request was refused. Beyond the limit, 429 takes the place of that refusal.
    if (!call.counted) await countAnonymous(call, context)
  }
}

/** Whether the request is still to be counted; from now on it is not. */
function isUncounted(call: Call, { config }: Context): boolean {
  if (!config.rateLimitingEnabled || call.counted) return false
  return (call.counted = true)
}

export async function countAnonymous(call: Call, context: Context): Promise<void> {
  if (!isUncounted(call, context)) return
  await countAddress(context, 'requests', call.address, context.config.rateLimitPerMinute, windowSeconds)
}

/**
 * Counts a request of a client that proved itself. One that registered itself counts by its address: a stranger can
 * register any number of clients, and each would have a window. `guessable`: it did so by a secret. Then it is refused where the
 * address has tried too many others. Both are one round trip.
 */
export async function countClient(
  call: Call,
  context: Context,
  { client_id, self_registered }: Client,
  guessable = false,
): Promise<void> {
  if (self_registered) return countAnonymous(call, context)
  if (!isUncounted(call, context)) return
  const limit = context.config.clientRateLimitPerMinute
  await Promise.all([
    countTry(context, 'client_requests', client_id, limit, windowSeconds, { client_id }),
    guessable && requireGuessesLeft(call, context, client_id),
  ])
}

/** Throws where the address has tried too many secrets of this client: the answer to a request would say whether its secret is right. */
export async function requireGuessesLeft(call: Call, context: Context, clientId: string): Promise<void> {
  const { rateLimitingEnabled, rateLimitPerMinute } = context.config
  if (!rateLimitingEnabled) return
  await requireTriesLeft(
    context,
    'client_secrets',
    guesserOf(call, clientId),
    rateLimitPerMinute,
    windowSeconds,
  )
}

/** Counts a request whose proof of the client by a secret was wrong. The same wrong secret is one guess, however often it comes. */
export async function countGuess(
  call: Call,
  context: Context,
  { client_id }: Client,
  credentials: Credentials,
): Promise<void> {
  if (!context.config.rateLimitingEnabled) return
  const guesser = guesserOf(call, client_id)
  const count = async (): Promise<true> => {
    const { address } = call
    const limit = context.config.rateLimitPerMinute
    await countTry(context, 'client_secrets', guesser, limit, windowSeconds, { client_id, address })
    return true
  }
  // A header with two readings is two guesses.
  const guesses = 'secrets' in credentials ? credentials.secrets : [JSON.stringify(credentials)]
  await Promise.all([
    ...guesses.map((each) => context.wrongSecrets.get(sha256(`${guesser} ${each}`), count)),
    countAnonymous(call, context),
  ])
}

const guesserOf = ({ address }: Call, clientId: string): string => `${clientRangeOf(address)} ${clientId}`

/**
 * Counts a request with a valid access token: by its End-User and its client, so that no End-User uses up the window of
 * another, and that authorizing again gives no further window. All clients that registered themselves share the window of
 * their End-User, and without one the window of the address: a stranger can register any number of them.
 */
export async function countToken(call: Call, context: Context, { claims, grant }: LiveToken): Promise<void> {
  const { client_id } = claims
  const client = await findClient(context, client_id) // in the cache: `findAccessToken` has found it
  const isStranger = !client || client.self_registered
  if (!grant && isStranger) return countAnonymous(call, context)
  if (!isUncounted(call, context)) return
  const owner = [grant?.sub ?? '', isStranger ? '' : client_id].join(' ')
  const limit = context.config.tokenRateLimitPerMinute
  await countTry(context, 'token_requests', owner, limit, windowSeconds, { client_id })
}

/** Counts one more request of the same caller: each request of a bulk call is one. Throws 429. */
export function countFurther(call: Call, context: Context, live: LiveToken): Promise<void> {
  call.counted = false
  return countToken(call, context, live)
}
