/** Which faults are on: one record for all, so that a list is one read. Each ends by itself. */
import { createPrivateKey } from 'node:crypto'
import * as v from 'valibot'
import { HttpError } from '../../auth/errors.ts'
import { generateKey, type PublicJwk, publicJwk } from '../../auth/jwk.ts'
import { type SigningKey, signingKey } from '../../auth/jws.ts'
import { signingAlgs } from '../../auth/registration.ts'
import { findClient } from '../../clients/find_client.ts'
import { defaultSigningAlg } from '../../clients/signer.ts'
import type { Context } from '../../contracts/context.ts'
import { inNetworks, isLoopbackHost } from '../../lib/address.ts'
import { realClock, seconds } from '../../lib/clock.ts'
import { isIP } from '../../lib/ip.ts'
import { seal, unseal } from '../../lib/seal.ts'
import type { Client } from '../../models/client.ts'
import { defineRecord } from '../../models/define_record.ts'
import { StoreUnavailable } from '../../store/store.ts'
import { type Fault, placesByAddress } from './fault.ts'
import { faultNamed, faults } from './faults.ts'

const longestMinutes = 60
const mostSlow = 25
const mostAtOnce = 100

const Entry = v.object({
  client_id: v.string(),
  fault: v.string(),
  /** When it ends, in seconds. */
  until: v.number(),
  /** The address that the documents without a client are told to. */
  address: v.string(),
  /** Seconds that a slow answer takes. */
  slow: v.number(),
  /** How often it was told. */
  told: v.number(),
  /** Of a fault with a key of its own. */
  key: v.optional(v.object({ alg: v.picklist(signingAlgs), sealed: v.string() })),
})
export type Entry = v.InferOutput<typeof Entry>

const records = defineRecord('lab_trouble', v.object({ entries: v.array(Entry), exp: v.number() }))
const id = 'all'

/** Kept a little longer than any fault, so that the list has no gap while one is added. */
const kept = longestMinutes * 60 * 2

type Change = (entries: readonly Entry[], now: number) => Entry[]

const live = (entries: readonly Entry[], now: number) => entries.filter(({ until }) => until > now)

/** By the clock of the machine: a clock of the lab that is moved back makes no fault last longer. */
const machineNow = ({ clock }: Context): number => seconds(realClock(clock))

async function change(context: Context, next: Change): Promise<void> {
  const now = machineNow(context)
  const exp = seconds(context.clock) + kept
  const made = (entries: readonly Entry[]) => ({ entries: next(live(entries, now), now), exp })
  if (await records.create(context, id, made([]))) return
  if (await records.update(context, id, ({ entries }) => made(entries))) return
  await records.put(context, id, made([]))
}

const isSame = (a: { client_id: string; fault: string }, b: { client_id: string; fault: string }): boolean =>
  a.client_id === b.client_id && a.fault === b.fault

export interface Wish {
  client_id: string
  fault: string
  minutes: number
  address: string
  slow: number
}

const unprocessable = (expected: string, came: unknown, next?: string) =>
  new HttpError('unprocessable', { expected, came, next })

function requireWish({ fault, minutes, address, slow }: Wish, { config }: Context): Fault {
  const found = faultNamed(fault)
  if (!found) throw unprocessable(`fault is one of ${faults.map(({ name }) => name).join(', ')}`, fault)
  if (!(minutes >= 1 && minutes <= longestMinutes))
    throw unprocessable(`minutes is from 1 to ${longestMinutes}`, minutes)
  if (!(slow >= 0 && slow <= mostSlow)) throw unprocessable(`slow is from 0 to ${mostSlow} seconds`, slow)
  if (isIP(address) === 0) throw unprocessable('address is an IP address', address)
  // A relying party outside of the lab would get a wrong JWK Set.
  if (!inNetworks(address, config.labNetworks))
    throw unprocessable('address is in LAB_NETWORKS', address, 'ask the operator to add its network')
  return found
}

/** Only what an operator has marked: a client with real users is told nothing wrong by mistake. */
async function requireLabClient(context: Context, clientId: string): Promise<Client> {
  const client = await findClient(context, clientId)
  if (!client) throw new HttpError('not_found', { expected: 'the client_id of a client', came: clientId })
  if (client.lab_client) return client
  throw new HttpError('forbidden', {
    expected: 'a client that is marked as a client of the lab',
    came: clientId,
    next: `mark it: latchkey client set ${clientId} --lab-client`,
  })
}

