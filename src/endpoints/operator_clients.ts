/** Clients at the word of an operator or an administrator, without the limits of client registration: the commands and the administration API call these. https://www.rfc-editor.org/rfc/rfc7591 */
import { grantTypesFor } from '../auth/agreeing_types.ts'
import type { ClientMetadata } from '../auth/registration.ts'
import { HttpError } from '../auth/errors.ts'
import { leastSecret, secretsOf } from '../clients/client_secret.ts'
import { privileges } from '../clients/privileges.ts'
import { isMetadata, replaced } from '../clients/replaced_client.ts'
import type { Context } from '../contracts/context.ts'
import { offeredMethods } from '../http/client_authentication.ts'
import { Client, isPublic, makeClient, needsSecret, newSecret, secretMethods } from '../models/client.ts'
import { isSubOfPerson } from '../models/subjects.ts'
import { type Author, differences, noteChange } from '../people/author.ts'
import { admitMetadata, operatorPolicy } from './registration.ts'

export type Members = Readonly<Record<string, unknown>>

export const unprocessable = (problem: string, next?: string) =>
  new HttpError('unprocessable', { expected: 'a client that this provider can serve', problem, next })

export const noClient = (clientId: string) =>
  new HttpError('not_found', {
    expected: 'the client_id of a client',
    came: clientId,
    problem: `there is no client ${clientId}`,
    next: 'latchkey client list and GET /admin/v1/clients list all clients',
  })

/** Of a client of End-Users. A service has none: what it needs is known to the operator alone (OWASP ASVS 5.0, 10.4.11). */
export const defaultScopes = 'openid profile email offline_access'

/** The grant types by which End-Users sign in. */
const ofPeople: readonly string[] = [
  'authorization_code',
  'implicit',
  'urn:ietf:params:oauth:grant-type:device_code',
  'urn:openid:params:grant-type:ciba',
]

const defaultGrants = (responseTypes: unknown): string[] =>
  Array.isArray(responseTypes)
    ? [...new Set([...grantTypesFor(responseTypes.map(String)), 'refresh_token'])]
    : ['authorization_code', 'refresh_token']

/** With defaults; not validated yet: `admitMetadata` does that. With `jwks` the client signs its assertions. */
export function withDefaults(
  name: string,
  metadata: Members,
  { jwks }: { jwks?: unknown } = {},
): Record<string, unknown> {
  const grantTypes = metadata.grant_types ?? defaultGrants(metadata.response_types)
  const grants: readonly unknown[] = Array.isArray(grantTypes) ? grantTypes : []
  const withPeople = grants.some((each) => ofPeople.includes(String(each)))
  return {
    ...(!grants.includes('implicit') && {
      response_types: grants.includes('authorization_code') ? ['code'] : [],
    }),
    scope: withPeople ? defaultScopes : '',
    ...(grants.some((each) => each !== 'client_credentials') && { include_claims_in_id_token: true }),
    ...(jwks !== undefined && { token_endpoint_auth_method: 'private_key_jwt' }),
    ...metadata,
    grant_types: grantTypes,
    client_name: name,
  }
}

/** Then the client sends its secret as its library does. A member that is null counts as absent. docs/decisions/0055-secrets-in-header-or-body.md */
export const namesNoMethod = ({ token_endpoint_auth_method: method }: Members): boolean =>
  method === undefined || method === null

/** With a method that this provider offers: the default of RFC 7591 §2 may not be among CLIENT_AUTH_METHODS. */
export function withOfferedMethod(asked: Members, context: Context): Members {
  const method = offeredMethods(context).find((each) => secretMethods.includes(each))
  return namesNoMethod(asked) && method !== undefined
    ? { ...asked, token_endpoint_auth_method: method }
    : asked
}

/** What holds for the record as a whole. Throws `unprocessable`. */
export function requireAllowed(client: Client): void {
  if (!isPublic(client)) return
  if (client.require_pkce === false)
    throw unprocessable('require_pkce is false (--no-pkce), and a public client always needs PKCE')
  if (client.resource_server || client.resource_uris)
    throw unprocessable('resource_server, resource_uris: only a client that authenticates may introspect')
}

