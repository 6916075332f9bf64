/** A request that waits for its person, found by its own id, by the person, or by the client's auth_req_id. https://openid.net/specs/openid-client-initiated-backchannel-authentication-core-1_0.html#successful_authentication_request_acknowdlegment */
import * as v from 'valibot'
import type { Context } from '../../contracts/context.ts'
import { seconds } from '../../lib/clock.ts'
import { equalInConstantTime } from '../../lib/equal.ts'
import { deriveKey, hmac } from '../../lib/hash.ts'
import { seal, unseal } from '../../lib/seal.ts'
import { defineRecord } from '../../models/define_record.ts'
import { GrantExtra } from '../../models/grant.ts'
import { modes } from './settings.ts'

const schema = v.object({
  id: v.string(),
  client_id: v.string(),
  sub: v.string(),
  scope: v.array(v.string()),
  /** What other features' parameters add to the grant. */
  extra: GrantExtra,
  mode: v.picklist(modes),
  binding_message: v.optional(v.string()),
  /** Sealed: the client's secret, not ours. */
  notification_token: v.optional(v.string()),
  /** The key that pushed tokens are bound to. */
  bound: v.optional(v.object({ cnf: v.record(v.string(), v.unknown()), token_type: v.string() })),
  status: v.picklist(['pending', 'approved', 'denied', 'expired', 'redeemed']),
  grant_id: v.optional(v.string()),
  /** Seconds between polls; grows with impatience. */
  interval: v.number(),
  /** Milliseconds. */
  polled_at: v.number(),
  /** Seconds: the end of the auth_req_id. The record outlives it, so that the client can be told why. */
  expires_at: v.number(),
  exp: v.number(),
})
export const BackchannelRequest = defineRecord('backchannel_request', schema)
export type BackchannelRequest = v.InferOutput<typeof schema>

/** Seconds for which a request is remembered beyond its end, deliveries of its outcome included. */
export const remembered = 1200

const idLength = 20

export const newRequestId = (context: Context): string => context.random(15)

const key = ({ config }: Context) => deriveKey(config.secretKey, 'backchannel authentication')

/** The id and a MAC over it: it can be sent again when the time has come without having been stored (§7.3). */
export const authReqId = (id: string, context: Context): string => `${id}${hmac(key(context), id)}`

/** The id of the request; undefined for what we never issued. */
export function readAuthReqId(handle: string, context: Context): string | undefined {
  const id = handle.slice(0, idLength)
  return equalInConstantTime(handle, authReqId(id, context)) ? id : undefined
}

export const sealToken = (token: string, id: string, context: Context): string =>
  seal(key(context), token, id)
export const notificationToken = (request: BackchannelRequest, context: Context): string | undefined =>
  request.notification_token === undefined
    ? undefined
    : unseal(key(context), request.notification_token, request.id)

const ofPerson = (sub: string) => `backchannel_requests:${sub}`

export async function remember(context: Context, request: BackchannelRequest): Promise<void> {
  const ttl = request.exp * 1000 - context.clock.now()
  await BackchannelRequest.put(context, request.id, request)
  await context.store.trim(ofPerson(request.sub), context.clock.now()) // whoever never looks has a list as well
  await context.store.link(ofPerson(request.sub), request.id, request.expires_at * 1000, ttl)
}

export const isOpen = (request: BackchannelRequest, context: Context): boolean =>
  request.status === 'pending' && request.expires_at > seconds(context.clock)

/** What waits for this person, soonest end first; at most fifty are looked at. */
export async function waitingFor(context: Context, sub: string): Promise<BackchannelRequest[]> {
  await context.store.trim(ofPerson(sub), context.clock.now())
  const ids = await context.store.range(ofPerson(sub), { limit: 50 })
  const found = await Promise.all(ids.map(({ member }) => BackchannelRequest.find(context, member)))
  return found.filter((each) => each !== undefined).filter((each) => isOpen(each, context))
}

/** The first answer counts: undefined for every other, and once time is up. */
export async function answer(
  context: Context,
  id: string,
  outcome: { status: 'approved'; grant_id: string } | { status: 'denied' },
): Promise<BackchannelRequest | undefined> {
  const answered = await BackchannelRequest.update(context, id, (current) =>
    isOpen(current, context) ? { ...current, ...outcome } : undefined,
  )
  if (answered) await context.store.unlink(ofPerson(answered.sub), id)
  return answered
}
