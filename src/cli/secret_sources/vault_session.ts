/**
 * Calls of HashiCorp Vault and OpenBao with a token that is kept alive: AppRole, Kubernetes or a token of the operator.
 * https://developer.hashicorp.com/vault/api-docs/auth
 */
import { readAuthorities } from '../../config/named_files.ts'
import {
  ask,
  member,
  quoted,
  type Said,
  SourceError,
  type SourceSettings,
  textMember,
  tokenIn,
} from './source.ts'

export interface VaultCall {
  /** Without it the call is a GET. */
  body?: unknown
  /** Default: SECRETS_TIMEOUT_MS. */
  timeoutMs?: number
}

/** `path` is below /v1/. Throws SourceError when there is no answer or no sign-in. */
export type Vault = (path: string, call?: VaultCall) => Promise<Said>

interface Session {
  token: string
  /** Milliseconds of `performance.now()` after which the token is renewed; undefined for one that does not end. */
  renewAt: number | undefined
  renewable: boolean
}

/** A token is renewed when a third of its life is left. */
const renewalPart = 2 / 3

/** The status and the words of an answer that is a refusal. */
export const vaultProblem = ({ status, json }: Said): string => {
  const errors = member(json, 'errors')
  const said = Array.isArray(errors) && errors.length > 0 ? ` ${quoted(errors.join('; '))}` : ''
  const hint = status >= 300 && status < 400 ? ': it redirects; name the active node in VAULT_ADDR' : ''
  return `${status}${said}${hint}`
}

/** `scheme` is that of the variable which needs Vault, for messages. */
export function openVault(settings: SourceSettings, scheme: 'vault' | 'vault-transit'): Vault {
  const { vaultAddr, vaultNamespace, vaultCacert, secretsTimeoutMs } = settings
  let session: Promise<Session> | undefined

  const call = (path: string, options: VaultCall & { token?: string } = {}): Promise<Said> => {
    if (vaultAddr === undefined) throw new SourceError(`VAULT_ADDR is required with ${scheme}:`)
    const { token, body, timeoutMs = secretsTimeoutMs } = options
    return ask(`${vaultAddr.replace(/\/$/, '')}/v1/${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: {
        ...(token !== undefined && { 'x-vault-token': token }),
        ...(vaultNamespace !== undefined && { 'x-vault-namespace': vaultNamespace }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      timeoutMs,
      ...(vaultCacert !== undefined && { ca: readAuthorities('VAULT_CACERT', vaultCacert).pem }),
    })
  }

  function sessionOf(auth: unknown, token = textMember(auth, 'client_token')): Session {
    if (token === undefined) throw new SourceError('Vault answered a sign-in without a token')
    const lifetime = Number(member(auth, 'lease_duration') ?? 0)
    return {
      token,
      renewable: member(auth, 'renewable') === true,
      renewAt: lifetime > 0 ? performance.now() + lifetime * 1000 * renewalPart : undefined,
    }
  }

  async function signIn(): Promise<Session> {
    const { vaultToken, vaultRoleId, vaultSecretId, vaultKubernetesRole, vaultAuthMount } = settings
    if (vaultToken !== undefined) return ownToken(vaultToken)
    const login = async (method: string, body: unknown): Promise<Session> => {
      const said = await call(`auth/${vaultAuthMount ?? method}/login`, { body })
      if (said.status !== 200)
        throw new SourceError(`Vault refused the sign-in by ${method}: ${vaultProblem(said)}`)
      return sessionOf(member(said.json, 'auth'))
    }
    if (vaultRoleId !== undefined) return login('approle', { role_id: vaultRoleId, secret_id: vaultSecretId })
    if (vaultKubernetesRole !== undefined)
      return login('kubernetes', {
        role: vaultKubernetesRole,
        // Kubernetes replaces the token in the file, so it is read at each sign-in.
        jwt: tokenIn('VAULT_KUBERNETES_TOKEN_PATH', settings.vaultKubernetesTokenPath),
      })
    throw new SourceError(
      `${scheme}: needs VAULT_TOKEN, VAULT_ROLE_ID with VAULT_SECRET_ID, or VAULT_KUBERNETES_ROLE`,
    )
  }

  async function ownToken(token: string): Promise<Session> {
    const said = await call('auth/token/lookup-self', { token })
    if (said.status !== 200) throw new SourceError(`Vault refused VAULT_TOKEN: ${vaultProblem(said)}`)
    const data = member(said.json, 'data')
    return sessionOf({ lease_duration: member(data, 'ttl'), renewable: member(data, 'renewable') }, token)
  }

  /** A token that cannot be renewed is replaced by a new sign-in. */
  async function renewed(old: Session): Promise<Session> {
    if (old.renewAt === undefined || performance.now() < old.renewAt) return old
    if (!old.renewable) return signIn()
    const said = await call('auth/token/renew-self', { token: old.token, body: {} })
    return said.status === 200 ? sessionOf(member(said.json, 'auth'), old.token) : signIn()
  }

  /** One sign-in for readings at the same time. After a failure the next reading tries anew. */
  function current(): Promise<Session> {
    const before = session
    const next = before ? before.then(renewed) : signIn()
    session = next
    next.catch(() => {
      if (session === next) session = undefined
    })
    return next
  }

  /** A token that Vault no longer knows, as after a restart of Vault, is replaced once. */
  return async function withToken(path, options = {}) {
    const { token } = await current()
    const said = await call(path, { ...options, token })
    if (said.status !== 403) return said
    // Of calls at once that are refused, one signs in.
    const newest = await session?.catch(() => undefined)
    if (newest?.token === token) session = undefined
    return call(path, { ...options, token: (await current()).token })
  }
}