/** The client_id is the `sub` of tokens that the client has for itself: an API would take them for those of the person. */
async function requireNoPerson(context: Context, clientId: string): Promise<void> {
  if (await isSubOfPerson(context, clientId))
    throw unprocessable(
      `${clientId} is, or was, the sub of an account; a client needs another client_id (RFC 9700 §4.15)`,
    )
}

/** Members that the audit trail tells as they are: what is registered of a client is no personal data and no secret. */
export const told: readonly string[] = [
  'scope',
  'disabled',
  'self_registered',
  'redirect_uris',
  'post_logout_redirect_uris',
  'grant_types',
  'response_types',
  'token_endpoint_auth_method',
  'client_name',
  'jwks_uri',
  ...privileges,
]

export interface NewClient {
  metadata: Members
  privileges: Members
  /** Default: random. */
  clientId?: string | undefined
  /** The secret that the operator chose; asked for once the metadata is admitted. */
  chooseSecret?: (metadata: ClientMetadata) => Promise<string | undefined>
  requireResult?: RequireCurrent
}

/** `secret` is absent where the client has none or its secret was chosen. */
export async function addClient(
  context: Context,
  author: Author,
  { metadata: asked, privileges: own, clientId, chooseSecret, requireResult = anyClient }: NewClient,
): Promise<{ client: Client; secret?: string }> {
  const attempt = { by: 'operator' } as const
  const metadata = await admitMetadata(
    withOfferedMethod(asked, context),
    operatorPolicy(context),
    attempt,
    context,
  )
  const chosen = await chooseSecret?.(metadata)
  if (chosen !== undefined && !needsSecret(metadata))
    throw unprocessable(
      `a client with token_endpoint_auth_method ${metadata.token_endpoint_auth_method} has no secret`,
    )
  const record = {
    ...metadata,
    ...own,
    ...(namesNoMethod(asked) && { either_secret_method: true }),
    client_id: clientId ?? context.random(18),
  }
  const { client, secret } = makeClient(context, record, chosen)
  requireAllowed(client)
  requireResult(client)
  await requireNoPerson(context, client.client_id)
  if (!(await Client.create(context, client)))
    throw new HttpError('conflict', {
      expected: 'a client_id that no client has',
      came: client.client_id,
      problem: `there is a client ${client.client_id} already`,
    })
  // Again: an import may have made the account since.
  await requireNoPerson(context, client.client_id).catch(async (error: unknown) => {
    await Client.remove(context, client.client_id)
    throw error
  })
  await noteChange(context, author, 'client_added', {
    client_id: client.client_id,
    ...differences(context, {}, client, told),
  })
  return { client, ...(chosen === undefined && secret !== undefined && { secret }) }
}

/** The members of the next record that `given` and `removed` decide. */
export interface Change {
  given: Members
  privileges: Members
  removed: readonly string[]
  /** Throws for a next record that the caller may not make, wherever its members come from, as from a software statement. */
  requireResult?: RequireCurrent
}

/** Members that follow from each other: the one that is not given is left to follow. */
function withFollowing(given: Members, current: Client): Record<string, unknown> {
  const { grant_types: grants, response_types: types } = given
  if (grants !== undefined && types === undefined) return { ...given, response_types: undefined }
  if (grants !== undefined || !Array.isArray(types)) return given
  const others = current.grant_types.filter((each) => !['authorization_code', 'implicit'].includes(each))
  return { ...given, grant_types: [...grantTypesFor(types.map(String)), ...others] }
}

const method = 'token_endpoint_auth_method'

/** As at the creation: a method that is given is the only one; without it the secret may be sent either way. */
const hasNoNamedMethod = (before: Client, given: Members, removed: readonly string[]): boolean =>
  removed.includes(method)
    ? !before.self_registered
    : before.either_secret_method === true && namesNoMethod(given)

