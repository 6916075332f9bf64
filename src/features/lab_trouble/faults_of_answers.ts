/** Faults of the other answers: keys, authorization response, token endpoint, UserInfo, discovery. https://www.rfc-editor.org/rfc/rfc9207 */
import type { Reply } from '../../contracts/reply.ts'
import { json } from '../../http/reply.ts'
import { type Fault, otherIssuer } from './fault.ts'

const unavailable = (): Reply => json(503, { error: 'temporarily_unavailable' }, { 'retry-after': '1' })

const ofKeys: readonly Fault[] = [
  {
    name: 'key_rotated',
    does: 'A new key signs the ID Token. The JWK Set has it beside the others, at the same moment.',
    good: 'Fetches the JWK Set again when it does not know the kid, and signs in. Once a minute is often enough.',
    rule: 'OpenID Connect Core §10.1',
    expects: 'sign_in',
    ownKey: true,
    atStart: true,
    apply: {
      idToken: () => ({ signer: 'stranger' }),
      jwks: ({ keys }, { stranger }) => ({ keys: [...(keys as object[]), stranger!.jwk] }),
    },
  },
  {
    name: 'jwks_empty',
    does: 'A new key signs the ID Token, and the JWK Set is empty.',
    good: 'Refuses a token that it cannot verify.',
    rule: 'OpenID Connect Core §10.1',
    expects: 'refusal',
    ownKey: true,
    atStart: true,
    apply: { idToken: () => ({ signer: 'stranger' }), jwks: () => ({ keys: [] }) },
  },
  {
    name: 'jwks_503',
    does: 'A new key signs the ID Token, and the JWK Set answers 503.',
    good: 'Refuses a token that it cannot verify, and asks for the keys again at the next sign-in.',
    rule: 'OpenID Connect Core §10.1',
    expects: 'refusal',
    ownKey: true,
    atStart: true,
    thenWorks: true,
    apply: { idToken: () => ({ signer: 'stranger' }), jwks: unavailable },
  },
  {
    name: 'jwks_slow',
    does: 'The JWK Set comes late.',
    good: 'Waits for a bounded time. The next sign-in works.',
    rule: 'OpenID Connect Core §10.1',
    expects: 'either',
    atStart: true,
    thenWorks: true,
    apply: {
      async jwks(document, { wait }) {
        await wait()
        return document
      },
    },
  },
]

const ofResponses: readonly Fault[] = [
  {
    name: 'answer_iss',
    does: 'The authorization response names another issuer in iss.',
    good: 'Compares iss with the issuer that it asked, before it sends the code anywhere.',
    rule: 'RFC 9207 §2.4',
    expects: 'refusal',
    apply: { response: (params) => ({ ...params, iss: otherIssuer }) },
  },
  {
    name: 'answer_iss_missing',
    does: 'The authorization response has no iss, although discovery promises it.',
    good: 'Requires iss of a provider whose metadata has authorization_response_iss_parameter_supported.',
    rule: 'RFC 9207 §2.4',
    expects: 'refusal',
    apply: { response: ({ iss: _, ...params }) => params },
  },
  {
    name: 'state',
    does: 'The authorization response has another state than the request.',
    good: 'Compares state with the one that it keeps for this browser.',
    rule: 'RFC 6749 §10.12',
    expects: 'refusal',
    apply: {
      response: (params) => (params.state === undefined ? params : { ...params, state: 'another-state' }),
    },
  },
  {
    name: 'state_missing',
    does: 'The authorization response has no state, although the request had one.',
    good: 'Requires the state that it sent.',
    rule: 'RFC 6749 §10.12',
    expects: 'refusal',
    apply: { response: ({ state: _, ...params }) => params },
  },
]

const ofEndpoints: readonly Fault[] = [
  {
    name: 'token_slow',
    does: 'The token endpoint answers late.',
    good: 'Waits for a bounded time. The next sign-in works.',
    rule: 'RFC 6749 §3.2',
    expects: 'either',
    thenWorks: true,
    apply: {
      async token(reply, { wait }) {
        await wait()
        return reply
      },
    },
  },
  {
    name: 'token_503',
    does: 'The token endpoint answers 503.',
    good: 'Tells the person that signing in did not work. The next sign-in works.',
    rule: 'RFC 6749 §5.2',
    expects: 'refusal',
    thenWorks: true,
    apply: { token: unavailable },
  },
  {
    name: 'userinfo_sub',
    does: 'UserInfo is about another person: its sub is not that of the ID Token.',
    good: 'Compares sub with that of the ID Token, and uses no claim when they differ.',
    rule: 'OpenID Connect Core §5.3.2',
    expects: 'refusal',
    apply: { userinfo: (document) => ({ ...document, sub: 'another-person' }) },
  },
  {
    name: 'discovery_issuer',
    does: 'The discovery document names another issuer.',
    good: 'Compares issuer with the one that it asked, and uses nothing of the document when they differ.',
    rule: 'OpenID Connect Discovery §4.3',
    expects: 'refusal',
    atStart: true,
    apply: { discovery: (document) => ({ ...document, issuer: otherIssuer }) },
  },
]

export const faultsOfAnswers: readonly Fault[] = [...ofKeys, ...ofResponses, ...ofEndpoints]
