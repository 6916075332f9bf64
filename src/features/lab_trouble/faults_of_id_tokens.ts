/** Faults of ID Tokens: claims and signatures. https://openid.net/specs/openid-connect-core-1_0.html#IDTokenValidation */
import { type Fault, otherClient, otherIssuer } from './fault.ts'

const hour = 3600

/** The left half of a hash of something else. */
const otherHash = 'AAAAAAAAAAAAAAAAAAAAAA'

/** Characters of the claim that makes a token huge: less than proxies and parsers usually take, more than a cookie has. */
const hugeCharacters = 200_000

export const faultsOfIdTokens: readonly Fault[] = [
  {
    name: 'iss',
    does: 'The ID Token names another issuer.',
    good: 'Compares iss with the issuer of the discovery document, exactly.',
    rule: 'OpenID Connect Core §3.1.3.7',
    expects: 'refusal',
    apply: { idToken: () => ({ claims: { iss: otherIssuer } }) },
  },
  {
    name: 'aud',
    does: 'The ID Token is for another client.',
    good: 'Requires its own client_id in aud.',
    rule: 'OpenID Connect Core §3.1.3.7',
    expects: 'refusal',
    apply: { idToken: () => ({ claims: { aud: otherClient } }) },
  },
  {
    name: 'azp',
    does: 'The ID Token has a second audience, and azp names that client.',
    good: 'Trusts no other audience, and requires its own client_id in azp.',
    rule: 'OpenID Connect Core §3.1.3.7',
    expects: 'refusal',
    apply: {
      idToken: (_token, { clientId }) => ({ claims: { aud: [clientId, otherClient], azp: otherClient } }),
    },
  },
  {
    name: 'nonce',
    does: 'The ID Token has another nonce than the request.',
    good: 'Compares nonce with the one that it keeps for this browser.',
    rule: 'OpenID Connect Core §3.1.3.7',
    expects: 'refusal',
    apply: {
      idToken: ({ claims }) => ({ claims: claims.nonce === undefined ? {} : { nonce: 'another-nonce' } }),
    },
  },
  {
    name: 'nonce_missing',
    does: 'The ID Token has no nonce, although the request had one.',
    good: 'Requires the nonce that it sent.',
    rule: 'OpenID Connect Core §3.1.3.7',
    expects: 'refusal',
    apply: { idToken: () => ({ claims: { nonce: undefined } }) },
  },
  {
    name: 'at_hash',
    does: 'at_hash is the hash of another access token.',
    good: 'Compares at_hash with the access token. For a code the specification leaves this to the client.',
    rule: 'OpenID Connect Core §3.1.3.8',
    expects: 'refusal',
    optional: true,
    apply: {
      idToken: ({ claims }) => ({ claims: claims.at_hash === undefined ? {} : { at_hash: otherHash } }),
    },
  },
  {
    name: 'expired',
    does: 'The ID Token expired an hour ago.',
    good: 'Refuses a token after exp, with a tolerance of a few minutes at most.',
    rule: 'OpenID Connect Core §3.1.3.7',
    expects: 'refusal',
    apply: { idToken: (_token, { now }) => ({ claims: { iat: now - 2 * hour, exp: now - hour } }) },
  },
  {
    name: 'future',
    does: 'The ID Token is valid in an hour (nbf, iat).',
    good: 'Refuses a token before nbf.',
    rule: 'RFC 7519 §4.1.5',
    expects: 'refusal',
    apply: {
      idToken: (_token, { now }) => ({ claims: { iat: now + hour, nbf: now + hour, exp: now + 2 * hour } }),
    },
  },
  {
    name: 'sub_missing',
    does: 'The ID Token has no sub.',
    good: 'Requires sub: it names the account.',
    rule: 'OpenID Connect Core §2',
    expects: 'refusal',
    apply: { idToken: () => ({ claims: { sub: undefined } }) },
  },
  {
    name: 'signature',
    does: 'The ID Token names a key of the provider, and another key has signed it.',
    good: 'Verifies the signature with the key of the JWK Set. Behind TLS to the token endpoint the specification allows a client to trust the connection instead.',
    rule: 'OpenID Connect Core §3.1.3.7',
    expects: 'refusal',
    ownKey: true,
    apply: { idToken: ({ header }) => ({ header: { kid: header.kid }, signer: 'stranger' }) },
  },
  {
    name: 'kid',
    does: 'The ID Token names a key that is in no JWK Set.',
    good: 'Fetches the JWK Set once more, at most every minute or so, and then refuses.',
    rule: 'OpenID Connect Core §10.1',
    expects: 'refusal',
    ownKey: true,
    apply: { idToken: () => ({ signer: 'stranger' }) },
  },
  {
    name: 'alg_none',
    does: 'The ID Token has alg none and no signature.',
    good: 'Accepts only the algorithm that it registered, and never none.',
    rule: 'RFC 8725 §3.1',
    expects: 'refusal',
    apply: { idToken: () => ({ header: { alg: 'none', kid: undefined }, signer: 'none' }) },
  },
  {
    name: 'alg_swapped',
    does: 'The ID Token is signed with HS256, and its secret is the public key of the provider.',
    good: 'Accepts only the algorithm that it registered, and uses a key for that algorithm alone.',
    rule: 'RFC 8725 §3.1',
    expects: 'refusal',
    apply: { idToken: () => ({ header: { alg: 'HS256' }, signer: 'public_key' }) },
  },
  {
    name: 'huge',
    does: `The ID Token has a claim of ${hugeCharacters / 1000} kB more.`,
    good: 'Signs in or refuses. It does not keep the token in a cookie, and the next sign-in works.',
    rule: 'RFC 7519 §4',
    expects: 'either',
    thenWorks: true,
    apply: { idToken: () => ({ claims: { padding: 'x'.repeat(hugeCharacters) } }) },
  },
]
