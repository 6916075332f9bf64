/** Reads of the secrets of a refused request what helps to explain the refusal, and keeps none of them. */
import { parseBasic } from '../../auth/client_auth.ts'
import type { Refusal } from '../../auth/refusal.ts'
import { grantIdOf, kindOf } from '../../auth/token.ts'
import { isSecretOf } from '../../clients/client_secret.ts'
import type { Call } from '../../contracts/call.ts'
import type { Context } from '../../contracts/context.ts'
import { sha256 } from '../../lib/hash.ts'
import { Client, isSecretMac } from '../../models/client.ts'
import type { HandleLook, ReadJwt, Traces, VerifierTrace } from './failure.ts'
import { memoryOf } from './memory.ts'
import { clip, nameOfParameter } from './seen.ts'

/** A refused request while it is at hand. */
export interface AtHand {
  call: Call
  context: Context
  refusal: Readonly<Refusal>
  form: ReadonlyMap<string, string>
  query: ReadonlyMap<string, string>
}

/** Claims that say what a token is for. Those about a person are left out. */
const claimsShown = [
  ...['iss', 'aud', 'exp', 'iat', 'nbf', 'azp', 'client_id', 'scope', 'token_use', 'typ'],
  ...['htm', 'htu', 'nonce', 'events'],
]
const headerShown = ['alg', 'typ', 'kid', 'enc', 'cty']
const longestJwt = 16_384

/** Undefined for a text that is no JWT. `more` are further claims, such as `sub` where it is a client. */
function readJwt(jwt: string | undefined, more: readonly string[] = []): ReadJwt | undefined {
  const parts = jwt?.split('.') ?? []
  if (parts.length !== 3 || jwt!.length > longestJwt) return undefined
  try {
    const [header, claims] = parts
      .slice(0, 2)
      .map((part) => JSON.parse(Buffer.from(part, 'base64url').toString('utf8')) as Record<string, unknown>)
    return { header: picked(header!, headerShown), claims: picked(claims!, [...claimsShown, ...more]) }
  } catch {
    return undefined
  }
}

const picked = (from: Record<string, unknown>, names: readonly string[]): Record<string, unknown> =>
  Object.fromEntries(
    names.filter((name) => Object.hasOwn(from, name)).map((name) => [name, bounded(from[name])]),
  )

const bounded = (value: unknown): unknown => {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? '')
  return text.length > 400 ? clip(text) : value
}

const looks = { code: 'code', access: 'access token', refresh: 'refresh token' } as const
/** Characters of a code or an opaque access token (auth/token.ts). */
const handleLength = 68

function lookOf(text: string): HandleLook {
  if (/%[0-9a-f]{2}/i.test(text)) return 'percent-encoded'
  const kind = kindOf(text)
  if (kind !== undefined) return kind !== 'refresh' && text.length < handleLength ? 'cut short' : looks[kind]
  return readJwt(text) ? 'JWT' : 'other'
}

function verifierTrace(verifier: string, challenge: string | undefined, context: Context): VerifierTrace {
  const { challenges, histories } = memoryOf(context)
  const hashed = sha256(verifier)
  const other = challenges.get(hashed)
  return {
    characters: verifier.length,
    challenge: hashed,
    isWellFormed: /^[A-Za-z0-9._~-]{43,128}$/.test(verifier),
    isChallenge: verifier === challenge,
    hashedBytes: challenge !== undefined && sha256(Buffer.from(verifier, 'base64url')) === challenge,
    otherRequestAt: other === undefined ? undefined : histories.get(other)?.issued?.at,
  }
}

