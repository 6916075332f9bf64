/** Tokens that are bound to a key of the client: a copied token is of no use without it. */
import { calculateJwkThumbprint, decodeJwt, exportJWK, generateKeyPair, type JWK } from 'jose'
import { sha256 } from '../../../lib/hash.ts'
import { seconds } from '../../../lib/clock.ts'
import { type Answer, equal, type RunFlow, type Making, type Reading, type RunStep } from '../flow.ts'
import { signedPart } from '../signed.ts'
import { authorizeStep, codeRequest, pathOf, refreshStep, tokenStep, userinfoStep } from '../steps.ts'
import { newRequest } from './code.ts'

/** The private key of this run. It is one of the values, so that the page shows it. */
const keyOf = ({ values }: Making): JWK => JSON.parse(values.dpop_key ?? '{}') as JWK

const publicHalf = ({ kty, crv, x, y }: JWK) => ({ kty, crv, x, y }) as JWK

function proof(making: Making, htm: string, path: string, token?: string) {
  const { context, values } = making
  const key = keyOf(making)
  return signedPart({
    place: 'header',
    name: 'dpop',
    key,
    header: { typ: 'dpop+jwt', alg: 'ES256', jwk: publicHalf(key) },
    claims: {
      jti: context.random(12),
      htm,
      htu: `${context.config.issuer}${path}`,
      iat: seconds(context.clock),
      ...(token !== undefined && { ath: sha256(token) }),
      ...(values.dpop_nonce !== undefined && { nonce: values.dpop_nonce }),
    },
  })
}

const tries = [
  'Change htu or htm: a proof is for one request.',
  'Sign with another key: the header names one key, and another has signed.',
  'Leave the JWT out.',
  'Go back in the browser and send the same form again: a proof is good once (jti).',
]

/** A provider that wants its nonce in a proof sends it (§8). */
function withNonce(read: Reading, headers: Answer['headers']): Reading {
  const nonce = headers.find(([name]) => name === 'dpop-nonce')?.[1]
  return {
    ...read,
    values: { ...read.values, ...(nonce !== undefined && { dpop_nonce: nonce }) },
  }
}

/** `cnf` of a JWT; undefined for an opaque token. */
function boundTo(token: string): unknown {
  try {
    return (decodeJwt(token).cnf as { jkt?: unknown } | undefined)?.jkt
  } catch {
    return undefined
  }
}

const bound = (step: RunStep): RunStep => ({
  ...step,
  rule: 'RFC 9449 §5',
  about: `${step.about} A proof, signed with the key of the client, binds the tokens to that key.`,
  tries,
  async draft(making) {
    const draft = await step.draft(making)
    return { ...draft, signed: [...(draft.signed ?? []), proof(making, draft.method, draft.path)] }
  },
  async read(making, answer) {
    const reading = await step.read(making, answer)
    if (reading.values?.access_token === undefined) return withNonce(reading, answer.headers)
    const jkt = boundTo(reading.values.access_token)
    const findings = [
      ...reading.findings,
      equal('token_type is DPoP.', 'RFC 9449 §5', { expected: 'DPoP', came: answer.members.token_type }),
      ...(jkt === undefined
        ? []
        : [
            equal('cnf.jkt is the thumbprint of the key.', 'RFC 9449 §6.1', {
              expected: await calculateJwkThumbprint(publicHalf(keyOf(making))),
              came: jkt,
            }),
          ]),
    ]
    return withNonce({ ...reading, findings }, answer.headers)
  },
})

const authorize: RunStep = {
  ...authorizeStep,
  async draft(making) {
    const jkt = await calculateJwkThumbprint(publicHalf(keyOf(making)))
    return {
      method: 'GET',
      path: pathOf(making.context, 'authorization'),
      headers: [],
      params: [...codeRequest(making), ['dpop_jkt', jkt]],
    }
  },
}

const userinfo: RunStep = {
  ...userinfoStep,
  rule: 'RFC 9449 §7',
  about: 'The access token comes with a proof that names its hash (ath).',
  tries: [
    'Write Bearer in place of DPoP: a bound token is no bearer token.',
    'Leave the JWT out: this is what a thief of the token can send.',
    'Sign with another key.',
    ...tries.slice(0, 1),
  ],
  draft(making) {
    const path = pathOf(making.context, 'userinfo')
    const token = making.values.access_token ?? ''
    return {
      method: 'GET',
      path,
      headers: [['authorization', `DPoP ${token}`]],
      params: [],
      signed: [proof(making, 'GET', path, token)],
    }
  },
  async read(making, answer) {
    return withNonce(await userinfoStep.read(making, answer), answer.headers)
  },
}

export const dpop: RunFlow = {
  name: 'dpop',
  title: 'Tokens bound to a key (DPoP)',
  about: 'A public client proves with each request that it has the key to which its tokens are bound.',
  rule: 'RFC 9449 §1',
  client: 'public',
  async begin(context) {
    const { privateKey } = await generateKeyPair('ES256', { extractable: true })
    return { ...newRequest(context), dpop_key: JSON.stringify(await exportJWK(privateKey)) }
  },
  steps: [authorize, bound(tokenStep), userinfo, bound(refreshStep)],
}
