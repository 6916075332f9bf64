/** The steps that check type, times and claims of a JWT by its kind. https://www.rfc-editor.org/rfc/rfc7519#section-4.1 */
import type { TokenKind } from '../../auth/claim_meanings.ts'
import { hasType } from '../../auth/jwt_type.ts'
import { kinds } from './kind.ts'
import type { Json, Jws } from './pasted.ts'
import { type TokenStep, textOf, timeInWords } from './step.ts'

/** Seconds by which clocks may differ. */
const skew = 60
const logoutEvent = 'http://schemas.openid.net/event/backchannel-logout'

const timeOf = (value: unknown, now: number): string =>
  timeInWords(value, now) ?? `${textOf(value)}, which is no time`

interface TimeRule {
  claim: 'exp' | 'nbf' | 'iat'
  about: string
  rule: TokenStep['rule']
  holds(at: number, now: number): boolean
  note: string
}

const timeRules: readonly TimeRule[] = [
  {
    claim: 'exp',
    about: 'It has not expired.',
    rule: 'RFC 7519 §4.1.4',
    holds: (at, now) => now < at,
    note: 'It has expired. A verifier refuses it, apart from some seconds for clocks that differ.',
  },
  {
    claim: 'nbf',
    about: 'It is valid already.',
    rule: 'RFC 7519 §4.1.5',
    holds: (at, now) => at <= now + skew,
    note: 'It is not valid yet.',
  },
  {
    claim: 'iat',
    about: 'It was not made in the future.',
    rule: 'RFC 7519 §4.1.6',
    holds: (at, now) => at <= now + skew,
    note: 'It says that it was made in the future: the clock of the issuer is ahead, or of this server behind, or it is forged.',
  },
]

const timeSteps = (claims: Json, now: number): TokenStep[] =>
  timeRules.flatMap(({ claim, about, rule, holds, note }): TokenStep[] => {
    if (!Object.hasOwn(claims, claim)) return []
    const at = claims[claim]
    const isGood = timeInWords(at, now) !== undefined && holds(at as number, now)
    return [
      { about, outcome: isGood ? 'holds' : 'fails', rule, came: timeOf(at, now), ...(!isGood && { note }) },
    ]
  })

function typeStep(typ: unknown, kind: TokenKind): TokenStep | undefined {
  const { typ: wanted, rule } = kinds[kind]
  if (wanted === undefined)
    return hasType(typ, ['jwt'])
      ? undefined
      : {
          about: 'The type is that of this kind of token, or says nothing.',
          outcome: 'fails',
          rule: 'RFC 8725 §3.11',
          expected: 'JWT, or none',
          came: textOf(typ),
        }
  const isTyped = typ !== undefined && hasType(typ, [wanted])
  return {
    about: 'The type keeps it from passing as another kind of token.',
    outcome: isTyped ? 'holds' : 'fails',
    rule,
    expected: wanted,
    came: typ === undefined ? 'no typ' : textOf(typ),
    ...(!isTyped && { note: `By its claims it is this kind of token, and its type does not say so.` }),
  }
}

/** What single kinds ask beyond their required claims. */
const ofKind: Readonly<Partial<Record<TokenKind, (claims: Json, now: number) => TokenStep[]>>> = {
  id_token: ({ aud, azp }) =>
    Array.isArray(aud) && aud.length > 1
      ? [
          {
            about: 'With several audiences, azp names the client.',
            outcome: typeof azp === 'string' ? 'holds' : 'fails',
            rule: 'OpenID Connect Core §3.1.3.7',
            came: textOf(azp ?? 'no azp'),
          },
        ]
      : [],
  logout_token: ({ events, nonce, sub, sid }) => [
    {
      about: 'The event is a logout, and there is no nonce, so that it cannot pass as an ID Token.',
      outcome:
        typeof events === 'object' &&
        events !== null &&
        Object.hasOwn(events, logoutEvent) &&
        nonce === undefined
          ? 'holds'
          : 'fails',
      rule: 'OpenID Connect Back-Channel Logout §2.4',
      came: textOf(nonce === undefined ? events : { events, nonce }),
    },
    {
      about: 'It names the End-User or the session.',
      outcome: sub !== undefined || sid !== undefined ? 'holds' : 'fails',
      rule: 'OpenID Connect Back-Channel Logout §2.4',
    },
  ],
  dpop_proof: ({ iat }, now) => [
    {
      about: 'It was made within the last minute.',
      outcome: typeof iat === 'number' && Math.abs(iat - now) <= skew ? 'holds' : 'fails',
      rule: 'RFC 9449 §4.3',
      came: timeOf(iat, now),
    },
  ],
  client_assertion: ({ iss, sub }) => [
    {
      about: 'iss and sub are both the client.',
      outcome: iss === sub ? 'holds' : 'fails',
      rule: 'RFC 7523 §3',
      came: textOf({ iss, sub }),
    },
  ],
}

/** Of the whole token, by its kind. `now` in seconds. */
export function claimSteps({ header, claims }: Jws, kind: TokenKind, now: number): TokenStep[] {
  const { required, rule, title } = kinds[kind]
  const missing = required.filter((name) => !Object.hasOwn(claims, name))
  const type = typeStep(header.typ, kind)
  return [
    ...(type ? [type] : []),
    {
      about: `It has the claims that are required here (${title}).`,
      outcome: missing.length === 0 ? 'holds' : 'fails',
      rule,
      expected: required.join(', '),
      ...(missing.length > 0 && { came: `without ${missing.join(', ')}` }),
    },
    ...timeSteps(claims, now),
    ...(ofKind[kind]?.(claims, now) ?? []),
  ]
}
