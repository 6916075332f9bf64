/** What an API must check of an access token, and whether this token would pass there. https://www.rfc-editor.org/rfc/rfc9068#section-4 */
import type { TokenKind } from '../../auth/claim_meanings.ts'
import { hasType } from '../../auth/jwt_type.ts'
import { resourceKey } from '../../auth/resource_uri.ts'
import { kinds } from './kind.ts'
import type { Json } from './pasted.ts'
import type { State } from './state.ts'
import { type TokenStep, textOf, timeInWords } from './step.ts'

/** What the API is, by the form. Empty texts were not given. */
export interface Api {
  audience: string
  scope: string
}

export interface Presented {
  /** Undefined for an opaque token. */
  kind: TokenKind | undefined
  typ: unknown
  claims: Json
  /** Of the signature; undefined for an opaque token, and where it could not be decided. */
  verified: boolean | undefined
  state: State | undefined
  issuer: string
  now: number
}

const scopesOf = (value: unknown): string[] =>
  typeof value === 'string' ? value.split(' ').filter((each) => each !== '') : []

function kindSteps({ kind, typ, claims }: Presented): TokenStep[] {
  if (kind === undefined) return []
  const isAccess = kind === 'access_token'
  const step: TokenStep = {
    about: 'It is an access token.',
    outcome: isAccess ? 'holds' : 'fails',
    rule: 'RFC 9068 §4',
    came: kinds[kind].title,
    ...(!isAccess && {
      note:
        kind === 'id_token'
          ? 'An ID Token is for the client that asked for it: it says which End-User signed in, and not what the client may do. An API that accepts it accepts a token of every client of the provider.'
          : kinds[kind].about,
    }),
  }
  if (!isAccess) return [step]
  const isTyped = typ !== undefined && hasType(typ, ['at+jwt'])
  const marked = claims.token_use === 'access'
  return [
    step,
    {
      about: 'Its typ is at+jwt.',
      outcome: isTyped ? 'holds' : 'fails',
      rule: 'RFC 9068 §4',
      expected: 'at+jwt',
      came: typ === undefined ? 'no typ' : textOf(typ),
      ...(!isTyped && {
        note: marked
          ? 'The provider was set to issue this type for APIs that know no other (ACCESS_TOKEN_TYP). An API that follows RFC 9068 refuses it.'
          : 'An API that does not look at typ can be given an ID Token.',
      }),
    },
  ]
}

function originSteps({ kind, claims, verified, issuer, state }: Presented): TokenStep[] {
  if (kind === undefined)
    return [
      {
        about: 'The API cannot read it, and asks the introspection endpoint.',
        outcome: state?.active ? 'holds' : 'fails',
        rule: 'RFC 7662 §2.1',
        came: state?.active ? 'active' : 'not active',
        ...(state && { note: state.why }),
      },
    ]
  return [
    {
      about: 'The issuer is the one that the API trusts.',
      outcome: claims.iss === issuer ? 'holds' : 'fails',
      rule: 'RFC 9068 §4',
      expected: issuer,
      came: textOf(claims.iss),
    },
    {
      about: 'The signature is made by a key of that issuer.',
      outcome: verified === true ? 'holds' : verified === false ? 'fails' : 'open',
      rule: 'RFC 9068 §4',
    },
  ]
}

function audienceStep({ claims: { aud } }: Presented, audience: string): TokenStep {
  const about = 'The audience is this API.'
  const rule = 'RFC 9068 §4'
  const came = textOf(aud)
  if (audience === '')
    return {
      about,
      outcome: 'open',
      rule,
      came,
      note: 'Name the API in the form. An API without this check accepts tokens that were issued for another one.',
    }
  const names = [aud].flat().filter((each): each is string => typeof each === 'string')
  const holds = names.some((each) => resourceKey(each) === resourceKey(audience))
  return { about, outcome: holds ? 'holds' : 'fails', rule, expected: audience, came }
}

function scopeStep({ claims }: Presented, scope: string): TokenStep {
  const about = 'It has the scope that the request needs.'
  const has = scopesOf(claims.scope)
  const came = has.join(' ') || 'no scope'
  const wanted = scopesOf(scope)
  if (wanted.length === 0)
    return {
      about,
      outcome: 'open',
      rule: 'RFC 6750 §3.1',
      came,
      note: 'Name the scope in the form. Each request of an API needs one.',
    }
  const missing = wanted.filter((each) => !has.includes(each))
  return {
    about,
    outcome: missing.length === 0 ? 'holds' : 'fails',
    rule: 'RFC 6750 §3.1',
    expected: wanted.join(' '),
    came,
    ...(missing.length > 0 && { note: 'The API answers 403 insufficient_scope.' }),
  }
}

function timeStep({ claims: { exp }, now }: Presented): TokenStep {
  const holds = typeof exp === 'number' && now < exp
  return {
    about: 'It has not expired.',
    outcome: holds ? 'holds' : 'fails',
    rule: 'RFC 9068 §4',
    came: timeInWords(exp, now) ?? 'no exp',
    ...(!holds && { note: 'The API answers 401 invalid_token.' }),
  }
}

function bindingStep({ claims: { cnf } }: Presented): TokenStep {
  const about = 'The presenter holds the key that the token is bound to.'
  const bound = typeof cnf === 'object' && cnf !== null ? (cnf as Json) : undefined
  if (!bound)
    return {
      about,
      outcome: 'open',
      rule: 'RFC 9700 §2.2.1',
      came: 'no cnf: a bearer token',
      note: 'Each party that gets hold of it can use it until it expires.',
    }
  const byCertificate = Object.hasOwn(bound, 'x5t#S256')
  return {
    about,
    outcome: 'open',
    rule: byCertificate ? 'RFC 8705 §3' : 'RFC 9449 §7.1',
    came: textOf(cnf),
    note: byCertificate
      ? 'The API compares the certificate of the connection with this thumbprint. Without it the token is refused.'
      : 'The API asks for a DPoP proof by the key of this thumbprint, made for this request and this token. Without it the token is refused.',
  }
}

function stateStep({ kind, state }: Presented): TokenStep[] {
  if (kind === undefined || !state) return []
  return [
    {
      about: 'The provider has not ended it.',
      outcome: state.active ? 'holds' : 'fails',
      rule: 'RFC 7662 §2.2',
      note: state.active
        ? state.why
        : `${state.why} An API that only verifies the signature accepts it until exp.`,
    },
  ]
}

/** The checklist, in the order in which an API should go through it. */
export const apiSteps = (token: Presented, { audience, scope }: Api): TokenStep[] => [
  ...kindSteps(token),
  ...originSteps(token),
  audienceStep(token, audience.trim()),
  timeStep(token),
  ...stateStep(token),
  scopeStep(token, scope),
  bindingStep(token),
]
