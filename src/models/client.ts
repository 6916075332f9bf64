/** A registered client: its metadata (RFC 7591) and members that only this provider sets. */
import * as v from 'valibot'
import { type ClientMetadata, coreMetadata } from '../auth/registration.ts'
import { RegistrationLimits } from '../auth/registration_limits.ts'
import { type Clock, seconds } from '../lib/clock.ts'
import type { Random } from '../lib/random.ts'
import { seal } from '../lib/seal.ts'
import { isMacOf, type Keys, macOf } from '../lib/secret_keys.ts'
import { clientIndex, clientsIndex } from './client_index.ts'
import { declaring, openObject } from './declared.ts'
import { defineRecord, type Memory } from './define_record.ts'
import { pagesOf } from './every_member.ts'
import { ManagedBy, ManagedByFile, requireOwnChange } from './managed_by.ts'
import { changeIndexed, entriesOf, linkAll, takeIndexed } from './search_index.ts'

const Metadata = v.object(coreMetadata)

const schema = openObject({
  ...coreMetadata,
  scope: v.string(),
  client_id: v.string(),
  client_id_issued_at: v.number(),
  /** For comparison: an HMAC under a key derived from SECRET_KEY, so that a copy of the store does not allow guessing. */
  secret_mac: v.optional(v.string()),
  /** For computation: client_secret_jwt and symmetric algorithms need the secret itself (OpenID Connect Core §10). */
  sealed_secret: v.optional(v.string()),
  /** The secret before the present one, which holds until `exp` (seconds). There are never more than two. */
  former_secret: v.optional(v.object({ secret_mac: v.string(), sealed_secret: v.string(), exp: v.number() })),
  /** Registered by itself, not by an operator; the consent page says so. */
  self_registered: v.optional(v.boolean(), false),
  /** When it ends, in seconds, because it registered itself and has got no token yet. */
  exp: v.optional(v.number()),
  /** The limits of the initial access token it registered with. They hold for its updates too. */
  registration_limits: v.optional(RegistrationLimits),
  /** Set by a client source: the URL of the client's metadata document. Pages show its host. */
  described_at: v.optional(v.string()),
  /** Set for a client that an operator added without naming a method: its secret may be in the header or in the body. */
  either_secret_method: v.optional(v.boolean()),
  /** Set by an operator alone; overrides REQUIRE_PKCE for a confidential client. */
  require_pkce: v.optional(v.boolean()),
  /** Set by an operator alone: an application of the operator, without a consent page. */
  first_party: v.optional(v.boolean(), false),
  /** Set by an operator alone: a resource server. Without `resource_uris` it may introspect tokens for ACCESS_TOKEN_AUDIENCE. */
  resource_server: v.optional(v.boolean(), false),
  /** Set by an operator alone: token exchange without an `act` chain (RFC 8693 §1.1). */
  may_impersonate: v.optional(v.boolean()),
  /** Set by an operator alone: the teaching lab may tell it wrong things (LAB). */
  lab_client: v.optional(v.boolean()),
  /** Set by an operator alone: the roles that it is told of an End-User, and what it calls each. Without it: all, as they are. */
  role_names: v.optional(v.record(v.string(), v.pipe(v.string(), v.nonEmpty(), v.maxLength(200)))),
  /** Set by an operator alone: audiences and resources for which it may exchange End-Users' tokens without their grant. */
  exchange_audiences: v.optional(v.array(v.string())),
  /** Set by an operator alone: APIs that it may request tokens for, beside RESOURCES (RFC 8707). `*` stands for any. */
  allowed_resources: v.optional(v.array(v.string())),
  disabled: v.optional(v.boolean(), false),
  /** Set by `latchkey apply`: a configuration file has its metadata. */
  managed_by: v.optional(ManagedBy),
  /** In seconds: access tokens from before belong to a removed client that had the same client_id. */
  tokens_since: v.optional(v.number()),
})
const records = defineRecord('client', schema)

export interface Client extends v.InferOutput<typeof schema> {}

/** Declares metadata that a feature adds, for its socket `clientMetadata` and for reading it of a client. */
export const declareMetadata = declaring<ClientMetadata>()
/** Declares members that a feature keeps in the record of a client and that are not metadata: neither registered nor shown. */
export const declareClientMembers = declaring<Client>()

