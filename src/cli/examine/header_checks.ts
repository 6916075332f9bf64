/** Checks of the headers of answers. https://www.rfc-editor.org/rfc/rfc9700#section-4 */
import { systemRandom } from '../../lib/random.ts'
import type { Check } from './check.ts'
import { NotExamined } from './not_examined.ts'
import { post } from './client.ts'
import type { Answered, Sight } from './sight.ts'

const site = 'https://examine.invalid'

/** A refusal of the token endpoint: it has the headers of every answer there. */
const refusal = (sight: Sight, headers: Readonly<Record<string, string>> = {}): Promise<Answered> =>
  post(
    sight,
    sight.endpoint('token_endpoint'),
    { grant_type: 'authorization_code', code: systemRandom(33), client_id: 'examine' },
    headers,
  )

/** A page of the provider: what a request without parameters is answered with. */
async function pageOf(sight: Sight): Promise<Answered> {
  const answer = await sight.ask(sight.endpoint('authorization_endpoint'), { accept: 'text/html' })
  if (!/^text\/html\b/i.test(answer.headers['content-type'] ?? ''))
    throw new NotExamined(
      `the authorization endpoint answered ${answer.headers['content-type'] ?? 'nothing'}`,
    )
  return answer
}

const allowed = ({ headers }: Answered): string | undefined => headers['access-control-allow-origin']

const readableFromPages = async (sight: Sight, url: string): Promise<string | undefined> => {
  const origin = allowed(await sight.ask(url, { headers: { origin: site } }))
  return origin === '*' || origin === site ? undefined : 'no Access-Control-Allow-Origin'
}

/** Whether other sites get no path and no query. Of several policies the last one that a browser knows counts (§8.1). https://www.w3.org/TR/referrer-policy/ */
const referrerPolicies: ReadonlyMap<string, boolean> = new Map([
  ['no-referrer', true],
  ['same-origin', true],
  ['origin', true],
  ['strict-origin', true],
  ['origin-when-cross-origin', true],
  ['strict-origin-when-cross-origin', true],
  ['no-referrer-when-downgrade', false],
  ['unsafe-url', false],
])

