/** Citations of specifications, typed so that each can be shown as a link. */

/** The specifications that a refusal may cite: the title, and the URL to which the number of the section is appended. */
const specifications = {
  'RFC 6585': ['Additional HTTP Status Codes', rfc(6585)],
  'RFC 6749': ['The OAuth 2.0 Authorization Framework', rfc(6749)],
  'RFC 6750': ['Bearer Token Usage', rfc(6750)],
  'RFC 6797': ['HTTP Strict Transport Security', rfc(6797)],
  'RFC 7009': ['Token Revocation', rfc(7009)],
  'RFC 7515': ['JSON Web Signature', rfc(7515)],
  'RFC 7516': ['JSON Web Encryption', rfc(7516)],
  'RFC 7517': ['JSON Web Key', rfc(7517)],
  'RFC 7518': ['JSON Web Algorithms', rfc(7518)],
  'RFC 7519': ['JSON Web Token', rfc(7519)],
  'RFC 7521': ['Assertion Framework', rfc(7521)],
  'RFC 7523': ['JWT Profile for Client Authentication and Authorization Grants', rfc(7523)],
  'RFC 7591': ['Dynamic Client Registration', rfc(7591)],
  'RFC 7592': ['Dynamic Client Registration Management', rfc(7592)],
  'RFC 7636': ['Proof Key for Code Exchange', rfc(7636)],
  'RFC 7662': ['Token Introspection', rfc(7662)],
  'RFC 7797': ['JWS Unencoded Payload Option', rfc(7797)],
  'RFC 7800': ['Proof-of-Possession Key Semantics for JWTs', rfc(7800)],
  'RFC 8176': ['Authentication Method Reference Values', rfc(8176)],
  'RFC 8414': ['OAuth 2.0 Authorization Server Metadata', rfc(8414)],
  'RFC 8417': ['Security Event Token', rfc(8417)],
  'RFC 8628': ['Device Authorization Grant', rfc(8628)],
  'RFC 8693': ['Token Exchange', rfc(8693)],
  'RFC 8705': ['Mutual-TLS Client Authentication and Certificate-Bound Access Tokens', rfc(8705)],
  'RFC 8707': ['Resource Indicators', rfc(8707)],
  'RFC 8725': ['JSON Web Token Best Current Practices', rfc(8725)],
  'RFC 9068': ['JWT Profile for Access Tokens', rfc(9068)],
  'RFC 9101': ['JWT-Secured Authorization Request', rfc(9101)],
  'RFC 9110': ['HTTP Semantics', rfc(9110)],
  'RFC 9126': ['Pushed Authorization Requests', rfc(9126)],
  'RFC 9207': ['OAuth 2.0 Authorization Server Issuer Identification', rfc(9207)],
  'RFC 9325': ['Recommendations for Secure Use of TLS', rfc(9325)],
  'RFC 9396': ['Rich Authorization Requests', rfc(9396)],
  'RFC 9449': ['Demonstrating Proof of Possession', rfc(9449)],
  'RFC 9470': ['Step Up Authentication Challenge', rfc(9470)],
  'RFC 9700': ['Best Current Practice for OAuth 2.0 Security', rfc(9700)],
  'RFC 9701': ['JWT Response for OAuth Token Introspection', rfc(9701)],
  'OpenID Connect Core': ['OpenID Connect Core 1.0', openid('openid-connect-core-1_0')],
  'OpenID Connect Discovery': ['OpenID Connect Discovery 1.0', openid('openid-connect-discovery-1_0')],
  'OpenID Connect Registration': [
    'OpenID Connect Dynamic Client Registration 1.0',
    openid('openid-connect-registration-1_0'),
  ],
  'OpenID Connect Session Management': [
    'OpenID Connect Session Management 1.0',
    openid('openid-connect-session-1_0'),
  ],
  'OpenID Connect RP-Initiated Logout': [
    'OpenID Connect RP-Initiated Logout 1.0',
    openid('openid-connect-rpinitiated-1_0'),
  ],
  'OpenID Connect Back-Channel Logout': [
    'OpenID Connect Back-Channel Logout 1.0',
    openid('openid-connect-backchannel-1_0'),
  ],
  'OpenID Connect Front-Channel Logout': [
    'OpenID Connect Front-Channel Logout 1.0',
    openid('openid-connect-frontchannel-1_0'),
  ],
  'OpenID Connect CIBA': [
    'Client-Initiated Backchannel Authentication',
    openid('openid-client-initiated-backchannel-authentication-core-1_0'),
  ],
  'OpenID Unmet Authentication Requirements': [
    'OpenID Connect Core Error Code unmet_authentication_requirements',
    openid('openid-connect-unmet-authentication-requirements-1_0'),
  ],
  'OAuth Multiple Response Types': [
    'OAuth 2.0 Multiple Response Type Encoding Practices',
    openid('oauth-v2-multiple-response-types-1_0'),
  ],
  'OAuth Form Post Response Mode': [
    'OAuth 2.0 Form Post Response Mode',
    openid('oauth-v2-form-post-response-mode-1_0'),
  ],
  JARM: ['JWT Secured Authorization Response Mode', 'https://openid.net/specs/oauth-v2-jarm.html#section-'],
  'FAPI 1.0 Baseline': [
    'Financial-grade API Security Profile 1.0, Part 1: Baseline',
    'https://openid.net/specs/openid-financial-api-part-1-1_0.html#section-',
  ],
  'FAPI 1.0 Advanced': [
    'Financial-grade API Security Profile 1.0, Part 2: Advanced',
    'https://openid.net/specs/openid-financial-api-part-2-1_0.html#section-',
  ],
  'FAPI 2.0': [
    'FAPI 2.0 Security Profile',
    'https://openid.net/specs/fapi-security-profile-2_0-final.html#section-',
  ],
  'Client ID Metadata Document': [
    'OAuth Client ID Metadata Document',
    'https://datatracker.ietf.org/doc/html/draft-ietf-oauth-client-id-metadata-document#section-',
  ],
} as const satisfies Record<string, readonly [title: string, sections: string]>

function rfc(number: number): string {
  return `https://www.rfc-editor.org/rfc/rfc${number}#section-`
}

function openid(name: string): string {
  return `https://openid.net/specs/${name}.html#rfc.section.`
}

export type Specification = keyof typeof specifications

/** A specification and its section, for example `RFC 7636 §4.6`. */
export type Rule = `${Specification} §${number}${string}`

/** The title of the specification of a rule, and the URL of its section. */
export function readRule(rule: Rule): { title: string; url: string } {
  const at = rule.lastIndexOf(' §')
  const [title, sections] = specifications[rule.slice(0, at) as Specification]
  return { title, url: sections + rule.slice(at + 2) }
}