/** An index of its own, because a page reads it and there may be a million other clients. */
const launchersIndex = 'client_launchers'

/** Clients with `exp`, by it: those that ended are still in the other index. */
const unusedIndex = 'unused_clients'
/** Each registration removes more than it adds. */
const removedAtOnce = 10
/** Seconds: another instance, whose clock is behind, may still see the record. */
const grace = 3600

async function removeEnded(memory: Memory): Promise<void> {
  const max = seconds(memory.clock) - grace
  const due = await memory.store.range(unusedIndex, { max, limit: removedAtOnce })
  await Promise.all(
    due.map(async ({ member }) => {
      if (!(await records.find(memory, member))) await memory.store.unlink(clientsIndex, member)
      await memory.store.unlink(unusedIndex, member)
    }),
  )
}

/** Registered by an operator, with an address at which a sign-in begins (OpenID Connect Core §4). */
const isLauncher = (client: Client): boolean =>
  !client.self_registered && client.initiate_login_uri !== undefined

type Change = (client: Client) => Client | undefined

async function updateAny(memory: Memory, clientId: string, change: Change): Promise<Client | undefined> {
  let was = false
  const updated = await changeIndexed(clientIndex, memory, records, clientId, (current) => {
    was = isLauncher(current)
    return change(current)
  })
  if (updated && isLauncher(updated) !== was)
    await (was
      ? memory.store.unlink(launchersIndex, clientId)
      : memory.store.link(launchersIndex, clientId, updated.client_id_issued_at))
  return updated
}

async function removeAny(memory: Memory, clientId: string): Promise<Client | undefined> {
  const removed = await takeIndexed(clientIndex, memory, records, clientId)
  // Also when another caller has removed it, which may have stopped here.
  await memory.store.unlink(launchersIndex, clientId)
  return removed
}

export const Client = {
  find: records.find,
  load: records.load,

  /** False when the client_id is taken. */
  async create(memory: Memory, client: Client): Promise<boolean> {
    const { client_id, client_id_issued_at: at, exp } = client
    const [isNew] = await Promise.all([
      records.create(memory, client_id, client),
      exp !== undefined && removeEnded(memory),
    ])
    if (!isNew) return false
    const { store } = memory
    await Promise.all([
      store.link(clientsIndex, client_id, at),
      linkAll(store, entriesOf(clientIndex, store, client)),
      exp !== undefined && store.link(unusedIndex, client_id, exp),
      isLauncher(client) && store.link(launchersIndex, client_id, at),
    ])
    return true
  },

  /** Throws ManagedByFile for a client that a file manages, unless its secrets alone change. */
  update: (memory: Memory, clientId: string, change: Change) =>
    updateAny(memory, clientId, (current) => {
      const next = change(current)
      if (next) requireOwnChange(current, next)
      return next
    }),

  /** As `update`, for the file that manages the client. */
  updateManaged: (memory: Memory, clientId: string, change: Change) => updateAny(memory, clientId, change),

  /** Takes the end away from a client that registered itself. */
  async keep(memory: Memory, clientId: string): Promise<void> {
    await changeIndexed(clientIndex, memory, records, clientId, ({ exp, ...kept }) =>
      exp === undefined ? undefined : kept,
    )
  },

  /**
   * True when there was one. Its tokens are no longer valid: every use of a token looks the client up. Throws ManagedByFile
   * for a client that a file manages.
   */
  async remove(memory: Memory, clientId: string): Promise<boolean> {
    const found = await records.find(memory, clientId)
    if (found?.managed_by) throw new ManagedByFile(found)
    const removed = await removeAny(memory, clientId)
    if (!removed?.managed_by) return removed !== undefined
    // A file took it over since the read: it is put back, as a later version of the file does.
    await Client.create(memory, removed)
    throw new ManagedByFile(removed)
  },

  /** As `remove`, for the file that manages the client. Returns the record, for the one caller that removed it. */
  removeManaged: (memory: Memory, clientId: string) => removeAny(memory, clientId),

  /** Makes the indexes agree with the record, where a change stopped between the two. */
  async index(memory: Memory, clientId: string): Promise<void> {
    const client = await records.find(memory, clientId)
    if (!client) return
    const { store } = memory
    const { client_id_issued_at: at } = client
    await store.link(clientsIndex, clientId, at)
    await linkAll(store, entriesOf(clientIndex, store, client))
    await (isLauncher(client)
      ? store.link(launchersIndex, clientId, at)
      : store.unlink(launchersIndex, clientId))
  },

  /** The client_ids of clients that an operator registered with an `initiate_login_uri`, the oldest first. */
  async launchers(memory: Memory, limit: number): Promise<string[]> {
    return (await memory.store.range(launchersIndex, { limit })).map(({ member }) => member)
  },

  /** All clients, the oldest first, a page at a time. */
  async *every(memory: Memory): AsyncGenerator<Client[]> {
    for await (const page of pagesOf(memory.store, clientsIndex)) {
      const found = await Promise.all(page.map(({ member }) => records.find(memory, member)))
      yield found.filter((client) => client !== undefined)
    }
  },

  /** The oldest first. */
  async list(memory: Memory, limit = 1000): Promise<Client[]> {
    const ids = await memory.store.range(clientsIndex, { limit })
    return (await Promise.all(ids.map(({ member }) => records.find(memory, member)))).filter(
      (client) => client !== undefined,
    )
  },
}

