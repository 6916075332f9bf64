/** The steps that verify a signature, in the order of a careful verifier. https://www.rfc-editor.org/rfc/rfc7515#section-5.2, RFC 8725 §3 */
import { createHmac, createPublicKey } from 'node:crypto'
import { compactVerify, importJWK } from 'jose'
import { fits } from '../../auth/public_key.ts'
import { secretsOf } from '../../clients/client_secret.ts'
import type { Context } from '../../contracts/context.ts'
import { equalInConstantTime } from '../../lib/equal.ts'
import { base64url } from '../../lib/bytes.ts'
import type { RightKeys } from './keys.ts'
import type { Json, Jws } from './pasted.ts'
import { type TokenStep, textOf } from './step.ts'

export interface Verified {
  steps: TokenStep[]
  /** Undefined where it cannot be decided here. */
  verified: boolean | undefined
}

const macs: Readonly<Record<string, string>> = { HS256: 'sha256', HS384: 'sha384', HS512: 'sha512' }
const asymmetric = /^(?:RS|PS|ES)(?:256|384|512)$|^EdDSA$|^Ed25519$/

const macOf = ({ text }: Jws, hash: string, secret: string | Uint8Array): string =>
  base64url(
    createHmac(hash, secret)
      .update(text.slice(0, text.lastIndexOf('.')))
      .digest(),
  )

const tagOf = ({ text }: Jws): string => text.slice(text.lastIndexOf('.') + 1)

/** The spellings of a public key that a verifier may take for a shared secret. */
function spellings(key: Json): (string | Uint8Array)[] {
  try {
    const object = createPublicKey({ key: key as never, format: 'jwk' })
    const pem = object.export({ format: 'pem', type: 'spki' }).toString()
    return [pem, pem.trimEnd(), object.export({ format: 'der', type: 'spki' }), JSON.stringify(key)]
  } catch {
    return []
  }
}

/** A published key whose text is the secret of the MAC: the attack on verifiers that trust `alg`. */
const confused = (jws: Jws, hash: string, keys: readonly Json[]): Json | undefined =>
  keys.find((key) => spellings(key).some((secret) => macOf(jws, hash, secret) === tagOf(jws)))

function macSteps(jws: Jws, alg: string, right: RightKeys, context: Context): Verified {
  const hash = macs[alg]!
  const { client } = right
  const secrets = client ? secretsOf(client, context) : []
  if (client && secrets.length > 0) {
    const holds = secrets.some((secret) => equalInConstantTime(macOf(jws, hash, secret), tagOf(jws)))
    const step: TokenStep = {
      about: `The MAC is made with the secret of ${right.whose}.`,
      outcome: holds ? 'holds' : 'fails',
      rule: 'RFC 7518 §3.2',
    }
    return { steps: [step], verified: holds }
  }
  const forged = confused(jws, hash, right.keys)
  const step: TokenStep = {
    about: 'The algorithm is a signature by a private key.',
    outcome: 'fails',
    rule: 'RFC 8725 §3.1',
    expected: 'an algorithm of the keys of the issuer, such as RS256 or ES256',
    came: alg,
    note: forged
      ? `It is forged. The MAC is made with the public key ${textOf(forged.kid)} as the secret. A verifier that lets the header choose the algorithm accepts it.`
      : 'A MAC needs a secret that signer and verifier share. The issuer has none with its readers, so no reader can verify it.',
  }
  return { steps: [step], verified: false }
}

/** Undefined where the algorithm is one that keys sign with. */
function algProblem(alg: unknown): TokenStep | undefined {
  const about = 'The algorithm is a signature by a private key.'
  const expected = 'an algorithm of the keys of the issuer, such as RS256 or ES256'
  if (typeof alg === 'string' && /^none$/i.test(alg))
    return {
      about,
      outcome: 'fails',
      rule: 'RFC 8725 §3.2',
      expected,
      came: alg,
      note: 'There is no signature. Any party can write such a token, with any claims.',
    }
  return typeof alg === 'string' && asymmetric.test(alg)
    ? undefined
    : { about, outcome: 'fails', rule: 'RFC 8725 §3.1', expected, came: textOf(alg) }
}

const leading = ['jwk', 'jku', 'x5u', 'x5c']

