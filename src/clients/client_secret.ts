/** The secrets of a client: one, or two while a new one takes the place of an old one. https://www.rfc-editor.org/rfc/rfc6749#section-2.3.1 */
import type { Context } from '../contracts/context.ts'
import { type Clock, seconds } from '../lib/clock.ts'
import { sha256 } from '../lib/hash.ts'
import { unseal } from '../lib/seal.ts'
import { firstKey, type Keys } from '../lib/secret_keys.ts'
import type { Memory } from '../models/define_record.ts'
import { ManagedByFile } from '../models/managed_by.ts'
import type { Resealed } from '../models/reseal.ts'
import { Client, isSecretMac, secretMembers } from '../models/client.ts'

type Secrets = Pick<Context, 'secrets' | 'clock'>

const hashBytes: Readonly<Record<string, number>> = { HS256: 32, HS384: 48, HS512: 64 }

/** Characters that a secret of this client has at least: as a key of HMAC it is as long as the hash (RFC 7518 §3.2). */
export const leastSecret = ({
  token_endpoint_auth_method: method,
  token_endpoint_auth_signing_alg: alg = 'HS256',
}: Partial<Pick<Client, 'token_endpoint_auth_method' | 'token_endpoint_auth_signing_alg'>>): number =>
  method === 'client_secret_jwt' ? (hashBytes[alg] ?? 0) : 0

/** The secret before the present one, while it holds. */
export const formerSecret = ({ former_secret: former }: Client, clock: Clock) =>
  former !== undefined && former.exp * 1000 > clock.now() ? former : undefined

/** The newest first. */
function heldSecrets(
  client: Client,
  clock: Clock,
): { secret_mac: string; sealed_secret?: string | undefined }[] {
  const { secret_mac, sealed_secret } = client
  if (secret_mac === undefined) return []
  const former = formerSecret(client, clock)
  return [{ secret_mac, sealed_secret }, ...(former ? [former] : [])]
}

/** The plain secrets that hold now, the newest first; empty for a client without one. */
export const secretsOf = (client: Client, { secrets, clock }: Secrets): string[] =>
  heldSecrets(client, clock).flatMap(
    ({ sealed_secret }) =>
      (sealed_secret !== undefined && unseal(secrets.clientSecrets, sealed_secret, client.client_id)) || [],
  )

/** The newest secret; undefined for a client without one. */
export const secretOf = (client: Client, context: Secrets): string | undefined =>
  secretsOf(client, context)[0]

/** The `secret_mac` that a secret has, by the SHA-256 of the secret: those of one record that were right under these keys. */
type Proven = Map<string, string>

const memo = new WeakMap<Keys, WeakMap<Client, Proven>>()

function provenOf(client: Client, keys: Keys): Proven {
  let clients = memo.get(keys)
  if (!clients) memo.set(keys, (clients = new WeakMap()))
  let proven = clients.get(client)
  if (!proven) clients.set(client, (proven = new Map()))
  return proven
}

/**
 * Whether one of `given` is a secret of the client. The MAC of a right one is remembered as long as the record, because a busy
 * client sends the same secret all the time. Without a remembered one, each of `given` is compared with each secret that holds.
 */
export function isSecretOf(client: Client, given: readonly string[], { secrets, clock }: Secrets): boolean {
  const { clientSecrets: keys } = secrets
  const held = heldSecrets(client, clock)
  const proven = provenOf(client, keys)
  for (const secret of given) {
    const mac = proven.get(sha256(secret))
    if (mac !== undefined && held.some(({ secret_mac }) => secret_mac === mac)) return true
  }
  let found = false
  for (const secret of given)
    for (const { secret_mac } of held)
      if (isSecretMac(keys, client.client_id, secret, secret_mac)) {
        proven.set(sha256(secret), secret_mac)
        found = true
      }
  return found
}

/** Seals the secrets of the client with the first value of SECRET_KEY; without `write` it only says whether they are. */
export async function resealSecrets(
  memory: Memory & Secrets,
  clientId: string,
  write: boolean,
): Promise<Resealed | undefined> {
  const client = await Client.find(memory, clientId)
  if (client?.sealed_secret === undefined) return undefined
  const next = withResealed(client, memory.secrets.clientSecrets)
  if (next === 'unreadable' || next === 'current') return next
  if (write)
    await Client.update(memory, clientId, (current) => {
      const changed = withResealed(current, memory.secrets.clientSecrets)
      return typeof changed === 'string' ? undefined : changed
    })
  return 'moved'
}

/** One secret that no value opens leaves the other as it is: an operator makes a new one. */
function withResealed(client: Client, keys: Keys): Client | 'current' | 'unreadable' {
  const { client_id: id, sealed_secret, former_secret } = client
  const again = (sealed: string | undefined): ReturnType<typeof secretMembers> | 'unreadable' | undefined => {
    if (sealed === undefined || unseal(firstKey(keys), sealed, id) !== undefined) return undefined
    const plain = unseal(keys, sealed, id)
    return plain === undefined ? 'unreadable' : secretMembers(keys, id, plain)
  }
  const [now, former] = [again(sealed_secret), again(former_secret?.sealed_secret)]
  if (now === 'unreadable' || former === 'unreadable') return 'unreadable'
  if (!now && !former) return 'current'
  return {
    ...client,
    ...now,
    ...(former && former_secret && { former_secret: { ...former_secret, ...former } }),
  }
}

/**
 * The record with a new secret. The present one holds for another `overlap` seconds; one before it ends now. Throws
 * ManagedByFile where a file says what the secret is.
 */
export function withNewSecret(client: Client, secret: string, overlap: number, context: Secrets): Client {
  if (client.managed_by?.secret) throw new ManagedByFile(client, 'client_secret')
  const { former_secret: _, ...rest } = client
  const { secret_mac, sealed_secret } = client
  const exp = seconds(context.clock) + overlap
  return {
    ...rest,
    ...secretMembers(context.secrets.clientSecrets, client.client_id, secret),
    ...(overlap > 0 &&
      secret_mac !== undefined &&
      sealed_secret !== undefined && { former_secret: { secret_mac, sealed_secret, exp } }),
  }
}

/**
 * The record with `secret` in place of one that is too short for what `client` signs with it and `before` did not: others
 * could find it from what it signs. No secret before it holds then.
 */
export function withLongSecret(client: Client, before: Client, secret: string, context: Secrets): Client {
  const least = leastSecret(client)
  const isShort = secretsOf(client, context).some(({ length }) => length < least)
  return isShort && least > leastSecret(before) ? withNewSecret(client, secret, 0, context) : client
}

export function withoutFormerSecret({ former_secret: _, ...client }: Client): Client {
  return client
}