/** A client without credentials (RFC 6749 §2.1). */
export const isPublic = (client: Client): boolean => client.token_endpoint_auth_method === 'none'

/** The two ways to send a secret as it is. */
export const secretMethods: readonly string[] = ['client_secret_basic', 'client_secret_post']

/** The methods by which the client may authenticate: the one that it registered, or both that send a secret. */
export const authMethodsOf = (client: Client): readonly string[] =>
  client.either_secret_method && secretMethods.includes(client.token_endpoint_auth_method)
    ? secretMethods
    : [client.token_endpoint_auth_method]

const macText = (clientId: string, secret: string): string => `${clientId}\n${secret}`

/** The value of `secret_mac`. */
const secretMac = (key: Keys, clientId: string, secret: string): string =>
  macOf(key, macText(clientId, secret))

/** Whether `mac` is the `secret_mac` of this secret, also when a former SECRET_KEY made it. */
export const isSecretMac = (key: Keys, clientId: string, secret: string, mac: string): boolean =>
  isMacOf(key, macText(clientId, secret), mac)

/** Whether a client with this metadata has a secret. The default method needs one. */
export const needsSecret = ({ token_endpoint_auth_method: method }: Incomplete<Client>): boolean =>
  method === undefined || method.startsWith('client_secret_')

/** The members of a record that are made from a secret. */
export const secretMembers = (key: Keys, clientId: string, secret: string) => ({
  secret_mac: secretMac(key, clientId, secret),
  sealed_secret: seal(key, secret, clientId),
})

/** Each member may be absent or undefined, as in validated metadata. */
type Incomplete<T> = { [Name in keyof T]?: T[Name] | undefined }

/** Metadata in which the defaults of RFC 7591 §2 are still to be filled in. */
type NewClient = v.InferInput<typeof Metadata> & Incomplete<Client> & { client_id: string }

/** The part of the context that `makeClient` needs. It exists before the context does. */
export interface ClientContext {
  clock: Clock
  random: Random
  secrets: { clientSecrets: Keys }
}

/** 64 characters: as a key of HMAC a secret is at least as long as the hash, also that of HS512 (RFC 7518 §3.2). */
export const newSecret = (random: Random): string => random(48)

/** A new client record with defaults, and a secret (`chosen`, else a new one) where its method needs one. */
export function makeClient(
  { clock, random, secrets }: ClientContext,
  metadata: NewClient,
  chosen?: string,
): { client: Client; secret: string | undefined } {
  const secret = needsSecret(metadata) ? (chosen ?? newSecret(random)) : undefined
  const client = v.parse(schema, {
    ...metadata,
    scope: metadata.scope ?? '',
    client_id_issued_at: seconds(clock),
    ...(secret !== undefined && secretMembers(secrets.clientSecrets, metadata.client_id, secret)),
  })
  return { client, secret }
}
