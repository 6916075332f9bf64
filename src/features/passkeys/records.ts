/** Records of passkeys: one per credential, and one per account with the list of its passkeys. https://www.w3.org/TR/webauthn-3/#credential-record */
import * as v from 'valibot'
import { seconds } from '../../lib/clock.ts'
import { sha256 } from '../../lib/hash.ts'
import type { Random } from '../../lib/random.ts'
import { defineRecord, type Memory } from '../../models/define_record.ts'

const passkeySchema = v.object({
  /** Hash of the credential id, which may have 1,023 bytes. */
  key: v.string(),
  credential_id: v.string(),
  sub: v.string(),
  /** Chosen by the End-User. */
  name: v.string(),
  /** COSE_Key, base64url. */
  public_key: v.string(),
  counter: v.number(),
  /** BE: may be synced. Fixed for the life of a credential. */
  backup_eligible: v.boolean(),
  /** BS: is synced now. */
  backed_up: v.boolean(),
  transports: v.array(v.string()),
  aaguid: v.string(),
  /** Seconds. */
  created_at: v.number(),
  used_at: v.optional(v.number()),
})
const passkeys = defineRecord('passkey', passkeySchema)

/** One record, so that adding and removing are one compare-and-swap each. A passkey that is not listed here is not valid. */
const ownerSchema = v.object({
  /** The user handle (WebAuthn §14.6.1): 32 random bytes, base64url. */
  user_handle: v.string(),
  passkeys: v.array(v.string()),
})
const owners = defineRecord('passkey_owner', ownerSchema)

/** The End-User chose "Not now": no offer until this expires. */
const declinedOffers = defineRecord('passkey_refusal', v.object({ exp: v.number() }))

export type Passkey = v.InferOutput<typeof passkeySchema>
export type Owner = v.InferOutput<typeof ownerSchema>

const mostPasskeys = 20
const userHandleBytes = 32
const declinedOfferLifetimeSeconds = 90 * 86_400

export const keyOf = (credentialId: string): string => sha256(credentialId)

export type NotAddedReason = 'known' | 'full'

export const Passkey = {
  /** Undefined if the list of its account does not have it. */
  async find(memory: Memory, key: string): Promise<{ passkey: Passkey; owner: Owner } | undefined> {
    const passkey = await passkeys.find(memory, key)
    const owner = passkey && (await owners.find(memory, passkey.sub))
    return owner?.passkeys.includes(key) ? { passkey: passkey!, owner } : undefined
  },

  /** Oldest first. */
  async listOf(memory: Memory, sub: string): Promise<Passkey[]> {
    const owner = await owners.find(memory, sub)
    const found = await Promise.all((owner?.passkeys ?? []).map((key) => passkeys.find(memory, key)))
    return found.filter((passkey) => passkey !== undefined)
  },

  /** The owner record with the user handle; created at the first call. */
  async ownerOf(memory: Memory, random: Random, sub: string): Promise<Owner> {
    const fresh: Owner = { user_handle: random(userHandleBytes), passkeys: [] }
    if (await owners.create(memory, sub, fresh)) return fresh
    return (await owners.find(memory, sub)) ?? fresh
  },

  /** Undefined if it was added. A credential id is unique in the whole provider (WebAuthn §7.1, step 26). */
  async add(memory: Memory, passkey: Passkey): Promise<NotAddedReason | undefined> {
    if (!(await passkeys.create(memory, passkey.key, passkey))) return 'known'
    const listed = await owners.update(memory, passkey.sub, (owner) =>
      owner.passkeys.length < mostPasskeys
        ? { ...owner, passkeys: [...owner.passkeys, passkey.key] }
        : undefined,
    )
    if (listed) return undefined
    await passkeys.take(memory, passkey.key)
    return 'full'
  },

  /** True for exactly one of several concurrent callers: the update of the list decides. Keeps at least `minimum` passkeys. */
  async remove(memory: Memory, sub: string, key: string, minimum = 0): Promise<boolean> {
    const listed = await owners.update(memory, sub, (owner) =>
      owner.passkeys.includes(key) && owner.passkeys.length > minimum
        ? { ...owner, passkeys: owner.passkeys.filter((each) => each !== key) }
        : undefined,
    )
    if (listed) await passkeys.take(memory, key)
    return listed !== undefined
  },

  /** Restores a removed passkey; false if its credential was registered again since. */
  async restore(memory: Memory, passkey: Passkey): Promise<boolean> {
    if (!(await passkeys.create(memory, passkey.key, passkey))) return false
    const listed = await owners.update(memory, passkey.sub, (owner) => ({
      ...owner,
      passkeys: [...owner.passkeys, passkey.key],
    }))
    return listed !== undefined
  },

  update: passkeys.update,

  rename: (memory: Memory, sub: string, key: string, name: string): Promise<Passkey | undefined> =>
    passkeys.update(memory, key, (passkey) => (passkey.sub === sub ? { ...passkey, name } : undefined)),

  /** Deletes all passkeys and the user handle of an account. */
  async forgetUser(memory: Memory, sub: string): Promise<void> {
    const owner = await owners.find(memory, sub)
    for (const key of owner?.passkeys ?? []) await passkeys.take(memory, key)
    await Promise.all([owners.take(memory, sub), declinedOffers.take(memory, sub)])
  },
}

export const DeclinedOffer = {
  record: (memory: Memory, sub: string): Promise<void> =>
    declinedOffers.put(memory, sub, { exp: seconds(memory.clock) + declinedOfferLifetimeSeconds }),
  exists: async (memory: Memory, sub: string): Promise<boolean> =>
    (await declinedOffers.find(memory, sub)) !== undefined,
}
