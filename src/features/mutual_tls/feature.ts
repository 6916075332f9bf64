/** Mutual TLS behind a proxy: client authentication with certificates, and access tokens bound to them. https://www.rfc-editor.org/rfc/rfc8705 */
import { check } from '../../auth/check.ts'
import * as v from 'valibot'
import { OAuthError } from '../../auth/errors.ts'
import type { Grounds } from '../../auth/refusal.ts'
import type { Config } from '../../config.ts'
import { endpointUrls } from '../../endpoints/discovery.ts'
import { invalidToken } from '../../http/bearer.ts'
import { type Client, declareMetadata } from '../../models/client.ts'
import { defineFeature, type RegistrationRule, type TokenBinding } from '../../contracts/feature.ts'
import { clientCertificate, thumbprintOf } from './certificate.ts'
import { selfSignedTlsClientAuth, tlsClientAuth } from './client_auth.ts'
import { env, notes, problems, settings, trials } from './settings.ts'
import { subjectFieldNames, subjectMetadata } from './subject.ts'

const confirmation = 'x5t#S256'

const metadata = declareMetadata({
  ...subjectMetadata.entries,
  tls_client_certificate_bound_access_tokens: v.optional(v.boolean()),
  use_mtls_endpoint_aliases: v.optional(
    v.pipe(v.boolean(), v.description('The client calls mtls_endpoint_aliases')),
  ),
})

const isRequired = (client: Client): boolean =>
  metadata.of(client).tls_client_certificate_bound_access_tokens === true

const refuse = (grounds: Grounds) => new OAuthError('invalid_request', grounds)

/** §3: for clients that registered it. A request with a DPoP proof too gets a token bound to both. */
const binding: TokenBinding = {
  name: 'mutual_tls',
  scheme: 'Bearer',
  owns: (cnf) => typeof cnf[confirmation] === 'string',
  isRequired,

  missing: () =>
    refuse({
      rule: 'RFC 8705 §3',
      expected:
        'this client registered tls_client_certificate_bound_access_tokens: a TLS client certificate is required',
    }),

  bind(call, context, client) {
    if (!isRequired(client)) return undefined
    const certificate = clientCertificate(call, context, refuse)
    if (!certificate) return undefined
    return { cnf: { [confirmation]: thumbprintOf(certificate) }, token_type: 'Bearer' }
  },

  async check(call, context, { cnf }) {
    const refuse = (grounds: Grounds) => invalidToken(context, grounds, call)
    const certificate = clientCertificate(call, context, refuse)
    check(certificate, () =>
      refuse({
        rule: 'RFC 8705 §3',
        expected: 'the TLS client certificate that the token is bound to',
        problem: 'this token is bound to a TLS client certificate, and the request has none',
      }),
    )
    check(thumbprintOf(certificate) === cnf[confirmation], () =>
      refuse({
        rule: 'RFC 8705 §3',
        expected: `the TLS client certificate of SHA-256 thumbprint ${cnf[confirmation]}`,
        came: thumbprintOf(certificate),
        problem: 'this token is bound to another TLS client certificate than the one of the request',
      }),
    )
  },
}

const registration: RegistrationRule = {
  name: 'mutual_tls',
  async check({ config }, registered) {
    const refuse = (grounds: Grounds) => new OAuthError('invalid_client_metadata', grounds)
    const { token_endpoint_auth_method: method } = registered
    const members = metadata.of(registered)
    const present = subjectFieldNames.filter((name) => members[name] !== undefined)
    check(method !== tlsClientAuth.name || present.length === 1, () =>
      refuse({
        rule: 'RFC 8705 §2.1.2',
        expected: `tls_client_auth needs exactly one of ${subjectFieldNames.join(', ')}`,
        came: present.join(', ') || 'none',
      }),
    )
    check(method === tlsClientAuth.name || present.length === 0, () =>
      refuse({
        rule: 'RFC 8705 §2.1.2',
        expected: `${present[0] ?? 'a subject'} is for token_endpoint_auth_method tls_client_auth`,
        came: method,
      }),
    )
    const published = registered.jwks !== undefined || registered.jwks_uri !== undefined
    check(method !== selfSignedTlsClientAuth.name || published, () =>
      refuse({
        rule: 'RFC 8705 §2.2.2',
        expected: 'self_signed_tls_client_auth needs jwks or jwks_uri with the certificate (x5c) or its key',
      }),
    )
    check(members.use_mtls_endpoint_aliases !== true || settings(config).mtlsIssuerUrl !== undefined, () =>
      refuse({
        rule: 'RFC 8705 §5',
        expected: 'metadata without use_mtls_endpoint_aliases',
        problem:
          'use_mtls_endpoint_aliases: this provider has no aliases; its usual endpoints accept certificates',
      }),
    )
  },
}

/** §5: the same paths at the host and port where the proxy asks for certificates. */
function aliasBase(config: Config): string | undefined {
  const { mtlsIssuerUrl } = settings(config)
  return mtlsIssuerUrl && mtlsIssuerUrl + new URL(config.issuer).pathname.replace(/\/$/, '')
}

export const mutualTls = defineFeature({
  name: 'mutual_tls',
  env,
  when: (config) => settings(config).mutualTls,
  problems,
  trials,
  notes,
  clientAuth: [tlsClientAuth, selfSignedTlsClientAuth],
  tokenBindings: [binding],
  registrationRules: [registration],
  clientMetadata: metadata,
  baseUrls: (config) => [aliasBase(config)].flatMap((url) => (url === undefined ? [] : [{ url }])),
  metadata(context) {
    const base = aliasBase(context.config)
    return {
      tls_client_certificate_bound_access_tokens: true,
      // Only endpoints that clients call. Pages have no alias, so that no browser is asked for a certificate.
      ...(base !== undefined && {
        mtls_endpoint_aliases: endpointUrls(
          base,
          context,
          (each) => each.page !== true && each.post !== undefined,
        ),
      }),
    }
  },
})
