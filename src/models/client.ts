/** A registered client: its metadata in the names of RFC 7591 and what only we know of it. */
import * as v from 'valibot'
import { type ClientMetadata, coreMetadata } from '../auth/registration.ts'
import { RegistrationLimits } from '../auth/registration_limits.ts'
import { type Clock, seconds } from '../lib/clock.ts'
import { hmac } from '../lib/hash.ts'
import type { Random } from '../lib/random.ts'
import { seal } from '../lib/seal.ts'
import { declaring, openObject } from './declared.ts'
import { defineRecord, type Memory } from './define_record.ts'

const Metadata = v.object(coreMetadata)

const schema = openObject({
  ...coreMetadata,
  scope: v.string(),
  client_id: v.string(),
  client_id_issued_at: v.number(),
  /** Compared with: an HMAC under a key of ours, so that a stolen store cannot be guessed at. */
  secret_mac: v.optional(v.string()),
  /** Computed with: client_secret_jwt and symmetric algorithms need the secret itself (OpenID Connect Core §10). */
  sealed_secret: v.optional(v.string()),
  /** Registered itself, so nobody here vouches for it; the consent page says so. */
  self_registered: v.optional(v.boolean(), false),
  /** Registered with an initial access token of its own limits: they hold for its updates too. */
  registration_limits: v.optional(RegistrationLimits),
  /** Set by a client source: the URL at which the client describes itself. Its host is what people can know it by. */
  described_at: v.optional(v.string()),
  /** Set by an operator alone, for or against REQUIRE_PKCE: whether a confidential client must use it. */
  require_pkce: v.optional(v.boolean()),
  /** Set by an operator alone: no consent page, for the house's own applications. */
  first_party: v.optional(v.boolean(), false),
  /** Set by an operator alone: an API that may introspect every token. */
  resource_server: v.optional(v.boolean(), false),
  /** Set by an operator alone: token exchange without an `act` chain (RFC 8693 §1.1). */
  may_impersonate: v.optional(v.boolean()),
  /** Set by an operator alone: audiences and resources for which it may exchange its people's tokens, granted or not. */
  exchange_audiences: v.optional(v.array(v.string())),
  disabled: v.optional(v.boolean(), false),
})
const records = defineRecord('client', schema)

export interface Client extends v.InferOutput<typeof schema> {}

/** Declares metadata that a feature adds, for its socket `clientMetadata` and for reading it of a client. */
export const declareMetadata = declaring<ClientMetadata>()
/** Declares what a feature keeps in the record of a client that is no metadata: neither registered nor shown. */
export const declareClientMembers = declaring<Client>()

const clientsIndex = 'clients'
/** Few among clients that may be a million: read for a page that any person may open. */
const launchersIndex = 'client_launchers'

/** An operator vouches for it, and it says where a sign-in begins (OpenID Connect Core §4). */
const isLauncher = (client: Client): boolean =>
  !client.self_registered && client.initiate_login_uri !== undefined

export const Client = {
  find: records.find,

  /** False when the client_id is taken. */
  async create(memory: Memory, client: Client): Promise<boolean> {
    if (!(await records.create(memory, client.client_id, client))) return false
    await memory.store.link(clientsIndex, client.client_id, client.client_id_issued_at)
    if (isLauncher(client))
      await memory.store.link(launchersIndex, client.client_id, client.client_id_issued_at)
    return true
  },

  async update(memory: Memory, clientId: string, change: (client: Client) => Client) {
    let was = false
    const updated = await records.update(memory, clientId, (current) => {
      was = isLauncher(current)
      return change(current)
    })
    if (updated && isLauncher(updated) !== was)
      await (was
        ? memory.store.unlink(launchersIndex, clientId)
        : memory.store.link(launchersIndex, clientId, updated.client_id_issued_at))
    return updated
  },

  /** True when there was one. Its grants die with it: every use of a token looks the client up. */
  async remove(memory: Memory, clientId: string): Promise<boolean> {
    const removed = await records.take(memory, clientId)
    await memory.store.unlink(clientsIndex, clientId)
    if (removed && isLauncher(removed)) await memory.store.unlink(launchersIndex, clientId)
    return removed !== undefined
  },

  /** The client_ids of those that an operator registered with an `initiate_login_uri`, in that order. */
  async launchers(memory: Memory, limit: number): Promise<string[]> {
    return (await memory.store.range(launchersIndex, { limit })).map(({ member }) => member)
  },

  /** In the order they were registered. */
  async list(memory: Memory, offset = 0, limit = 1000): Promise<Client[]> {
    const ids = await memory.store.range(clientsIndex, { offset, limit })
    return (await Promise.all(ids.map(({ member }) => records.find(memory, member)))).filter(
      (client) => client !== undefined,
    )
  },
}

/** A client that has nothing to keep secret (RFC 6749 §2.1). */
export const isPublic = (client: Client): boolean => client.token_endpoint_auth_method === 'none'

/** What `secret_mac` holds. */
export const secretMac = (key: Uint8Array, clientId: string, secret: string): string =>
  hmac(key, `${clientId}\n${secret}`)

/** Whether a client so registered has a secret: by default it has. */
export const needsSecret = ({ token_endpoint_auth_method: method }: Given<Client>): boolean =>
  method === undefined || method.startsWith('client_secret_')

/** What a record keeps of a secret. */
export const secretMembers = (key: Uint8Array, clientId: string, secret: string) => ({
  secret_mac: secretMac(key, clientId, secret),
  sealed_secret: seal(key, secret, clientId),
})

/** Metadata with the defaults of RFC 7591 §2 still to fill in. */
/** Members that are absent may also be there as undefined, as validated metadata has them. */
type Given<T> = { [Name in keyof T]?: T[Name] | undefined }

type NewClient = v.InferInput<typeof Metadata> & Given<Client> & { client_id: string }

/** What a client is made with: the part of the context that exists before there is one. */
export interface ClientMaking {
  clock: Clock
  random: Random
  secrets: { clientSecrets: Uint8Array }
}

/** A new client record, defaults filled in, with a secret (256 random bits unless `chosen`) where its method needs one. */
export function makeClient(
  { clock, random, secrets }: ClientMaking,
  metadata: NewClient,
  chosen?: string,
): { client: Client; secret: string | undefined } {
  const secret = needsSecret(metadata) ? (chosen ?? random(33)) : undefined
  const client = v.parse(schema, {
    ...metadata,
    scope: metadata.scope ?? '',
    client_id_issued_at: seconds(clock),
    ...(secret !== undefined && secretMembers(secrets.clientSecrets, metadata.client_id, secret)),
  })
  return { client, secret }
}
