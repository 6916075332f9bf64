/** Checks of the metadata. https://openid.net/specs/openid-connect-discovery-1_0.html, https://www.rfc-editor.org/rfc/rfc8414 */
import type { Check } from './check.ts'
import { NotExamined } from './not_examined.ts'
import { type Json, listed, type Sight } from './sight.ts'

const endpointNames = (metadata: Json): string[] =>
  Object.keys(metadata).filter((name) => /_endpoint$|^jwks_uri$/.test(name))

const endpoints = ({ metadata }: Sight): [string, string][] =>
  endpointNames(metadata).map((name) => [name, String(metadata[name])])

const isLoopback = (url: URL): boolean => /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(url.hostname)

/** http on this machine is for development, and says nothing of the provider in production. */
const loopback = 'loopback, not judged: http on this machine is for development alone'

function addressProblem(text: string): string | undefined {
  const url = URL.parse(text)
  if (!url) return 'is no URL'
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopback(url))) return 'is not https'
  return url.hash === '' ? undefined : 'has a fragment'
}

/** Members that both documents have, with another value in each. */
function disagreements(sight: Sight): string[] {
  const { discovery, oauthMetadata } = sight
  if (!discovery.json || discovery.status !== 200 || !oauthMetadata?.json)
    throw new NotExamined('the provider has one of the two documents')
  const other = oauthMetadata.json
  return Object.entries(discovery.json)
    .filter(([name, value]) => Object.hasOwn(other, name) && !Bun.deepEquals(value, other[name]))
    .map(([name]) => `${name} differs`)
}

/** RFC 8414 §2, and what OpenID Connect Discovery §3 adds. */
const requiredOfOAuth = ['issuer', 'authorization_endpoint', 'token_endpoint', 'response_types_supported']
const requiredOfOpenId = ['jwks_uri', 'subject_types_supported', 'id_token_signing_alg_values_supported']

/** An authorization server of OAuth alone has no document of OpenID Connect. */
const isOpenId = ({ discovery }: Sight): boolean => discovery.status === 200 && discovery.json !== undefined

/** What a member holds, by its name; other members are not judged. */
function typeProblem(name: string, value: unknown): string | undefined {
  const isList = Array.isArray(value) && value.every((each) => typeof each === 'string')
  if (/_supported$|_parameter$/.test(name) && typeof value === 'boolean') return undefined
  if (name.endsWith('_supported'))
    return isList ? undefined : `${name} is neither a list of texts nor a boolean`
  if (/_endpoint$|_uri$/.test(name)) return typeof value === 'string' ? undefined : `${name} is no text`
  return undefined
}