function headerSteps({ header }: Jws, isProof: boolean): TokenStep[] {
  const found = leading.filter((name) => Object.hasOwn(header, name) && !(isProof && name === 'jwk'))
  const critical = Object.hasOwn(header, 'crit') || Object.hasOwn(header, 'b64')
  return [
    ...(found.length === 0
      ? []
      : [
          {
            about: 'The header does not bring its own key.',
            outcome: 'open',
            rule: 'RFC 8725 §3.10',
            came: found.join(', '),
            note: 'A verifier that takes the key from there lets the sender choose it. Here it is ignored.',
          } as const,
        ]),
    ...(critical
      ? [
          {
            about: 'The header has no member that must be understood and is not.',
            outcome: 'fails',
            rule: 'RFC 7515 §4.1.11',
            came: textOf(header.crit ?? 'b64'),
          } as const,
        ]
      : []),
  ]
}

/** The key that the header names, or the only one that fits. A single key without a name is meant by any name. */
function keyFor(alg: string, kid: unknown, keys: readonly Json[]): Json | undefined {
  const [only, ...others] = keys
  if (kid !== undefined && (others.length > 0 || only?.kid !== undefined))
    return keys.find((key) => key.kid === kid)
  const [fitting, ...more] = keys.filter((key) => fits(key, alg))
  return more.length === 0 ? fitting : undefined
}

const nameOf = (key: Json): string => textOf(key.kid ?? 'a key without kid')

function keyStep(
  { header }: Jws,
  { whose, keys, problem, own }: RightKeys,
  key: Json | undefined,
  context: Context,
): TokenStep {
  const about = `The key of the header is one of ${whose}.`
  const { kid } = header
  const came = kid === undefined ? 'no kid' : textOf(kid)
  if (keys.length === 0)
    return { about, outcome: 'open', rule: 'RFC 7515 §4.1.4', came, ...(problem && { note: problem }) }
  if (key) return { about, outcome: 'holds', rule: 'RFC 7515 §4.1.4', came: nameOf(key) }
  const retired = own && typeof kid === 'string' && context.keys.knows(kid)
  return {
    about,
    outcome: 'fails',
    rule: 'RFC 7515 §4.1.4',
    expected: keys.map(nameOf).join(', '),
    came,
    note: retired
      ? 'It was a key of this provider, and is not published any more.'
      : 'The token is of another issuer or another environment, or it was forged.',
  }
}

async function holds({ text }: Jws, key: Json, alg: string): Promise<boolean> {
  try {
    await compactVerify(text, await importJWK(key as never, alg), { algorithms: [alg] })
    return true
  } catch {
    return false // each cause has a step of its own
  }
}

export async function verifySignature(
  jws: Jws,
  right: RightKeys,
  context: Context,
  isProof: boolean,
): Promise<Verified> {
  const { alg } = jws.header
  if (typeof alg === 'string' && Object.hasOwn(macs, alg)) return macSteps(jws, alg, right, context)
  const problem = algProblem(alg)
  if (problem) return { steps: [problem, ...headerSteps(jws, isProof)], verified: false }
  const name = alg as string
  const steps: TokenStep[] = [
    {
      about: 'The algorithm is a signature by a private key.',
      outcome: 'holds',
      rule: 'RFC 8725 §3.1',
      came: name,
    },
    ...headerSteps(jws, isProof),
  ]
  const key = keyFor(name, jws.header.kid, right.keys)
  steps.push(keyStep(jws, right, key, context))
  if (!key) return { steps, verified: right.keys.length === 0 ? undefined : false }
  const isOfKey = fits(key, name) && (key.alg === undefined || key.alg === name)
  steps.push({
    about: 'The algorithm is that of the key, not the choice of the sender.',
    outcome: isOfKey ? 'holds' : 'fails',
    rule: 'RFC 8725 §3.1',
    expected: textOf(key.alg ?? key.kty),
    came: name,
  })
  if (!isOfKey) return { steps, verified: false }
  const isGood = await holds(jws, key, name)
  steps.push({
    about: 'The signature is made by that key over this header and these claims.',
    outcome: isGood ? 'holds' : 'fails',
    rule: 'RFC 7515 §5.2',
    ...(!isGood && { note: 'A character of the token was changed, or another key signed it.' }),
  })
  return { steps, verified: isGood && !steps.some(({ outcome }) => outcome === 'fails') }
}
