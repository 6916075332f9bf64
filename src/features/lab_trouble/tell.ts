/** Tells a client the faults that are on for it, at the place where each speaks. */
import type { Call } from '../../contracts/call.ts'
import type { Context } from '../../contracts/context.ts'
import type { Reply } from '../../contracts/reply.ts'
import type { Client } from '../../models/client.ts'
import { seconds } from '../../lib/clock.ts'
import type { ResponseParams, Fault, Json, Places, Told } from './fault.ts'
import { countTold, type Entry, faultsAt, keyOf } from './trouble.ts'
import { madeTokenOf, writeToken } from './wrong_token.ts'

type Place = keyof Places
type To = Parameters<typeof faultsAt>[2]

/**
 * Runs each fault of the place on what the one before has made. One that changes nothing is not counted as told; an answer
 * that is surely another is counted before it is sent, because the client may not wait for it.
 */
async function tell<T>(
  context: Context,
  { place, to, call, isSure = false }: { place: Place; to: To; call?: Call | undefined; isSure?: boolean },
  right: T,
  apply: (given: T, fault: Fault, told: Told) => Promise<T> | T,
): Promise<T> {
  let given = right
  for (const { entry, fault } of await faultsAt(context, place, to)) {
    const count = async () => {
      await countTold(context, entry)
      const { client_id } = entry
      context.log.info('lab_trouble_told', {
        request_id: call?.requestId,
        client_id,
        fault: fault.name,
        place,
      })
    }
    if (isSure) await count()
    const next = await apply(given, fault, toldOf(context, entry))
    if (!isSure && next !== given) await count()
    given = next
  }
  return given
}

const toldOf = (context: Context, entry: Entry): Told => ({
  clientId: entry.client_id,
  now: seconds(context.clock),
  stranger: keyOf(context, entry),
  wait: () => Bun.sleep(entry.slow * 1000),
})

const isUnchanged = (made: Json, changed: Json | undefined): boolean =>
  Object.entries(changed ?? {}).every(([name, value]) => made[name] === value)

/** The ID Token in place of `jwt`; undefined when no fault changes it. */
export async function tellToken(context: Context, client: Client, jwt: string): Promise<string | undefined> {
  const told = await tell(
    context,
    { place: 'idToken', to: { clientId: client.client_id } },
    jwt,
    async (given, { apply }, about) => {
      const made = madeTokenOf(given)
      const wrong = apply.idToken!(made, about)
      const isSame =
        wrong.signer === undefined &&
        isUnchanged(made.claims, wrong.claims) &&
        isUnchanged(made.header, wrong.header)
      return isSame ? given : writeToken(context, made, wrong, about)
    },
  )
  return told === jwt ? undefined : told
}

export const tellResponse = (
  context: Context,
  client: Client,
  params: ResponseParams,
): Promise<ResponseParams> =>
  tell(context, { place: 'response', to: { clientId: client.client_id } }, params, (given, { apply }) => {
    const next = apply.response!(given)
    return isUnchanged(given, next) && isUnchanged(next, given) ? given : next
  })

/** The answer of the token endpoint to a client that is known. A refusal is thrown and does not come here. */
export function tellTokens(call: Call, context: Context, reply: Reply): Promise<Reply> | Reply {
  const clientId = call.client?.client_id
  if (clientId === undefined) return reply
  return tell(
    context,
    { place: 'token', to: { clientId }, call, isSure: true },
    reply,
    async (given, { apply }, about) => ({
      ...(await apply.token!(given, about)),
    }),
  )
}

const documentOf = ({ body }: Reply): Json | undefined =>
  typeof body === 'string' && body.startsWith('{') ? (JSON.parse(body) as Json) : undefined

/** No cache may keep what is for one client: another client could be given it. */
const rewritten = (reply: Reply, document: Json): Reply => ({
  ...reply,
  body: JSON.stringify(document),
  headers: { ...reply.headers, 'cache-control': 'no-store' },
})

/** Only JSON: a document that is signed or encrypted for the client stays as it is. */
export function tellUserinfo(call: Call, context: Context, reply: Reply): Promise<Reply> | Reply {
  const { clientId } = call // the client of the access token, which the endpoint has checked
  if (clientId === undefined || !documentOf(reply)) return reply
  return tell(
    context,
    { place: 'userinfo', to: { clientId }, call, isSure: true },
    reply,
    (given, { apply }) => rewritten(given, apply.userinfo!(documentOf(given)!)),
  )
}

const isReply = (made: Json | Reply): made is Reply => 'status' in made && 'headers' in made

export const tellPublic = (call: Call, context: Context, place: 'jwks' | 'discovery', reply: Reply) =>
  tell(
    context,
    { place, to: { address: call.address }, call, isSure: true },
    reply,
    async (given, { apply }, about) => {
      const made = await apply[place]!(documentOf(given)!, about)
      return isReply(made) ? made : rewritten(given, made)
    },
  )