export const metadataChecks: readonly Check[] = [
  {
    id: 'metadata.served',
    about: 'The metadata is served as a JSON object.',
    why: 'Clients read all addresses and abilities from it, and stop without it.',
    rule: 'OpenID Connect Discovery §4.2',
    run({ discovery, oauthMetadata }) {
      const document = discovery.status === 200 ? discovery : oauthMetadata
      if (!document?.json) return `status ${discovery.status}, ${discovery.json ? 'JSON' : 'no JSON object'}`
      const type = document.headers['content-type'] ?? 'none'
      return /^application\/json\b/.test(type) ? undefined : `content-type ${type}`
    },
  },
  {
    id: 'metadata.issuer',
    about: 'The issuer in the metadata is exactly the issuer that was asked.',
    why: 'A client that takes another issuer can be led to the keys of an attacker (mix-up).',
    rule: 'OpenID Connect Discovery §4.3',
    run: ({ issuer, metadata }) =>
      metadata.issuer === issuer ? undefined : `${String(metadata.issuer)} in place of ${issuer}`,
  },
  {
    id: 'metadata.issuer_form',
    about: 'The issuer is an https URL without query and fragment.',
    why: 'Tokens name the issuer; without TLS the keys of another server are as good as its own.',
    rule: 'OpenID Connect Discovery §3',
    run({ issuer }) {
      const problem = addressProblem(issuer)
      if (problem !== undefined) return `the issuer ${problem}`
      const url = new URL(issuer)
      if (url.search !== '') return 'the issuer has a query'
      if (url.protocol === 'http:') throw new NotExamined(loopback)
      return undefined
    },
  },
  {
    id: 'metadata.required',
    about: 'All required members are there.',
    why: 'A client cannot know what the provider can do, and guesses or stops.',
    rule: 'OpenID Connect Discovery §3',
    run: (sight) =>
      [...requiredOfOAuth, ...(isOpenId(sight) ? requiredOfOpenId : [])]
        .filter((name) => sight.metadata[name] === undefined)
        .map((name) => `${name} is missing`),
  },
  {
    id: 'metadata.types',
    about: 'Each member has a value of its type: lists of texts, texts, booleans.',
    why: 'Clients that check types refuse the whole document.',
    rule: 'RFC 8414 §2',
    run: ({ metadata }) =>
      Object.entries(metadata).flatMap(([name, value]) => typeProblem(name, value) ?? []),
  },
  {
    id: 'metadata.empty_lists',
    about: 'No list is empty.',
    why: 'A member without values is left out; an empty list says that nothing is supported.',
    rule: 'RFC 8414 §3.2',
    run: ({ metadata }) =>
      Object.entries(metadata).flatMap(([name, value]) =>
        Array.isArray(value) && value.length === 0 ? `${name} is empty` : [],
      ),
  },
  {
    id: 'metadata.endpoints_https',
    about: 'Each endpoint is an https URL without a fragment.',
    why: 'Codes, tokens and secrets travel there.',
    rule: 'RFC 6749 §3.1',
    run(sight) {
      const problems = endpoints(sight).flatMap(([name, url]) => {
        const problem = addressProblem(url)
        return problem === undefined ? [] : `${name} ${problem}: ${url}`
      })
      const isPlain = endpoints(sight).some(([, url]) => url.startsWith('http:'))
      if (problems.length === 0 && isPlain) throw new NotExamined(loopback)
      return problems
    },
  },
  {
    id: 'metadata.same_origin',
    about: 'Each endpoint is at the origin of the issuer.',
    why: 'One more host is one more party that gets codes and secrets. It may be meant, for example for mutual TLS.',
    rule: 'RFC 8414 §6.2',
    level: 'should',
    run: (sight) =>
      endpoints(sight).flatMap(([name, url]) =>
        URL.parse(url)?.origin === new URL(sight.issuer).origin ? [] : `${name} is at ${url}`,
      ),
  },
  {
    id: 'metadata.two_documents',
    about: 'The documents of OpenID Connect Discovery and RFC 8414 say the same.',
    why: 'Two clients of one provider would work against different providers.',
    rule: 'RFC 8414 §5',
    run: disagreements,
  },
  {
    id: 'metadata.response_types',
    about: 'The response type code is supported.',
    why: 'It is the flow that the best current practice asks clients to use.',
    rule: 'RFC 9700 §2.1.2',
    run: (sight) =>
      listed(sight, 'response_types_supported')?.includes('code') ? undefined : 'code is not listed',
  },
  {
    id: 'metadata.implicit',
    about: 'No response type puts an access token into the address of a page.',
    why: 'Such tokens are in the history of the browser, and can be injected into another client.',
    rule: 'RFC 9700 §2.1.2',
    level: 'should',
    run: (sight) =>
      (listed(sight, 'response_types_supported') ?? [])
        .filter((type) => type.split(' ').includes('token'))
        .map((type) => `"${type}" is offered`),
  },
  {
    id: 'metadata.password_grant',
    about: 'The grant type password is not offered.',
    why: 'It gives the password of the End-User to the client, and leaves no room for a second step.',
    rule: 'RFC 9700 §2.4',
    run: (sight) =>
      listed(sight, 'grant_types_supported')?.includes('password') ? 'password is offered' : undefined,
  },
  {
    id: 'metadata.scopes',
    about: 'Where scopes are listed, openid is one of them.',
    why: 'Without openid a request is no authentication.',
    rule: 'OpenID Connect Discovery §3',
    run(sight) {
      if (!isOpenId(sight)) throw new NotExamined('the provider has no document of OpenID Connect')
      return (listed(sight, 'scopes_supported')?.includes('openid') ?? true)
        ? undefined
        : 'openid is not listed'
    },
  },
  {
    id: 'metadata.subject_types',
    about: 'Subject types are public or pairwise.',
    why: 'A client cannot register with a type that no specification defines.',
    rule: 'OpenID Connect Core §8',
    run: (sight) =>
      (listed(sight, 'subject_types_supported') ?? [])
        .filter((type) => type !== 'public' && type !== 'pairwise')
        .map((type) => `"${type}" is none`),
  },
]
