/** Who of a provider is who here: a record for each issuer and subject, made once, and a list of them for each person. */
import * as v from 'valibot'
import type { Context } from '../../contracts/context.ts'
import { sha256 } from '../../lib/hash.ts'
import { seal, unseal } from '../../lib/seal.ts'
import { defineRecord, type Memory } from '../../models/define_record.ts'
import { type Identity, shownIdentity } from './identity.ts'
import type { Upstream } from './settings.ts'
import { Tokens } from './tokens.ts'

const schema = v.object({
  sub: v.string(),
  /** Id of the provider it came by. */
  provider: v.string(),
  issuer: v.string(),
  subject: v.string(),
  /** How its owner recognises it. */
  shown: v.string(),
  /** Milliseconds. */
  created_at: v.number(),
  used_at: v.number(),
  /** `Tokens` as JSON. */
  sealed_tokens: v.optional(v.string()),
  /** Milliseconds: since then somebody makes the account of it. */
  making_since: v.optional(v.number()),
})
const records = defineRecord('upstream', schema)

export type Link = v.InferOutput<typeof schema>
export interface Kept {
  id: string
  link: Link
}

const ofUser = (sub: string) => `user_upstreams:${sub}`
/** More than anybody connects. */
const most = 100

/** Issuer and subject, and nothing else: an address changes hands (OpenID Connect Core §5.7). */
export const idOf = ({ issuer, subject }: Pick<Identity, 'issuer' | 'subject'>): string =>
  sha256(JSON.stringify([issuer, subject]))

const label = (id: string) => `upstream tokens ${id}`

const sealTokens = (context: Context, id: string, tokens: Tokens): string =>
  seal(context.secrets.people, JSON.stringify(tokens), label(id))

/** Undefined when there are none, or when they were sealed under another SECRET_KEY. */
export function openTokens(context: Context, { id, link }: Kept): Tokens | undefined {
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
  update: records.update,

  /** Whose it is, if anybody's. */
  ofIdentity: (memory: Memory, identity: Identity): Promise<Link | undefined> =>
    records.find(memory, idOf(identity)),

  /** True for the one caller that connected it; false when it is connected already, to whomever. */
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
    if (!(await records.create(context, id, link))) return false
    await index(context, id, link)
    return true
  },

  /** To the one caller that goes on making the account, when whoever began has not ended for `patience` milliseconds. */
  takeOver: (context: Context, id: string, patience: number): Promise<Link | undefined> =>
    records.update(context, id, (link) =>
      link.making_since !== undefined && context.clock.now() - link.making_since > patience
        ? { ...link, making_since: context.clock.now() }
        : undefined,
    ),

  /** The account is there. */
  made: (context: Context, id: string): Promise<unknown> =>
    records.update(context, id, ({ making_since: _, ...link }) => link),

  /** Note a sign-in, with what it brought. Puts it into the list again, should that once have failed. */
  async used(context: Context, upstream: Upstream, identity: Identity, tokens: Tokens): Promise<void> {
    const id = idOf(identity)
    const link = await records.update(context, id, (current) => ({
      ...current,
      provider: upstream.id,
      shown: shownIdentity(identity),
      used_at: context.clock.now(),
      // Some give a refresh token at the first sign-in alone.
      sealed_tokens: sealTokens(context, id, {
        ...refreshOf(openTokens(context, { id, link: current })),
        ...tokens,
      }),
    }))
    if (link) await index(context, id, link)
  },

  /** Returns it to the one caller that took it out. */
  async remove(memory: Memory, id: string): Promise<Link | undefined> {
    const link = await records.take(memory, id)
    if (link) await memory.store.unlink(ofUser(link.sub), id)
    return link
  },

  /** Puts back what `remove` took; false when somebody connected it meanwhile. */
  async restore(memory: Memory, id: string, link: Link): Promise<boolean> {
    if (!(await records.create(memory, id, link))) return false
    await index(memory, id, link)
    return true
  },

  /** In the order in which they were connected. */
  async listOfUser(memory: Memory, sub: string): Promise<Kept[]> {
    const members = await memory.store.range(ofUser(sub), { limit: most })
    const found = await Promise.all(
      members.map(async ({ member: id }) => ({ id, link: await records.find(memory, id) })),
    )
    return found.filter((each): each is Kept => each.link?.sub === sub)
  },
}

const refreshOf = (tokens: Tokens | undefined) =>
  tokens?.refresh_token === undefined ? {} : { refresh_token: tokens.refresh_token }
