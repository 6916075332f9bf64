/** Client authentication, for all endpoints that require it. https://www.rfc-editor.org/rfc/rfc6749#section-2.3 */
import { type Credentials, readCredentials } from '../auth/client_auth.ts'
import { OAuthError, WrongSecret } from '../auth/errors.ts'
import { shown } from '../auth/refusal.ts'
import type { Context } from '../contracts/context.ts'
import type { ClientAuthMethod } from '../contracts/feature.ts'
import type { AuthenticatedClient } from '../contracts/grant_type.ts'
import { changedClient, findClient, isFetched, isRefusal, requireClient } from '../clients/find_client.ts'
import type { Call } from '../contracts/call.ts'
import { authMethodsOf, type Client, isPublic } from '../models/client.ts'
import type { Params } from '../auth/params.ts'
import { countAnonymous, countClient, countGuess, requireGuessesLeft } from './request_limit.ts'

/** The client authentication methods that the configuration allows. */
export function offeredMethods(context: Context): string[] {
  const methods = [...context.table.clientAuth.values()]
  return methods.filter((method) => isOffered(method, context)).map((method) => method.name)
}

function isOffered(method: ClientAuthMethod, context: Context): boolean {
  const { clientAuthMethods } = context.config
  return (
    (clientAuthMethods.length === 0 || clientAuthMethods.includes(method.name)) &&
    (method.offered?.(context) ?? true)
  )
}

/**
 * Authenticates the client by the method that it registered, and counts the request for its rate limit. Throws
 * `invalid_client` or `too_many_requests` otherwise.
 */
export async function authenticateClient(
  call: Call,
  params: Params,
  context: Context,
): Promise<AuthenticatedClient> {
  const read = readCredentials({
    authorization: call.request.headers.get('authorization') ?? undefined,
    params,
  })
  const sent = { ...read, client_id: await registeredId(read, context) }
  call.clientId = sent.client_id
  // Before it is fetched: beyond its limit an address causes no request to another server.
  if (context.config.rateLimitingEnabled && (await isFetched(context, sent.client_id)))
    await countAnonymous(call, context)
  const found = await requireClient(
    context,
    sent.client_id,
    () =>
      new OAuthError('invalid_client', {
        rule: 'RFC 6749 §5.2',
        expected: 'client_id is that of a registered client',
        came: sent.client_id,
        problem: `client ${shown(sent.client_id)} is unknown or its credentials are wrong`,
      }),
  )
  const cached = await tryToProve(call, context, sent, found)
  const proven = cached.refused === undefined ? cached : await tryAgain(call, context, sent, cached)
  await countClient(call, context, proven.client, proven.method?.guessable)
  return proven.client as AuthenticatedClient
}

/**
 * The operator may have changed the secret, the keys or the method since the record was cached. The guess counts before
 * it is compared again: otherwise one of many that come at once would be confirmed before the others count.
 */
async function tryAgain(
  call: Call,
  context: Context,
  sent: Credentials,
  { client, credentials, method, refused }: Attempt,
): Promise<Attempt> {
  const [changed] = await Promise.all([
    isRefusal(refused) ? changedClient(context, client) : undefined,
    refused instanceof WrongSecret
      ? countGuess(call, context, client, credentials)
      : method?.guessable && isRefusal(refused) && requireGuessesLeft(call, context, client.client_id),
  ])
  const again = changed && (await tryToProve(call, context, sent, changed))
  if (again && again.refused === undefined) return again
  throw again?.refused ?? refused
}

interface Attempt {
  client: Client
  credentials: Credentials
  /** Undefined where the client has registered another. */
  method?: ClientAuthMethod
  /** Why the credentials do not prove the client, or what failed on our side. */
  refused?: unknown
}

async function tryToProve(call: Call, context: Context, sent: Credentials, client: Client): Promise<Attempt> {
  call.client = client
  const attempt: Attempt = { client, credentials: withoutEmptySecret(sent, client) }
  try {
    attempt.method = methodFor(client, attempt.credentials, context)
  } catch (refused) {
    return { ...attempt, refused }
  }
  // A public client proves nothing, and a stranger may have registered the other: both count before `verify` fetches keys.
  if (isPublic(client) || client.self_registered) await countAnonymous(call, context)
  try {
    await attempt.method.verify(call, context, attempt)
    return attempt
  } catch (refused) {
    return { ...attempt, refused }
  }
}

/**
 * The client_id that is registered, of the two that a Basic header may mean. What a client source accepts is decoded, and is
 * not looked for here: it is counted before it is fetched.
 */
async function registeredId(sent: Credentials, context: Context): Promise<string> {
  const { client_id } = sent
  if (sent.method !== 'client_secret_basic' || sent.raw_client_id === undefined) return client_id
  if (context.table.clientSources.some((each) => each.accepts(client_id))) return client_id
  const isRaw = !(await findClient(context, client_id)) && (await findClient(context, sent.raw_client_id))
  return isRaw ? sent.raw_client_id : client_id
}

/** A public client has no secret to send: libraries that always send Basic leave it empty. */
const withoutEmptySecret = (sent: Credentials, client: Client): Credentials =>
  isPublic(client) && sent.method === 'client_secret_basic' && sent.secrets[0] === ''
    ? { method: 'none', client_id: sent.client_id }
    : sent

/** The method of the client that verifies such credentials. Throws `invalid_client` without one. */
function methodFor(client: Client, { method: came }: Credentials, context: Context): ClientAuthMethod {
  const registered = authMethodsOf(client)
  for (const name of registered) {
    const method = context.table.clientAuth.get(name)
    if (method && isOffered(method, context) && method.presentedAs === came) return method
  }
  const names = registered.join(' or ')
  throw new OAuthError('invalid_client', {
    rule: 'RFC 7591 §2',
    expected: `the token_endpoint_auth_method that this client registered: ${names}`,
    came,
    wanted: registered,
    problem: `this client registered ${names}; the request used ${came}`,
  })
}