const sealText = ({ client_id, fault }: { client_id: string; fault: string }) =>
  `lab trouble\n${client_id}\n${fault}`

async function makeKey(context: Context, client: Client, wish: Wish): Promise<Entry['key']> {
  const alg = client.id_token_signed_response_alg ?? defaultSigningAlg(context)
  const jwk = JSON.stringify((await generateKey(alg)).export({ format: 'jwk' }))
  return { alg, sealed: seal(context.secrets.people, jwk, sealText(wish)) }
}

/** The key of the fault; undefined for one without, or when it cannot be read any more. */
export function keyOf(context: Context, entry: Entry): { key: SigningKey; jwk: PublicJwk } | undefined {
  if (!entry.key) return undefined
  const { alg, sealed } = entry.key
  const text = unseal(context.secrets.people, sealed, sealText(entry))
  if (text === undefined) return undefined
  const jwk = publicJwk(JSON.parse(text) as object, alg)
  const key = createPrivateKey({ key: JSON.parse(text) as JsonWebKey, format: 'jwk' })
  return { key: signingKey(jwk.kid, alg, key), jwk }
}

/** Throws HttpError for a wish that cannot be, and for a client that is not marked. A fault that is on begins anew. */
export async function switchOn(context: Context, wish: Wish): Promise<Entry> {
  const fault = requireWish(wish, context)
  const client = await requireLabClient(context, wish.client_id)
  const key = fault.ownKey && (await makeKey(context, client, wish))
  const { minutes, ...rest } = wish
  const entry: Entry = {
    ...rest,
    until: machineNow(context) + minutes * 60,
    told: 0,
    ...(key && { key }),
  }
  await change(context, (entries) => {
    const others = entries.filter((each) => !isSame(each, entry))
    if (others.length >= mostAtOnce)
      throw unprocessable(`at most ${mostAtOnce} faults at once`, others.length)
    return [...others, entry]
  })
  return entry
}

/** True when it was on. Without `fault` all of the client end. */
export async function switchOff(
  context: Context,
  { client_id, fault }: { client_id: string; fault?: string | undefined },
): Promise<Entry[]> {
  let ended: Entry[] = []
  await change(context, (entries) => {
    ended = entries.filter(
      (each) => each.client_id === client_id && (fault === undefined || each.fault === fault),
    )
    return entries.filter((each) => !ended.includes(each))
  })
  return ended
}

export async function listOn(context: Context): Promise<Entry[]> {
  const record = await records.find(context, id)
  return live(record?.entries ?? [], machineNow(context))
}

/** While the store is down no fault is told: discovery and the JWK Set need no store, and are answered as without the lab. */
async function listOrNone(context: Context): Promise<Entry[]> {
  try {
    return await listOn(context)
  } catch (error) {
    if (error instanceof StoreUnavailable) return []
    throw error
  }
}

const isByAddress = (place: keyof Fault['apply']): boolean => placesByAddress.some((each) => each === place)

/** The faults that speak at this place: to the client, or for a document that names no client to the address. */
export async function faultsAt(
  context: Context,
  place: keyof Fault['apply'],
  to: { clientId?: string; address?: string },
): Promise<{ entry: Entry; fault: Fault }[]> {
  const found = (await listOrNone(context)).flatMap((entry) => {
    const fault = faultNamed(entry.fault)
    const isFor = isByAddress(place)
      ? isSameAddress(entry.address, to.address)
      : entry.client_id === to.clientId
    return fault?.apply[place] && isFor ? [{ entry, fault }] : []
  })
  // The mark may have been taken away since.
  const clients = await Promise.all(found.map(async ({ entry }) => findClient(context, entry.client_id)))
  return found.filter((_, at) => clients[at]?.lab_client)
}

/** A machine has several addresses for itself. */
const isSameAddress = (one: string, other = ''): boolean =>
  one === other || (isLoopbackHost(one) && isLoopbackHost(other))

export const countTold = (context: Context, told: Entry): Promise<void> =>
  change(context, (entries) =>
    entries.map((each) => (isSame(each, told) ? { ...each, told: each.told + 1 } : each)),
  )