/** What the client may have meant, by the name of the mistake. */
const secretReadings: Readonly<Record<string, (sent: string) => string>> = {
  'with spaces around it': (sent) => sent.trim(),
  'with quotation marks around it': (sent) => sent.replace(/^(["'])(.*)\1$/, '$2'),
  'with a plus sign that was not percent-encoded': (sent) => sent.replaceAll(' ', '+'),
  'percent-encoded twice': (sent) => {
    try {
      return decodeURIComponent(sent)
    } catch {
      return sent
    }
  },
}

function secretsSent({ call, form }: AtHand): readonly string[] {
  const header = call.request.headers.get('authorization') ?? ''
  const basic = /^basic /i.test(header) ? parseBasic(header, form.get('client_id')) : undefined
  const posted = form.get('client_secret')
  return [...(basic?.secrets ?? []), ...(posted === undefined ? [] : [posted])]
}

function readingsOf(sent: readonly string[], client: Client, context: Context): string[] {
  const found = Object.entries(secretReadings).flatMap(([name, read]) =>
    sent.some((each) => read(each) !== each && isSecretOf(client, [read(each)], context)) ? [name] : [],
  )
  const { former_secret: former } = client
  const isFormer =
    former !== undefined &&
    former.exp * 1000 <= context.clock.now() &&
    sent.some((each) => isSecretMac(context.secrets.clientSecrets, client.client_id, each, former.secret_mac))
  return isFormer ? [...found, 'the one before, which no longer holds'] : found
}

/** Only for a request whose client was not proven: it reads the store once, and asks no other server. */
async function secretTrace(at: AtHand): Promise<Traces['secret']> {
  const sent = secretsSent(at)
  if (at.refusal.code !== 'invalid_client' || sent.length === 0) return undefined
  const { client } = at.call
  if (client) return { readings: readingsOf(sent, client, at.context), isClientId: false }
  return { readings: [], isClientId: (await Client.find(at.context, sent[0]!)) !== undefined }
}

function basicTrace({ call }: AtHand): Traces['basic'] {
  const [, text] = /^basic +(.*)$/i.exec(call.request.headers.get('authorization') ?? '') ?? []
  if (text === undefined) return undefined
  if (!/^[A-Za-z0-9+/]+={0,2} *$/.test(text)) return 'not base64'
  const decoded = Buffer.from(text, 'base64').toString('latin1')
  if (decoded.startsWith(':')) return 'empty'
  return decoded.includes(':') ? undefined : 'no colon'
}

function tokenTrace({ call, form, query }: AtHand): Traces['token'] {
  const header = call.request.headers.get('authorization') ?? ''
  const sent = [
    ['header', /^(?:bearer|dpop) +(\S+) *$/i.exec(header)?.[1] ?? (/^[\w.-]{20,}$/.test(header) && header)],
    ['body', form.get('access_token')],
    ['query', query.get('access_token')],
  ] as const
  for (const [place, token] of sent) if (token) return { look: lookOf(token), jwt: readJwt(token), place }
  return undefined
}

/** What a template or a program writes for a variable without a value. */
const unset = /^(?:undefined|null|None|NaN|\[object Object\]|\$\{?\w+\}?|\{\{.*\}\}|<[\w -]+>|%\w+%|)$/

const unsetIn = ({ form, query }: AtHand): string[] =>
  [...query, ...form]
    .flatMap(([name, value]) => (unset.test(value) && nameOfParameter.test(name) ? [name] : []))
    .slice(0, 5)

export async function tracesOf(at: AtHand): Promise<Traces> {
  const { context, form, call } = at
  const handle = form.get('code') ?? form.get('refresh_token')
  const grantId = handle === undefined ? undefined : grantIdOf(handle)
  const history = grantId === undefined ? undefined : memoryOf(context).histories.get(grantId)
  const verifier = form.get('code_verifier')
  return {
    history,
    handle: handle === undefined ? undefined : lookOf(handle),
    verifier:
      verifier === undefined ? undefined : verifierTrace(verifier, history?.issued?.challenge, context),
    secret: await secretTrace(at),
    assertion: readJwt(form.get('client_assertion'), ['sub', 'jti']),
    proof: readJwt(call.request.headers.get('dpop') ?? undefined),
    token: tokenTrace(at),
    basic: basicTrace(at),
    unset: unsetIn(at),
    hint: readJwt(form.get('id_token_hint') ?? at.query.get('id_token_hint')),
  }
}