export const headerChecks: readonly Check[] = [
  {
    id: 'headers.no_store',
    about: 'Answers of the token endpoint are not stored: Cache-Control has no-store.',
    why: 'A cache would give the tokens of one client to another.',
    rule: 'RFC 6749 §5.1',
    async run(sight) {
      const value = (await refusal(sight)).headers['cache-control'] ?? 'none'
      return /\bno-store\b/i.test(value) ? undefined : `Cache-Control ${value}`
    },
  },
  {
    id: 'headers.error_type',
    about: 'Refusals of the token endpoint are JSON.',
    why: 'Clients read the code of the error out of it.',
    rule: 'RFC 6749 §5.2',
    async run(sight) {
      const answer = await refusal(sight)
      const type = answer.headers['content-type'] ?? 'none'
      return /^application\/json\b/i.test(type) && answer.json ? undefined : `content-type ${type}`
    },
  },
  {
    id: 'headers.no_frames',
    about: 'Pages cannot be shown in a frame of another site.',
    why: 'The End-User would press buttons of the provider without seeing them (clickjacking).',
    rule: 'RFC 9700 §4.16',
    level: 'should', // the page that is looked at has no button yet
    async run(sight) {
      const { headers } = await pageOf(sight)
      const policy = headers['content-security-policy'] ?? ''
      const isGuarded =
        /frame-ancestors/i.test(policy) || /^(deny|sameorigin)$/i.test(headers['x-frame-options'] ?? '')
      return isGuarded ? undefined : 'neither frame-ancestors nor X-Frame-Options'
    },
  },
  {
    id: 'headers.content_security_policy',
    about: 'Pages have a Content-Security-Policy without unsafe-inline for scripts.',
    why: 'It stops scripts that reached a page through a fault.',
    rule: 'RFC 9700 §4.16',
    level: 'should',
    async run(sight) {
      const policy = (await pageOf(sight)).headers['content-security-policy']
      if (policy === undefined) return 'there is none'
      const scripts = /script-src([^;]*)/i.exec(policy)?.[1] ?? /default-src([^;]*)/i.exec(policy)?.[1]
      if (scripts === undefined) return 'neither script-src nor default-src'
      return /'unsafe-inline'/i.test(scripts) && !/'nonce-|'sha/i.test(scripts)
        ? "scripts have 'unsafe-inline'"
        : undefined
    },
  },
  {
    id: 'headers.referrer',
    about: 'Pages send no address to other sites: Referrer-Policy.',
    why: 'The address of a page of a sign-in has parameters of the request.',
    rule: 'RFC 9700 §4.2.4',
    level: 'should',
    async run(sight) {
      const policy = (await pageOf(sight)).headers['referrer-policy'] ?? 'none'
      const named = policy.split(',').map((each) => each.trim().toLowerCase())
      return referrerPolicies.get(named.findLast((each) => referrerPolicies.has(each)) ?? '')
        ? undefined
        : `Referrer-Policy ${policy}`
    },
  },
  {
    id: 'headers.no_sniffing',
    about: 'Browsers do not guess the type of an answer: X-Content-Type-Options is nosniff.',
    why: 'An answer in JSON could run as a script or show as a page.',
    rule: 'RFC 9110 §8.3',
    level: 'should',
    run: async (sight) =>
      /^nosniff$/i.test((await refusal(sight)).headers['x-content-type-options'] ?? '')
        ? undefined
        : 'no X-Content-Type-Options',
  },
  {
    id: 'headers.hsts',
    about: 'Browsers use https alone for half a year or longer: Strict-Transport-Security.',
    why: 'The first request in plain text lets an attacker take over the sign-in.',
    rule: 'RFC 6797 §7.1',
    level: 'should',
    run({ issuer, discovery: { headers } }) {
      if (!issuer.startsWith('https:')) throw new NotExamined('the issuer is no https URL')
      const value = headers['strict-transport-security'] ?? 'none'
      const age = Number(/max-age="?(\d+)/i.exec(value)?.[1] ?? 0)
      return age >= 15_552_000 ? undefined : `Strict-Transport-Security ${value}`
    },
  },
  {
    id: 'headers.cors_discovery',
    about: 'Pages of other sites can read the metadata.',
    why: 'A client that runs in a browser cannot find the provider.',
    rule: 'RFC 9700 §2.6',
    level: 'should',
    run: (sight) => readableFromPages(sight, sight.metadataUrl),
  },
  {
    id: 'headers.cors_keys',
    about: 'Pages of other sites can read the keys.',
    why: 'A client that runs in a browser cannot verify tokens.',
    rule: 'RFC 9700 §2.6',
    level: 'should',
    run: (sight) => readableFromPages(sight, sight.endpoint('jwks_uri')),
  },
  {
    id: 'headers.cors_token',
    about: 'The token endpoint does not let every site send credentials of the browser.',
    why: 'A page of an attacker would act with the cookies or certificates of the End-User.',
    rule: 'RFC 9700 §2.6',
    async run(sight) {
      const answer = await refusal(sight, { origin: site })
      return allowed(answer) === site && answer.headers['access-control-allow-credentials'] === 'true'
        ? 'any origin is allowed with credentials'
        : undefined
    },
  },
  {
    id: 'headers.cors_authorization',
    about: 'The authorization endpoint has no CORS.',
    why: 'A page of another site could read what the provider answers to the session of the End-User.',
    rule: 'RFC 9700 §2.6',
    async run(sight) {
      const answer = await sight.ask(sight.endpoint('authorization_endpoint'), { headers: { origin: site } })
      return allowed(answer) === undefined
        ? undefined
        : `Access-Control-Allow-Origin ${allowed(answer) ?? ''}`
    },
  },
  {
    id: 'headers.cookies',
    about: 'Cookies of pages are HttpOnly, and Secure with https.',
    why: 'A script or a request in plain text would give the session away.',
    rule: 'RFC 9700 §4.16',
    level: 'should',
    async run(sight) {
      const { headers } = await pageOf(sight)
      const cookies = (headers['set-cookie'] ?? '').split(/, (?=[^;, ]+=)/).filter((each) => each !== '')
      const secure = sight.issuer.startsWith('https:')
      return cookies.flatMap((cookie) => {
        const name = cookie.split('=', 1)[0] ?? ''
        const missing = [
          ...(/;\s*httponly/i.test(cookie) ? [] : ['HttpOnly']),
          ...(secure && !/;\s*secure/i.test(cookie) ? ['Secure'] : []),
        ]
        return missing.length > 0 ? `${name} without ${missing.join(' and ')}` : []
      })
    },
  },
]
