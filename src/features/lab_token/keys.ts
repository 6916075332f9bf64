/** The keys that a token must be signed with, by its kind and its issuer. Nothing is fetched. docs/decisions/0094-pasted-tokens.md */
import type { TokenKind } from '../../auth/claim_meanings.ts'
import { isKnownKind, keyProblem } from '../../auth/public_key.ts'
import { privateMembers } from '../../auth/registration.ts'
import type { Context } from '../../contracts/context.ts'
import { Client } from '../../models/client.ts'
import type { Json, Jws } from './pasted.ts'

export interface RightKeys {
  /** In words: of this provider, of the client ID, of the JWK Set that was pasted. */
  whose: string
  /** Empty where there are none here; `problem` says why. */
  keys: readonly Json[]
  problem?: string
  /** The client, where it is one of this provider. */
  client?: Client | undefined
  /** True: they are the keys of this provider. */
  own?: true
}

/** Keys of one JWK Set that are tried. */
const mostKeys = 50
const longestId = 2_000

/** Undefined for an empty text. */
function pastedKeys(text: string): RightKeys | undefined {
  if (text.trim() === '') return undefined
  const whose = 'the JWK Set that was pasted'
  try {
    const value = JSON.parse(text) as { keys?: unknown } | null
    const list: unknown[] = Array.isArray(value?.keys) ? value.keys : [value]
    const keys = list.filter((each): each is Json => typeof each === 'object' && each !== null)
    if (keys.length > mostKeys) return { whose, keys: [], problem: `it has more than ${mostKeys} keys` }
    if (keys.some((key) => privateMembers.some((name) => Object.hasOwn(key, name))))
      return {
        whose,
        keys: [],
        problem: 'it has a private key, which must be pasted nowhere and replaced now',
      }
    const usable = keys.filter((key) => isKnownKind(key) && keyProblem(key) === undefined)
    return usable.length > 0 ? { whose, keys: usable } : { whose, keys: [], problem: 'it has no usable key' }
  } catch {
    return { whose, keys: [], problem: 'it is no JSON' }
  }
}

async function keysOfClient(id: unknown, context: Context): Promise<RightKeys> {
  const client = typeof id === 'string' && id.length <= longestId ? await Client.find(context, id) : undefined
  if (!client)
    return { whose: 'the client', keys: [], problem: 'no client with this client_id is registered here' }
  const whose = `the client ${client.client_id}`
  if (client.jwks) return { whose, keys: client.jwks.keys as readonly Json[], client }
  const problem = client.jwks_uri
    ? `its keys are at ${client.jwks_uri}. This page fetches nothing: paste the JWK Set below`
    : 'it has registered no keys'
  return { whose, keys: [], problem, client }
}

function keyOfProof({ header }: Jws): RightKeys {
  const whose = 'the header of the proof'
  const { jwk } = header
  if (typeof jwk !== 'object' || jwk === null || Array.isArray(jwk))
    return { whose, keys: [], problem: 'the header has no jwk' }
  if (privateMembers.some((name) => Object.hasOwn(jwk, name)))
    return { whose, keys: [], problem: 'the jwk in the header is a private key, which is lost with it' }
  const problem = keyProblem(jwk as Json)
  return problem === undefined ? { whose, keys: [jwk as Json] } : { whose, keys: [], problem }
}

export async function rightKeys(
  jws: Jws,
  kind: TokenKind,
  context: Context,
  pasted: string,
): Promise<RightKeys> {
  const { iss, client_id } = jws.claims
  if (kind === 'dpop_proof') return keyOfProof(jws)
  const given = pastedKeys(pasted)
  if (kind === 'client_assertion' || kind === 'request_object') {
    const registered = await keysOfClient(client_id ?? iss, context)
    return registered.keys.length === 0 && given ? { ...registered, ...given } : registered
  }
  if (iss === context.config.issuer)
    return { whose: 'this provider', keys: context.keys.jwks().keys as readonly Json[], own: true }
  return (
    given ?? {
      whose: 'another issuer',
      keys: [],
      problem:
        'the issuer is not this provider. This page fetches no keys, because a pasted token must not choose what this server requests: paste the JWK Set of the issuer below',
    }
  )
}
