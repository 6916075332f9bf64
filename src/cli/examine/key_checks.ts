/** Checks of the published keys. https://www.rfc-editor.org/rfc/rfc7517#section-5 */
import { fits, isKnownKind, keyProblem } from '../../auth/public_key.ts'
import { thumbprint } from '../../auth/jwk.ts'
import { privateMembers } from '../../auth/registration.ts'
import type { Check } from './check.ts'
import { type Json, listed, type Sight } from './sight.ts'

const nameOf = (key: Json, at: number): string =>
  typeof key.kid === 'string' ? `key ${key.kid}` : `key number ${at + 1}`

/** What is wrong with single keys. */
const each =
  (problemOf: (key: Json) => string | undefined) =>
  async (sight: Sight): Promise<readonly string[]> =>
    (await sight.keys()).flatMap((key, at) => {
      const problem = problemOf(key)
      return problem === undefined ? [] : `${nameOf(key, at)}: ${problem}`
    })

function twice(names: readonly (string | undefined)[]): string[] {
  const seen = new Set<string>()
  const again = new Set<string>()
  for (const name of names)
    if (name !== undefined) {
      if (seen.has(name)) again.add(name)
      seen.add(name)
    }
  return [...again]
}

/** Undefined for a key of an unknown kind, and for one without its members. */
export function materialOf(key: Json): string | undefined {
  try {
    return thumbprint(key)
  } catch {
    return undefined
  }
}

const isSymmetric = (alg: string): boolean => /^HS|^none$/.test(alg)

export const keyChecks: readonly Check[] = [
  {
    id: 'keys.served',
    about: 'The JWK Set is served as JSON and has keys.',
    why: 'No client can verify a token without it.',
    rule: 'RFC 7517 §5',
    async run(sight) {
      const answer = await sight.ask(sight.endpoint('jwks_uri'))
      if (answer.status !== 200) return `status ${answer.status}`
      const keys = answer.json?.keys
      if (!Array.isArray(keys)) return 'there is no list of keys'
      return keys.length === 0 ? 'there is no key' : undefined
    },
  },
  {
    id: 'keys.private_members',
    about: 'No private or shared key is published.',
    why: 'With it any party can sign tokens of the provider. The key must be replaced at once.',
    rule: 'RFC 7517 §9.2',
    run: each((key) => {
      const leaked = privateMembers.filter((name) => Object.hasOwn(key, name))
      return leaked.length > 0 ? `it has ${leaked.join(', ')}` : undefined
    }),
  },
  {
    id: 'keys.kid',
    about: 'Each key has a kid.',
    why: 'A client finds the key of a token by it; without it a rotation breaks sign-ins.',
    rule: 'OpenID Connect Core §10.1',
    async run(sight) {
      const problems = await each(({ kid }) =>
        typeof kid === 'string' && kid !== '' ? undefined : 'it has no kid',
      )(sight)
      const isAlone = (await sight.keys()).length === 1
      return isAlone && problems.length > 0 ? { note: 'the only key has no kid, which is allowed' } : problems
    },
  },
  {
    id: 'keys.kid_unique',
    about: 'No two keys have one kid.',
    why: 'A client may take the wrong one, and refuse good tokens.',
    rule: 'RFC 7517 §4.5',
    run: async (sight) =>
      twice((await sight.keys()).map(({ kid }) => (typeof kid === 'string' ? kid : undefined))).map(
        (kid) => `kid ${kid} is there twice`,
      ),
  },
  {
    id: 'keys.one_purpose',
    about: 'No key is there twice.',
    why: 'A key that signs and decrypts lets one use be turned against the other.',
    rule: 'RFC 7517 §4.2',
    run: async (sight) =>
      twice((await sight.keys()).map(materialOf)).map((print) => `the key with the thumbprint ${print}`),
  },
  {
    id: 'keys.use',
    about: 'Each key says whether it signs or encrypts.',
    why: 'Where there are keys for both, a client cannot choose without it.',
    rule: 'RFC 7517 §4.2',
    async run(sight) {
      const keys = await sight.keys()
      const problems = await each(({ use }) =>
        use === undefined || use === 'sig' || use === 'enc' ? undefined : `use ${String(use)}`,
      )(sight)
      const hasBoth = keys.some(({ use }) => use === 'enc')
      const silent = keys.filter(({ use }) => use === undefined).length
      return hasBoth && silent > 0 ? [...problems, `${silent} of ${keys.length} keys have no use`] : problems
    },
  },
  {
    id: 'keys.alg',
    about: 'Each key names its algorithm.',
    why: 'A key for one algorithm cannot be abused with another.',
    rule: 'RFC 8725 §3.1',
    level: 'should',
    run: each(({ alg, use }) => (typeof alg === 'string' || use === 'enc' ? undefined : 'it has no alg')),
  },
  {
    id: 'keys.strength',
    about: 'Each key is strong enough and well-formed, and fits its algorithm.',
    why: 'A weak key can be computed; a malformed one is refused by clients.',
    rule: 'RFC 7518 §3.3',
    run: each((key) => (isKnownKind(key) ? keyProblem(key) : undefined)),
  },
  {
    id: 'keys.for_each_alg',
    about: 'There is a key for each algorithm of ID Tokens in the metadata.',
    why: 'A client that registers the algorithm gets tokens that it cannot verify.',
    rule: 'OpenID Connect Core §10.1',
    async run(sight) {
      const keys = await sight.keys()
      return (listed(sight, 'id_token_signing_alg_values_supported') ?? [])
        .filter((alg) => !isSymmetric(alg))
        .filter(
          (alg) => !keys.some((key) => fits(key, alg) && (key.alg === undefined || isSameAlg(key.alg, alg))),
        )
        .map((alg) => `no key for ${alg}`)
    },
  },
]

/** EdDSA has a second, fully specified name. */
const isSameAlg = (a: unknown, b: string): boolean =>
  a === b || ([a, b].includes('EdDSA') && [a, b].includes('Ed25519'))
