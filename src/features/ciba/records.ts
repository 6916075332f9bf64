/** The record of a backchannel authentication request, found by id, by End-User, or by the client's auth_req_id. https://openid.net/specs/openid-client-initiated-backchannel-authentication-core-1_0.html#successful_authentication_request_acknowdlegment */
import * as v from 'valibot'
import type { Context } from '../../contracts/context.ts'
import { seconds } from '../../lib/clock.ts'
import { seal, unseal } from '../../lib/seal.ts'
import { deriveKeys, isMacOf, macOf } from '../../lib/secret_keys.ts'
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
  /** The `acr_values`: an approval reaches one of these levels. */
  acr: v.optional(v.array(v.string())),
  mode: v.picklist(modes),
  binding_message: v.optional(v.string()),
  /** Encrypted, because it is a secret of the client. */
  notification_token: v.optional(v.string()),
  /** The key that pushed tokens are bound to. */
  bound: v.optional(v.object({ cnf: v.record(v.string(), v.unknown()), token_type: v.string() })),
  status: v.picklist(['pending', 'approved', 'denied', 'expired', 'redeemed']),
  grant_id: v.optional(v.string()),
  /** Seconds between polls; grows each time the client polls too early. */
  interval: v.number(),
  /** Milliseconds. */
  polled_at: v.number(),
  /** Seconds: when the auth_req_id expires. The record lives longer, so that the client gets `expired_token`. */
  expires_at: v.number(),
  exp: v.number(),
})
export const BackchannelRequest = defineRecord('backchannel_request', schema)
export type BackchannelRequest = v.InferOutput<typeof schema>

/** Seconds for which a request is kept after it expires, for the deliveries of its outcome too. */
export const retention = 1200

const idLength = 20

export const newRequestId = (context: Context): string => context.random(15)

const key = ({ config }: Context) => deriveKeys(config.secretKey, 'backchannel authentication')

/** The id and a MAC over it: the notification can repeat it, although it is not stored (§7.3). */
export const authReqId = (id: string, context: Context): string => `${id}${macOf(key(context), id)}`

/** The id of the request; undefined for an auth_req_id that this provider did not issue. */
export function readAuthReqId(handle: string, context: Context): string | undefined {
  const id = handle.slice(0, idLength)
  return isMacOf(key(context), id, handle.slice(idLength)) ? id : undefined
}

export const sealToken = (token: string, id: string, context: Context): string =>
  seal(key(context), token, id)
export const notificationToken = (request: BackchannelRequest, context: Context): string | undefined =>
  request.notification_token === undefined
    ? undefined
    : unseal(key(context), request.notification_token, request.id)

const ofUser = (sub: string) => `backchannel_requests:${sub}`

export async function storeRequest(context: Context, request: BackchannelRequest): Promise<void> {
  const ttl = request.exp * 1000 - context.clock.now()
  await BackchannelRequest.put(context, request.id, request)
  await context.store.trim(ofUser(request.sub), context.clock.now()) // the list must not grow when the End-User never opens the page
  await context.store.link(ofUser(request.sub), request.id, request.expires_at * 1000, ttl)
}

export const isOpen = (request: BackchannelRequest, context: Context): boolean =>
  request.status === 'pending' && request.expires_at > seconds(context.clock)

/** The pending requests of this End-User, soonest expiry first; at most 50 are read. */
export async function pendingOf(context: Context, sub: string): Promise<BackchannelRequest[]> {
  await context.store.trim(ofUser(sub), context.clock.now())
  const ids = await context.store.range(ofUser(sub), { limit: 50 })
  const found = await Promise.all(ids.map(({ member }) => BackchannelRequest.find(context, member)))
  return found.filter((each) => each !== undefined).filter((each) => isOpen(each, context))
}

/** Only the first answer counts: undefined for every later one, and after expiry. */
export async function answer(
  context: Context,
  id: string,
  outcome: { status: 'approved'; grant_id: string } | { status: 'denied' },
): Promise<BackchannelRequest | undefined> {
  const answered = await BackchannelRequest.update(context, id, (current) =>
    isOpen(current, context) ? { ...current, ...outcome } : undefined,
  )
  if (answered) await context.store.unlink(ofUser(answered.sub), id)
  return answered
}
