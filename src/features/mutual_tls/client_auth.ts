/** Clients that authenticate by the certificate of their connection. https://www.rfc-editor.org/rfc/rfc8705#section-2 */
import type { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { OAuthError } from '../../auth/errors.ts'
import type { Grounds } from '../../auth/refusal.ts'
import { thumbprint } from '../../auth/jwk.ts'
import type { ClientJwk } from '../../auth/client_jwks.ts'
import type { Context } from '../../contracts/context.ts'
import type { Call } from '../../contracts/call.ts'
import { clientKeys } from '../../clients/client_keys.ts'
import type { ClientAuthMethod } from '../../contracts/feature.ts'
import { clientCertificate, isFromProxy, isValidAt } from './certificate.ts'
import { readAuthorities, settings } from './settings.ts'
import { isNamed } from './subject.ts'

const refuse = (grounds: Grounds) => new OAuthError('invalid_client', grounds)

function requireCertificate(call: Call, context: Context): X509Certificate {
  const certificate = clientCertificate(call, context, refuse)
  if (certificate) return certificate
  const { mtlsIssuerUrl } = settings(context.config)
  throw refuse({
    rule: 'RFC 8705 §2',
    expected: 'a TLS client certificate',
    problem: `this client authenticates by a TLS client certificate, and none came${mtlsIssuerUrl ? `; use ${mtlsIssuerUrl}` : ''}`,
  })
}

/** §2.1: the certificate is vouched for by an authority, and names the client as registered. */
export const tlsClientAuth: ClientAuthMethod = {
  name: 'tls_client_auth',
  presentedAs: 'none',
  offered({ config }) {
    const { mtlsClientVerifyHeader, mtlsCaPath } = settings(config)
    return mtlsClientVerifyHeader !== undefined || mtlsCaPath !== undefined
  },
  async verify(call, context, { client }) {
    const certificate = requireCertificate(call, context)
    if (!isTrusted(certificate, call, context))
      throw refuse({
        rule: 'RFC 8705 §2.1',
        expected: 'a client certificate of an authority that is trusted here',
        came: certificate.issuer,
        problem: 'the client certificate was not issued by an authority that is trusted here',
      })
    if (!isNamed(client, certificate.raw))
      throw refuse({
        rule: 'RFC 8705 §2.1',
        expected: 'a client certificate of the subject that this client registered',
        came: certificate.subject,
        problem: 'the client certificate does not name the subject that this client registered',
      })
  },
}

/** By the proxy, whose TLS library walks the whole chain; or by being issued directly by an authority we were given. */
function isTrusted(certificate: X509Certificate, call: Call, context: Context): boolean {
  const { mtlsClientVerifyHeader: header, mtlsCaPath } = settings(context.config)
  if (header === undefined && mtlsCaPath === undefined) return false
  const verified =
    header === undefined ||
    (isFromProxy(call, context, header) && call.request.headers.get(header) === 'SUCCESS')
  return verified && (mtlsCaPath === undefined || isIssuedByUs(certificate, mtlsCaPath, context))
}

const clientPurposes = ['1.3.6.1.5.5.7.3.2', '2.5.29.37.0']

function isIssuedByUs(certificate: X509Certificate, path: string, context: Context): boolean {
  const { keyUsage } = certificate // the extended one, whatever node calls it; absent means any
  if (keyUsage && !keyUsage.some((purpose) => clientPurposes.includes(purpose))) return false
  const now = context.clock.now()
  return readAuthorities(context.once('mtls authorities', () => readFileSync(path, 'utf8'))).some(
    (authority) =>
      authority.ca &&
      isValidAt(authority, now) &&
      certificate.checkIssued(authority) &&
      certificate.verify(authority.publicKey),
  )
}

/** §2.2: the certificate is one that the client published; nobody vouches for it. */
export const selfSignedTlsClientAuth: ClientAuthMethod = {
  name: 'self_signed_tls_client_auth',
  presentedAs: 'none',
  async verify(call, context, { client }) {
    const certificate = requireCertificate(call, context)
    const publishes = async (notOlderThan?: number) =>
      (await clientKeys(client, context, notOlderThan)).some((key) => isOf(key, certificate))
    // A client that changed its certificate publishes it first: ask again, at most every thirty seconds.
    if ((await publishes()) || (client.jwks_uri !== undefined && (await publishes(refetchAfterSeconds))))
      return
    throw refuse({
      rule: 'RFC 8705 §2.2',
      expected: 'a client certificate whose key this client registered',
      problem: 'the client certificate is not among the keys that this client registered',
    })
  },
}

const refetchAfterSeconds = 30

/** A key published with its certificate stands for that certificate alone, otherwise for every one with the key. */
function isOf(jwk: ClientJwk, certificate: X509Certificate): boolean {
  if (jwk.use === 'enc') return false
  if (jwk.x5c !== undefined) {
    const [leaf] = Array.isArray(jwk.x5c) ? (jwk.x5c as unknown[]) : []
    return typeof leaf === 'string' && Buffer.from(leaf, 'base64').equals(certificate.raw)
  }
  try {
    return thumbprint(jwk) === thumbprint(certificate.publicKey.export({ format: 'jwk' }))
  } catch {
    return false // a key of a kind that no JWK of ours has
  }
}
