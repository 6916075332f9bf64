/** The access of each client to the account of an End-User: consent, active grants, or both. */
import type { Context } from '../../contracts/context.ts'
import { audienceOf } from '../../flow/grant_extra.ts'
import { Client } from '../../models/client.ts'
import { Consent } from '../../models/consent.ts'
import { Grant } from '../../models/grant.ts'

export interface Access {
  clientId: string
  /** Undefined when it is not registered any more, or described by a metadata document: this page fetches none. */
  client: Client | undefined
  consent: Consent | undefined
  scope: string[]
  /** Claims requested individually (`claims` parameter). */
  claims: string[]
  /** The APIs that its tokens are for. */
  audience: string[]
  /** Milliseconds: when the client last received tokens, by an authorization or a refresh token. */
  usedAt: number | undefined
}

/** Clients on the page. */
const most = 200

export async function accessOfUser(context: Context, sub: string): Promise<Access[]> {
  const [agreed, grants] = await Promise.all([
    Consent.clientsOf(context, sub, most),
    Grant.listOfUser(context, sub),
  ])
  const clientIds = [...new Set([...agreed, ...grants.map(({ client_id }) => client_id)])].slice(0, most)
  const found = await Promise.all(
    clientIds.map(async (clientId): Promise<Access | undefined> => {
      const own = grants.filter(({ client_id }) => client_id === clientId)
      const [client, consent] = await Promise.all([
        Client.find(context, clientId),
        Consent.find(context, sub, clientId),
      ])
      if (!consent && own.length === 0) return undefined // the consent has expired
      return { clientId, client, consent, ...sumOf(own, consent, context) }
    }),
  )
  return found.filter((each) => each !== undefined).sort((a, b) => (b.usedAt ?? 0) - (a.usedAt ?? 0))
}

function sumOf(grants: readonly Grant[], consent: Consent | undefined, context: Context) {
  const names = grants.flatMap(({ claims }) => [
    ...Object.keys(claims?.userinfo ?? {}),
    ...Object.keys(claims?.id_token ?? {}),
  ])
  const used = grants.flatMap(({ begun_at, refresh }) => [
    ...(begun_at === undefined ? [] : [begun_at * 1000]),
    ...(refresh ? [refresh.rotated_at] : []),
  ])
  return {
    scope: [...new Set([...(consent?.scope ?? []), ...grants.flatMap(({ scope }) => scope)])],
    claims: [...new Set([...(consent?.claims ?? []), ...names])],
    audience: [
      ...new Set([
        ...(consent ? Consent.resourcesOf(consent) : []),
        ...grants.flatMap((grant) => audienceOf(grant, context)),
      ]),
    ],
    usedAt: used.length > 0 ? Math.max(...used) : undefined,
  }
}