/** The next record. Throws what registration throws, and `unprocessable`. */
async function nextOf(
  before: Client,
  { given, privileges: own, removed }: Change,
  secret: string,
  context: Context,
): Promise<Client> {
  const unknown = removed.find((name) => !isMetadata(name, context) && !privileges.includes(name))
  if (unknown !== undefined) throw unprocessable(`${unknown} is no member that can be removed`)
  const body = {
    ...Object.fromEntries(Object.entries(before).filter(([name]) => isMetadata(name, context))),
    ...withFollowing(given, before),
  }
  const kept = Object.entries(body).filter(([name, value]) => value !== undefined && !removed.includes(name))
  const asked = withOfferedMethod({ scope: '', ...Object.fromEntries(kept) }, context)
  const attempt = { by: 'operator', current: before } as const
  const metadata = await admitMetadata(asked, operatorPolicy(context), attempt, context)
  const record = Object.entries({
    ...replaced(before, metadata, context, secret),
    ...own,
    exp: undefined, // what an operator takes care of does not end unused
    either_secret_method: hasNoNamedMethod(before, given, removed) || undefined,
  })
  const next = Object.fromEntries(
    record.filter(
      ([name, value]) => value !== undefined && (isMetadata(name, context) || !removed.includes(name)),
    ),
  ) as unknown as Client
  requireAllowed(next)
  requireLongSecret(before, next, context)
  return next
}

/** A secret that a client has only sent so far may be too short to sign with: others could find it from what it signs. */
export function requireLongSecret(before: Client, next: Client, context: Context): void {
  const least = leastSecret(next)
  const short = secretsOf(next, context).find(({ length }) => length < least)
  if (short !== undefined && least > leastSecret(before))
    throw unprocessable(
      `a secret of ${next.client_id} has ${short.length} characters, and ${next.token_endpoint_auth_method} needs at least ${least} (RFC 7518 §3.2)`,
      `latchkey client secret ${next.client_id} makes one, --overlap 0 ends the short one`,
    )
}

/** Throws when the caller may not change the client as it is, or has read another version. Asked inside of the change. */
export type RequireCurrent = (client: Client) => void
export const anyClient: RequireCurrent = () => {}

export interface ChangedClient {
  before: Client
  after: Client
  /** Where the change made one. */
  secret?: string
}

export async function changeClient(
  context: Context,
  author: Author,
  clientId: string,
  change: Change,
  requireCurrent = anyClient,
): Promise<ChangedClient> {
  const before = await Client.find(context, clientId)
  if (!before) throw noClient(clientId)
  requireCurrent(before)
  const secret = newSecret(context.random)
  const next = await nextOf(before, change, secret, context)
  change.requireResult?.(next)
  // Only if it is as it was read: a client may change its own registration.
  const after = await Client.update(context, clientId, (now) =>
    Bun.deepEquals(now, before) ? next : undefined,
  )
  if (!after)
    throw new HttpError('conflict', {
      expected: 'a client that no other process changes at the same time',
      problem: `another process changed or removed ${clientId} at the same time, so nothing was changed here`,
      next: 'do it again',
    })
  const differing = differences(context, before, after, told)
  await noteChange(context, author, 'client_set', { client_id: clientId, ...differing })
  const isNew = before.secret_mac === undefined && after.secret_mac !== undefined
  return { before, after, ...(isNew && { secret }) }
}

/** A client that is disabled gets nothing, and its tokens do not count. Throws where a file manages it. */
export async function setClientDisabled(
  context: Context,
  author: Author,
  clientId: string,
  disabled: boolean,
  requireCurrent = anyClient,
): Promise<Client> {
  const after = await Client.update(context, clientId, (current) => {
    requireCurrent(current)
    return { ...current, disabled }
  })
  if (!after) throw noClient(clientId)
  await noteChange(context, author, disabled ? 'client_disabled' : 'client_enabled', { client_id: clientId })
  return after
}
