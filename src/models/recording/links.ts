/** Which records belong to one flow, and whom a record names. Exchanges that touch the same record are one flow (flows.ts). */
import * as v from 'valibot'

/** A record of one of these kinds belongs to one authorization. Not: client, session, user, which many flows touch. */
const kindsOfOneFlow = new Set([
  ...['access', 'backchannel_request', 'code', 'device', 'device_user_code', 'grant', 'interaction'],
  ...[
    'pushed_request',
    'pushed_request_used',
    'revoked',
    'upstream_posted',
    'upstream_state',
    'upstream_waiting',
  ],
])

export const kindOfKey = (key: string): string => /^[a-z_]+(?=:|$)/.exec(key)?.[0] ?? 'other'

export const linkOf = (key: string): string | undefined =>
  kindsOfOneFlow.has(kindOfKey(key)) ? key : undefined

/** Records of work that a job does after the answer. */
const kindsOfQueues = new Set(['logout_delivery', 'backchannel_delivery', 'mail'])

export const isQueued = (key: string): boolean => kindsOfQueues.has(kindOfKey(key))

const signOut = 'sign_out'

/** The pages and forms with which one session is ended are one flow, however many grants end with it. */
export const signOutOf = (session: string): string => `${signOut}:${session}`

export const isSignOutLink = (link: string): boolean => kindOfKey(link) === signOut

/** Records that a page reads of each flow of an End-User, and a sign-out ends. */
const kindsOfTokens = new Set(['access', 'grant', 'revoked'])

/** Whether the record is one request of an authorization, such as its code or its interaction. */
export const isOfRequest = (link: string): boolean => !kindsOfTokens.has(kindOfKey(link))

const Named = v.object({
  client_id: v.optional(v.string()),
  sub: v.optional(v.string()),
  username: v.optional(v.string()),
  params: v.optional(v.object({ client_id: v.optional(v.string()) })),
})

/** Kinds whose value says who takes part. */
const naming = new Set([...kindsOfOneFlow, 'session', 'user'])

export interface Names {
  clientId?: string | undefined
  sub?: string | undefined
  username?: string | undefined
}

export function namesIn(key: string, value: string | undefined): Names {
  const kind = kindOfKey(key)
  if (value === undefined || !naming.has(kind) || !value.startsWith('{')) return {}
  const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), Named), value)
  if (!parsed.success) return {}
  const { client_id, sub, username, params } = parsed.output
  return { clientId: client_id ?? params?.client_id, sub, username: kind === 'user' ? username : undefined }
}
