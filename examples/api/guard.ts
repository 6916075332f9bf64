/** Stands before the endpoints of a resource server: the caller, its token, and whether that token allows the request. */
import { Unavailable } from './ask.ts'
import type { Caller, Verify } from './caller.ts'
import { proofAlgs, requireProof } from './dpop.ts'
import { createNonces } from './nonce.ts'
import { createUseOnce, type UseOnce } from './once.ts'
import { refusal, Refused } from './refusal.ts'

export interface Guard {
  /** The caller, if its token has all of these scopes. Throws `Refused` or `Unavailable`. */
  callerOf(request: Request, ...scopes: string[]): Promise<Caller>
  /** The answer to a request that one of the checks threw for. */
  answerTo(error: unknown): Response
  /** https://www.rfc-editor.org/rfc/rfc9728 */
  metadata(): Response
  metadataPath: string
}

interface Options {
  issuer: string
  /** The URI of this API, which is `aud` of its tokens. */
  resource: string
  scopes: readonly string[]
  verify: Verify
  /** For several processes behind one address. */
  useOnce?: UseOnce
  nonceKey?: Uint8Array
}

const wellKnown = '/.well-known/oauth-protected-resource'

/** Of the header alone: an address and a form end up in logs and in the history of browsers (RFC 6750 §5.3). */
export function tokenOf(request: Request): { scheme: string; token: string } | undefined {
  const authorization = request.headers.get('authorization') ?? ''
  const [, scheme, token] = /^(bearer|dpop) +([\w.~+/-]+=*)$/i.exec(authorization) ?? []
  return scheme === undefined || token === undefined ? undefined : { scheme: scheme.toLowerCase(), token }
}

export function createGuard({ issuer, resource, scopes, verify, useOnce, nonceKey }: Options): Guard {
  const { origin, pathname } = new URL(resource)
  const metadataPath = `${wellKnown}${pathname === '/' ? '' : pathname}`
  const nonces = createNonces(nonceKey)
  const proofs = { origin, nonces, useOnce: useOnce ?? createUseOnce() }
  const terms = { resourceMetadata: `${origin}${metadataPath}`, algs: proofAlgs, nonce: nonces.current }

  /** A token that is not bound is good for each holder. A bound one needs its scheme and a proof. */
  async function requireHolder(
    request: Request,
    scheme: string,
    token: string,
    { cnf }: Caller,
  ): Promise<void> {
    const { jkt, ...others } = cnf ?? {}
    // Such as x5t#S256, which needs the certificate of the connection: examples/mutual_tls.
    if (Object.keys(others).length > 0)
      throw new Refused(401, 'invalid_token', 'bound by what this API cannot check')
    if ((scheme === 'dpop') !== (jkt !== undefined))
      throw new Refused(401, 'invalid_token', 'the scheme is not that of the token')
    if (jkt !== undefined) await requireProof(request, token, String(jkt), proofs)
  }

  return {
    async callerOf(request, ...wanted) {
      const sent = tokenOf(request)
      if (!sent) throw new Refused(401, undefined, 'no token', { scope: wanted.join(' ') })
      const caller = await verify(sent.token)
      await requireHolder(request, sent.scheme, sent.token, caller)
      if (!wanted.every((each) => caller.scope.includes(each)))
        throw new Refused(403, 'insufficient_scope', 'the token has another scope', {
          scope: wanted.join(' '),
        })
      return caller
    },
    answerTo(error) {
      if (error instanceof Refused) return refusal(error, terms)
      const headers = { 'retry-after': '5', 'cache-control': 'no-store' }
      if (error instanceof Unavailable)
        return Response.json({ error: 'temporarily_unavailable' }, { status: 503, headers })
      return Response.json({ error: 'server_error' }, { status: 500 })
    },
    metadata: () =>
      Response.json({
        resource,
        authorization_servers: [issuer],
        scopes_supported: scopes,
        bearer_methods_supported: ['header'],
        dpop_signing_alg_values_supported: proofAlgs,
      }),
    metadataPath,
  }
}
