/** The clients of the playground. They exist while LAB is on, in this process alone; their secrets and keys are made at their first use. docs/lab.md */
import { exportJWK, generateKeyPair, type JWK } from 'jose'
import type { Context } from '../../contracts/context.ts'
import { type Client, makeClient } from '../../models/client.ts'
import { backchannelPath, callbackPath, clientIdOf, frontchannelPath, type LabClientKind } from './paths.ts'

export interface LabClient {
  client: Client
  /** Undefined for a client without one. */
  secret: string | undefined
  /** The private key whose public half is registered. */
  key: JWK | undefined
}

/** What each client registered. */
const registrations = {
  public: {
    client_name: 'Playground of the lab',
    grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'],
    token_endpoint_auth_method: 'none',
  },
  logout: {
    client_name: 'Playground of the lab (hears of sign-outs)',
    grant_types: ['authorization_code', 'refresh_token'],
    token_endpoint_auth_method: 'none',
  },
  confidential: {
    client_name: 'Playground of the lab (with a secret)',
    grant_types: [
      'authorization_code',
      'implicit',
      'refresh_token',
      'client_credentials',
      'urn:ietf:params:oauth:grant-type:device_code',
      'urn:ietf:params:oauth:grant-type:token-exchange',
      'urn:openid:params:grant-type:ciba',
    ],
    response_types: [
      'code',
      'id_token',
      'id_token token',
      'code id_token',
      'code token',
      'code id_token token',
    ],
    token_endpoint_auth_method: 'client_secret_basic',
  },
  keys: {
    client_name: 'Playground of the lab (with keys)',
    grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
    token_endpoint_auth_method: 'private_key_jwt',
    token_endpoint_auth_signing_alg: 'ES256',
    request_object_signing_alg: 'ES256',
  },
} satisfies Record<LabClientKind, Readonly<Record<string, unknown>>>

/** The provider calls an address of its own network only where OUTBOUND_ALLOW_HOSTS names it. */
function logoutUris({ issuer, outboundAllowHosts }: Context['config']): Readonly<Record<string, string>> {
  const { hostname, port, protocol } = new URL(issuer)
  const hostPort = `${hostname}:${port || (protocol === 'https:' ? '443' : '80')}`
  return {
    frontchannel_logout_uri: `${issuer}${frontchannelPath}`,
    ...(outboundAllowHosts.includes(hostPort) && { backchannel_logout_uri: `${issuer}${backchannelPath}` }),
  }
}

async function makeLabClient(context: Context, kind: LabClientKind): Promise<LabClient> {
  const { config, openScopes } = context
  const registered: Readonly<Record<string, unknown>> = registrations[kind]
  const pair =
    registered.token_endpoint_auth_method === 'private_key_jwt'
      ? await generateKeyPair('ES256', { extractable: true })
      : undefined
  const kid = `${kind}-1`
  const { client, secret } = makeClient(context, {
    response_types: ['code'],
    ...registered,
    client_id: clientIdOf(kind),
    redirect_uris: [`${config.issuer}${callbackPath}`],
    post_logout_redirect_uris: [`${config.issuer}${callbackPath}`],
    scope: openScopes.join(' '),
    lab_client: true,
    // Each visitor of the lab knows its secret: as an unverified client it may call no API of this provider for itself.
    self_registered: true,
    ...(kind === 'logout' && logoutUris(config)),
    ...(pair && { jwks: { keys: [{ ...(await exportJWK(pair.publicKey)), kty: 'EC', kid, alg: 'ES256' }] } }),
  })
  return { client, secret, key: pair && { ...(await exportJWK(pair.privateKey)), kid } }
}

/** The clients of one process, each made once. */
export type LabClients = (kind: LabClientKind) => Promise<LabClient>

export function createLabClients(context: Context): LabClients {
  const made = new Map<LabClientKind, Promise<LabClient>>()
  return (kind) => {
    const known = made.get(kind) ?? makeLabClient(context, kind)
    made.set(kind, known)
    return known
  }
}
