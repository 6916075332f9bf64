/** What one driver knows of one provider: discovered endpoints, a client, connections, and what a right answer is. */
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose'
import { type Connection, openConnection, type Reply, text } from './connection.ts'
import { basic, type Form, get, post, postJson } from './request.ts'
import { publicHalf } from './proof.ts'
import type { Client, Metadata, Target } from './target.ts'

export interface TokenAnswer {
  access_token: string
  token_type: string
  expires_in: number
  id_token?: string
  refresh_token?: string
}

export interface Session {
  target: Target
  metadata: Metadata
  client: Client
  authorization: Form
  /** The client_id of one that authenticates with the target's key (private_key_jwt). */
  keyClient(): Promise<string>
  /** The session of one more client, registered with `more` metadata. RFC 7591 */
  another(more: object): Promise<Session>
  connect(): Promise<Connection>
  /** Bytes of the body of the last answer on any connection. */
  lastBytes(): number
  /** POST to the token endpoint as the client; the answer has been checked as RFC 6749 §5.1 asks. */
  token(connection: Connection, params: Form): Promise<TokenAnswer>
  /** Full verification of a signature against the provider's JWKS; for samples, it costs too much for every answer. */
  verify(jwt: string, alg: string): Promise<Record<string, unknown>>
}

/** The parsed body, or an error that shows what came instead. */
export function expectJson<T>(reply: Reply, status: number, what: string): T {
  if (reply.status !== status) throw new Error(`${what}: ${reply.status} ${text(reply).slice(0, 400)}`)
  return JSON.parse(text(reply)) as T
}

export function checkToken(reply: Reply, what: string, type = 'bearer'): TokenAnswer {
  const answer = expectJson<TokenAnswer>(reply, 200, what)
  if (
    typeof answer.access_token !== 'string' ||
    answer.access_token.length < 20 ||
    answer.token_type.toLowerCase() !== type ||
    !(answer.expires_in > 0)
  )
    throw new Error(`${what}: not a token answer: ${text(reply)}`)
  return answer
}

/** The `alg` a JWS says it has. */
export const algOf = (jwt: string): unknown =>
  JSON.parse(Buffer.from(jwt.split('.')[0] ?? '', 'base64url').toString()).alg

/** The claims of a JWS, not verified. */
export const claimsOf = (jwt: string): Record<string, unknown> =>
  JSON.parse(Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString())

async function register(
  connection: Connection,
  target: Target,
  metadata: Metadata,
  more: object = {},
): Promise<Client> {
  if (!metadata.registration_endpoint)
    throw new Error(`${target.name} has neither a client for us nor a registration endpoint`)
  const request = postJson(metadata.registration_endpoint, {
    client_name: 'bench',
    redirect_uris: [target.redirectUri],
    grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
    response_types: ['code'],
    token_endpoint_auth_method: 'client_secret_basic',
    id_token_signed_response_alg: target.idTokenAlg,
    scope: 'openid profile email offline_access',
    ...more,
  })
  return expectJson<Client>(await connection.send(request), 201, 'registration')
}

export async function openSession(target: Target): Promise<Session> {
  const { hostname, port } = new URL(target.issuer)
  let lastBytes = 0
  const connect = async () => {
    const connection = await openConnection(hostname, Number(port))
    const send = async (request: string) => {
      const reply = await connection.send(request)
      lastBytes = reply.body.length
      return reply
    }
    return { ...connection, send }
  }
  const first = await connect()
  const discovery = get(`${target.issuer}/.well-known/openid-configuration`)
  const metadata = expectJson<Metadata>(await first.send(discovery), 200, 'discovery')
  if (metadata.issuer !== target.issuer) throw new Error(`issuer is ${metadata.issuer}, not ${target.issuer}`)
  const jwks = createLocalJWKSet(
    expectJson<JSONWebKeySet>(await first.send(get(metadata.jwks_uri)), 200, 'jwks'),
  )
  const client = target.client ?? (await register(first, target, metadata))
  first.close()
  let registered: Promise<string> | undefined
  const registerMore = async (more: object) => {
    const connection = await connect()
    const added = await register(connection, target, metadata, more)
    connection.close()
    return added
  }
  const registerKey = async () => {
    const { client_id } = await registerMore({
      token_endpoint_auth_method: 'private_key_jwt',
      token_endpoint_auth_signing_alg: 'ES256',
      jwks: { keys: [{ ...publicHalf(target.key), alg: 'ES256', use: 'sig' }] },
    })
    return client_id
  }
  const as = (client: Client): Session => {
    const authorization = basic(client.client_id, client.client_secret)
    return {
      target,
      metadata,
      client,
      authorization,
      another: async (more) => as(await registerMore(more)),
      connect,
      lastBytes: () => lastBytes,
      keyClient: async () => target.keyClientId ?? (registered ??= registerKey()),
      token: async (connection, params) =>
        checkToken(
          await connection.send(post(metadata.token_endpoint, params, authorization)),
          `token (${params.grant_type})`,
        ),
      verify: async (jwt, alg) =>
        (await jwtVerify(jwt, jwks, { issuer: metadata.issuer, algorithms: [alg] })).payload,
    }
  }
  return as(client)
}
