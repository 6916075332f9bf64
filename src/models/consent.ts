/** What an End-User agreed that a client may have, remembered so that the consent page is shown once. */
import * as v from 'valibot'
import { openObject } from './declared.ts'
import { defineRecord, type Memory } from './define_record.ts'
import { seconds } from '../lib/clock.ts'

/** What was agreed for one API and, of an unverified client, for one name, logo and redirect origin. */
const Part = v.object({
  /** The API that the tokens are for (RFC 8707); absent for tokens that name none. */
  resource: v.optional(v.string()),
  /** Of an unverified client: hash of the name, the logo and the redirect origin that the page showed. */
  shown_as: v.optional(v.string()),
  scope: v.array(v.string()),
  claims: v.array(v.string()),
})
type Part = v.InferOutput<typeof Part>

const schema = openObject({
  /** All scopes that were agreed, for lists. `parts` decides. */
  scope: v.array(v.string()),
  /** Names of claims that the `claims` parameter requested, likewise. */
  claims: v.array(v.string()),
  /** Absent in records of older versions: one part with `scope` and `claims`. */
  parts: v.optional(v.array(Part)),
  granted_at: v.number(),
  exp: v.number(),
})
const records = defineRecord('consent', schema)

export interface Consent extends v.InferOutput<typeof schema> {}

/** What a request asks the End-User to agree to. */
export interface Agreement extends Omit<Part, 'resource'> {
  /** The APIs that the tokens are for (RFC 8707). */
  resources?: readonly string[] | undefined
}

/** The oldest parts are dropped; their scopes are asked for again. */
const mostParts = 100

const partsOf = ({ parts, scope, claims }: Consent): readonly Part[] => parts ?? [{ scope, claims }]

const union = (lists: readonly (readonly string[])[]): string[] => [...new Set(lists.flat())]

/** The parts that a request needs, one for each API. */
const needed = ({ resources = [], shown_as, scope, claims }: Agreement): Part[] =>
  (resources.length > 0 ? resources : [undefined]).map((resource) => ({ resource, shown_as, scope, claims }))

const isFor =
  (one: Part) =>
  (other: Part): boolean =>
    one.resource === other.resource && one.shown_as === other.shown_as

function joined(before: readonly Part[], added: readonly Part[]): Part[] {
  const kept = before.filter((part) => !added.some(isFor(part)))
  const extended = added.map((part) => {
    const same = before.filter(isFor(part))
    return {
      ...part,
      scope: union([...same.map(({ scope }) => scope), part.scope]),
      claims: union([...same.map(({ claims }) => claims), part.claims]),
    }
  })
  return [...kept, ...extended].slice(-mostParts)
}

/** Encoded, so that a `|` in a value cannot make two pairs equal. */
const id = (sub: string, clientId: string) => `${encodeURIComponent(sub)}|${clientId}`
const ofUser = (sub: string) => `user_consents:${sub}`

export const Consent = {
  find: (memory: Memory, sub: string, clientId: string) => records.find(memory, id(sub, clientId)),

  /** Adds to the consent; what was agreed before stays agreed. `lifetime` in seconds. */
  async extend(
    memory: Memory,
    sub: string,
    clientId: string,
    given: Agreement,
    lifetime: number,
  ): Promise<void> {
    const now = seconds(memory.clock)
    const withParts = (parts: Part[]): Consent => ({
      scope: union(parts.map(({ scope }) => scope)),
      claims: union(parts.map(({ claims }) => claims)),
      parts,
      granted_at: now,
      exp: now + lifetime,
    })
    const fresh = withParts(needed(given))
    const merge = (before: Consent): Consent => withParts(joined(partsOf(before), needed(given)))
    await memory.store.link(ofUser(sub), clientId, now)
    if (await records.create(memory, id(sub, clientId), fresh)) return
    if (!(await records.update(memory, id(sub, clientId), merge)))
      await records.put(memory, id(sub, clientId), fresh)
  },

  /** True for the one caller that withdrew it. */
  async withdraw(memory: Memory, sub: string, clientId: string): Promise<boolean> {
    const taken = await records.take(memory, id(sub, clientId))
    await memory.store.unlink(ofUser(sub), clientId)
    return taken !== undefined
  },

  /** The client_ids that the End-User agreed to, at most `limit`. Some of these consents may have expired. */
  async clientsOf(memory: Memory, sub: string, limit: number): Promise<string[]> {
    return (await memory.store.range(ofUser(sub), { limit })).map(({ member }) => member)
  },

  /** What was agreed before under the same name and for the same APIs; undefined when the request has another of them. */
  before(consent: Consent | undefined, asked: Agreement): Pick<Consent, 'scope' | 'claims'> | undefined {
    if (!consent) return undefined
    const found = needed(asked).map((part) => partsOf(consent).find(isFor(part)))
    const inAll = (member: 'scope' | 'claims') =>
      asked[member].filter((name) => found.every((part) => part?.[member].includes(name)))
    return found.every((part) => part !== undefined)
      ? { scope: inAll('scope'), claims: inAll('claims') }
      : undefined
  },

  /** Whether the consent includes every scope and claim of the request, for each of its APIs. */
  covers(consent: Consent | undefined, asked: Agreement): boolean {
    const agreed = Consent.before(consent, asked)
    return (
      agreed !== undefined &&
      asked.scope.every((each) => agreed.scope.includes(each)) &&
      asked.claims.every((each) => agreed.claims.includes(each))
    )
  },

  /** The APIs that tokens were agreed for. */
  resourcesOf: (consent: Consent): string[] =>
    union([partsOf(consent).flatMap(({ resource }) => (resource === undefined ? [] : [resource]))]),
}
