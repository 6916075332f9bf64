/** Links between upstream identities (iss, sub) and local accounts: one record per identity, and a list per account. */
import * as v from 'valibot'
import type { Context } from '../../contracts/context.ts'
import type { SealedRecords } from '../../contracts/protocol_sockets.ts'
import { sha256 } from '../../lib/hash.ts'
import { seal, unseal } from '../../lib/seal.ts'
import { defineRecord, type Memory } from '../../models/define_record.ts'
import { everyMember } from '../../models/every_member.ts'
import { type Resealed, resealRecord } from '../../models/reseal.ts'
import { type Identity, shownIdentity } from './identity.ts'
import type { Upstream } from './settings.ts'
import { Tokens } from './tokens.ts'

const schema = v.object({
  sub: v.string(),
  /** Id of the configured provider. */
  provider: v.string(),
  issuer: v.string(),
  subject: v.string(),
  /** The text by which the End-User recognises it. */
  shown: v.string(),
  /** Milliseconds. */
  created_at: v.number(),
  used_at: v.number(),
  /** `Tokens` as JSON. */
  sealed_tokens: v.optional(v.string()),
  /** Milliseconds: a request began to create the account at this time and has not finished. */
  making_since: v.optional(v.number()),
})
const records = defineRecord('upstream', schema)

export type Link = v.InferOutput<typeof schema>
export interface StoredLink {
  id: string
  link: Link
}

const ofUser = (sub: string) => `user_upstreams:${sub}`
const maxLinks = 100

/** From issuer and subject only: an address can be reassigned to another End-User (OpenID Connect Core §5.7). */
export const idOf = ({ issuer, subject }: Pick<Identity, 'issuer' | 'subject'>): string =>
  sha256(JSON.stringify([issuer, subject]))

const label = (id: string) => `upstream tokens ${id}`

const sealTokens = (context: Context, id: string, tokens: Tokens): string =>
  seal(context.secrets.people, JSON.stringify(tokens), label(id))

/** Undefined without tokens, or if they were sealed with another SECRET_KEY. */
export function openTokens(context: Context, { id, link }: StoredLink): Tokens | undefined {
  const text =
    link.sealed_tokens === undefined
      ? undefined
      : unseal(context.secrets.people, link.sealed_tokens, label(id))
  const read = text === undefined ? undefined : v.safeParse(Tokens, JSON.parse(text))
  return read?.success ? read.output : undefined
}

const index = (memory: Memory, id: string, { sub, created_at }: Link): Promise<unknown> =>
  memory.store.link(ofUser(sub), id, created_at)

export const Links = {
  find: records.find,

  ofIdentity: (memory: Memory, identity: Identity): Promise<Link | undefined> =>
    records.find(memory, idOf(identity)),

  /** True for exactly one caller; false if the identity is already linked with any account. */
  async create(
    context: Context,
    upstream: Upstream,
    identity: Identity,
    sub: string,
    tokens: Tokens,
    isNew = false,
  ): Promise<boolean> {
    const id = idOf(identity)
    const now = context.clock.now()
    const link: Link = {
      sub,
      provider: upstream.id,
      issuer: identity.issuer,
      subject: identity.subject,
      shown: shownIdentity(identity),
      created_at: now,
      used_at: now,
      sealed_tokens: sealTokens(context, id, tokens),
      ...(isNew && { making_since: now }),
    }
    // The list first: a link that is in no list could sign in, and its owner could neither see nor remove it.
    await index(context, id, link)
    if (await records.create(context, id, link)) return true
    if ((await records.find(context, id))?.sub !== sub) await context.store.unlink(ofUser(sub), id)
    return false
  },

  /** For exactly one caller: takes over the creation of an account that began more than `afterMs` ago and did not finish. */
  takeOver: (context: Context, id: string, afterMs: number): Promise<Link | undefined> =>
    records.update(context, id, (link) =>
      link.making_since !== undefined && context.clock.now() - link.making_since > afterMs
        ? { ...link, making_since: context.clock.now() }
        : undefined,
    ),

  /** The account of the link now exists. */
  accountCreated: (context: Context, id: string): Promise<unknown> =>
    records.update(context, id, ({ making_since: _, ...link }) => link),

  /** Records a sign-in and its tokens. Also repairs the list of the account if that write failed before. */
  async used(context: Context, upstream: Upstream, identity: Identity, tokens: Tokens): Promise<void> {
    const id = idOf(identity)
    const link = await records.update(context, id, (current) => ({
      ...current,
      provider: upstream.id,
      shown: shownIdentity(identity),
      used_at: context.clock.now(),
      // Some providers return a refresh token at the first sign-in only.
      sealed_tokens: sealTokens(context, id, {
        ...refreshOf(openTokens(context, { id, link: current })),
        ...tokens,
      }),
    }))
    if (link) await index(context, id, link)
  },

  reseal: (context: Context, id: string, write: boolean): Promise<Resealed | undefined> =>
    resealRecord(context.secrets.people, write, {
      find: () => records.find(context, id),
      update: (change) => records.update(context, id, change),
      sealedOf: ({ sealed_tokens }) => sealed_tokens,
      withSealed: (link, sealed_tokens) => ({ ...link, sealed_tokens }),
      label: label(id),
    }),

  /** Returns the link to exactly one caller. */
  async remove(memory: Memory, id: string): Promise<Link | undefined> {
    const link = await records.take(memory, id)
    if (link) await memory.store.unlink(ofUser(link.sub), id)
    return link
  },

  /** Restores a removed link; false if the identity was linked again since. */
  async restore(memory: Memory, id: string, link: Link): Promise<boolean> {
    if (!(await records.create(memory, id, link))) return false
    await index(memory, id, link)
    return true
  },

  /** Oldest first. */
  async listOfUser(memory: Memory, sub: string): Promise<StoredLink[]> {
    const members = await memory.store.range(ofUser(sub), { limit: maxLinks })
    const found = await Promise.all(
      members.map(async ({ member: id }) => ({ id, link: await records.find(memory, id) })),
    )
    return found.filter((each): each is StoredLink => each.link?.sub === sub)
  },
}

const refreshOf = (tokens: Tokens | undefined) =>
  tokens?.refresh_token === undefined ? {} : { refresh_token: tokens.refresh_token }

/** The tokens of all links, by the id of the link. */
export const sealedTokens: SealedRecords = {
  name: 'upstream tokens',
  async items({ store }) {
    const ids: string[] = []
    for (const sub of await everyMember(store, 'users')) ids.push(...(await everyMember(store, ofUser(sub))))
    return ids
  },
  reseal: Links.reseal,
}
