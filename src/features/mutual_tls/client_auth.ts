/** Client authentication with the TLS client certificate of the connection. https://www.rfc-editor.org/rfc/rfc8705#section-2 */
import { check } from '../../auth/check.ts'
import type { X509Certificate } from 'node:crypto'
import { OAuthError } from '../../auth/errors.ts'
import type { Grounds } from '../../auth/refusal.ts'
import { thumbprint } from '../../auth/jwk.ts'
import type { ClientJwk } from '../../auth/client_jwks.ts'
import { certificatesIn, readNamed } from '../../config/named_files.ts'
import type { Context } from '../../contracts/context.ts'
import type { Call } from '../../contracts/call.ts'
import { clientKeys } from '../../clients/client_keys.ts'
import type { ClientAuthMethod } from '../../contracts/feature.ts'
import { clientCertificate, isFromProxy, isValidAt } from './certificate.ts'
import { certificateHeader, settings } from './settings.ts'
import { matchesSubject } from './subject.ts'

const refuse = (grounds: Grounds) => new OAuthError('invalid_client', grounds)

function requireCertificate(call: Call, context: Context): X509Certificate {
  const certificate = clientCertificate(call, context, refuse)
  if (certificate) return certificate
  const { mtlsIssuerUrl } = settings(context.config)
  throw refuse({
    rule: 'RFC 8705 §2',
    expected: 'a TLS client certificate',
    problem: `this client authenticates by a TLS client certificate, and the request has none${mtlsIssuerUrl ? `; use ${mtlsIssuerUrl}` : ''}`,
  })
}

/** §2.1: a trusted authority issued the certificate, and its subject is the one that the client registered. */
export const tlsClientAuth: ClientAuthMethod = {
  name: 'tls_client_auth',
  presentedAs: 'none',
  offered({ config }) {
    const { mtlsClientVerifyHeader, mtlsCaPath } = settings(config)
    return mtlsClientVerifyHeader !== undefined || mtlsCaPath !== undefined
  },
  async verify(call, context, { client }) {
    const certificate = requireCertificate(call, context)
    check(isTrusted(certificate, call, context), () =>
      refuse({
        rule: 'RFC 8705 §2.1',
        expected: 'a client certificate of an authority that this provider trusts',
        came: certificate.issuer,
        problem: 'the client certificate was not issued by an authority that this provider trusts',
      }),
    )
    check(matchesSubject(client, certificate.raw), () =>
      refuse({
        rule: 'RFC 8705 §2.1',
        expected: 'a client certificate of the subject that this client registered',
        came: certificate.subject,
        problem: 'the client certificate does not name the subject that this client registered',
      }),
    )
  },
}

/** The proxy verified the whole chain, or an authority of MTLS_CA_PATH issued the certificate directly; both when both are set. */
function isTrusted(certificate: X509Certificate, call: Call, context: Context): boolean {
  const { mtlsClientVerifyHeader: header, mtlsCaPath } = settings(context.config)
  if (header === undefined && mtlsCaPath === undefined) return false
  const { format } = certificateHeader(context.config)
  const verified =
    header === undefined ||
    (isFromProxy(call, context, header) &&
      ['SUCCESS', format.verified].includes(call.request.headers.get(header) ?? ''))
  return verified && (mtlsCaPath === undefined || isIssuedByAuthority(certificate, mtlsCaPath, context))
}

const clientPurposes = ['1.3.6.1.5.5.7.3.2', '2.5.29.37.0']

function isIssuedByAuthority(certificate: X509Certificate, path: string, context: Context): boolean {
  const { keyUsage } = certificate // node's name for extended key usage; absent means any
  if (keyUsage && !keyUsage.some((purpose) => clientPurposes.includes(purpose))) return false
  const now = context.clock.now()
  const pem = context.once('mtls authorities', () => readNamed('MTLS_CA_PATH', path))
  return certificatesIn('MTLS_CA_PATH', pem, path).some(
    (authority) =>
      authority.ca &&
      isValidAt(authority, now) &&
      certificate.checkIssued(authority) &&
      certificate.verify(authority.publicKey),
  )
}

/** §2.2: the client published the certificate or its key; no authority is involved. */
export const selfSignedTlsClientAuth: ClientAuthMethod = {
  name: 'self_signed_tls_client_auth',
  presentedAs: 'none',
  async verify(call, context, { client }) {
    const certificate = requireCertificate(call, context)
    const publishes = async (notOlderThan?: number) =>
      (await clientKeys(client, context, notOlderThan)).some((key) => isOf(key, certificate))
    // A client publishes a new certificate before it uses it, so the keys are fetched again, at most every 30 seconds.
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

/** A JWK with `x5c` matches that certificate alone; a JWK without it matches every certificate with the key. */
function isOf(jwk: ClientJwk, certificate: X509Certificate): boolean {
  if (jwk.use === 'enc') return false
  if (jwk.x5c !== undefined) {
    const [leaf] = Array.isArray(jwk.x5c) ? (jwk.x5c as unknown[]) : []
    return typeof leaf === 'string' && Buffer.from(leaf, 'base64').equals(certificate.raw)
  }
  try {
    return thumbprint(jwk) === thumbprint(certificate.publicKey.export({ format: 'jwk' }))
  } catch {
    return false // a kind of key that has no JWK thumbprint here
  }
}
