/** Rich authorization requests: structured permissions, shown to the End-User as text. https://www.rfc-editor.org/rfc/rfc9396 */
import { check } from '../../auth/check.ts'
import * as v from 'valibot'
import { OAuthError } from '../../auth/errors.ts'
import { type Grounds, secret, shown } from '../../auth/refusal.ts'
import type { Context } from '../../contracts/context.ts'
import type { GrantRule, Issue } from '../../contracts/grant_type.ts'
import { concerns } from '../../auth/authorization_details.ts'
import { scopeWords } from '../../html/consent_page.ts'
import { authorizationDetail } from '../../html/page_parts.ts'
import type { Html } from '../../html/view.ts'
import type { Said } from '../../lib/say.ts'
import { type Detail, Details, ofToken } from '../../grants/token_details.ts'
import { type Client, declareMetadata } from '../../models/client.ts'
import { declareGrantMembers } from '../../models/grant.ts'
import { type AuthorizationParameter, defineFeature } from '../../contracts/feature.ts'
import { type DetailType, env, formOf, type Member, typesOf } from './types.ts'

const metadata = declareMetadata({ authorization_details_types: v.optional(v.array(v.string())) })
const ofGrant = declareGrantMembers({ authorization_details: Details })

const maxLength = 10_000

const refuse = (grounds: Omit<Grounds, 'rule'>) =>
  new OAuthError('invalid_authorization_details', { ...grounds, rule: 'RFC 9396 §5' })

/** §2 and §5: an array of objects whose types this provider, and this client, may use. */
function readDetails(text: string | undefined, client: Client, context: Context): Detail[] | undefined {
  if (text === undefined) return undefined
  check(text.length <= maxLength, () =>
    refuse({
      expected: `authorization_details may have at most ${maxLength} characters`,
      came: text.length,
    }),
  )
  const parsed = v.safeParse(Details, parseJson(text))
  if (!parsed.success)
    throw refuse({
      expected: 'authorization_details in the form of RFC 9396 2',
      came: secret(text), // it may name accounts and amounts
      problem: `authorization_details: ${v.getDotPath(parsed.issues[0]) ?? 'the value'}: ${parsed.issues[0].message}`,
    })
  const types = typesOf(context.config)
  const known = Object.keys(types)
  const own = metadata.of(client).authorization_details_types
  for (const [index, detail] of parsed.output.entries()) {
    const { type } = detail
    check(known.includes(type), () =>
      refuse({
        expected: `type of authorization_details is among ${known.join(', ') || 'none'}`,
        came: type,
        problem: `authorization_details type ${shown(type)} is not among ${known.join(', ') || 'none'}`,
      }),
    )
    check(!own || own.includes(type), () =>
      refuse({
        expected: `type of authorization_details is one that this client registered: ${(own ?? known).join(', ') || 'none'}`,
        came: type,
        problem: `this client is not registered for authorization_details of type ${shown(type)}`,
      }),
    )
    requireForm(detail, types[type]!, index)
  }
  return parsed.output
}

/** §5: a member that the type does not declare, or a value that it does not have, would be granted and never understood. */
function requireForm(detail: Detail, type: DetailType, index: number): void {
  const { issues } = v.safeParse(formOf(type), detail)
  const [issue] = issues ?? []
  if (issue === undefined) return
  const path = [index, v.getDotPath(issue)].filter((each) => each !== null).join('.')
  throw refuse({
    expected: `authorization_details of type ${detail.type} in the form that AUTHORIZATION_DETAILS_TYPES declares`,
    problem: `authorization_details: ${shown(path)}: ${issue.message}`,
  })
}

/** No type can declare a member of such a name, and schemas pass it over. */
const ofEveryObject = ['__proto__', 'constructor', 'prototype']

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text, (name, value: unknown) => {
      if (ofEveryObject.includes(name)) throw new SyntaxError(name)
      return value
    }) as unknown
  } catch {
    throw refuse({ expected: 'authorization_details must be a JSON array of objects', came: secret(text) })
  }
}

const schema = v.pipe(v.string(), v.description('JSON: an array of objects with a type (RFC 9396 §2)'))

const parameter: AuthorizationParameter = {
  name: 'authorization_details',
  schema,
  async read(context, params, client) {
    const authorization_details = readDetails(params.authorization_details, client, context)
    return authorization_details && ofGrant.extra({ authorization_details })
  },
  describe: ({ config }, extra) =>
    (ofGrant.of(extra).authorization_details ?? []).map((detail) => inWords(detail, typesOf(config))),
}

/** A name that the client or the configuration chose, as words. */
const wordsOf = (name: string): string => name.replaceAll(/[_-]/g, ' ')

/** Shows each member as a line, so that the End-User sees everything that is granted. */
function inWords({ type, ...members }: Detail, types: Readonly<Record<string, DetailType>>): Html {
  const declared = Object.hasOwn(types, type) ? types[type] : undefined // the operator may have removed it since
  return authorizationDetail(
    declared?.description ? scopeWords(declared.description) : wordsOf(type),
    linesOf(members, declared?.members ?? {}),
  )
}

type Line = readonly [name: Html | Said | string, value: string]

/** The members of an object are lines of their own. */
const linesOf = (
  values: Readonly<Record<string, unknown>>,
  members: Readonly<Record<string, Member>>,
  under = '',
): Line[] =>
  Object.entries(values)
    .filter(([, value]) => value !== undefined)
    .flatMap(([name, value]): Line[] => {
      const member = Object.hasOwn(members, name) ? members[name] : undefined
      if (member?.type === 'object')
        return linesOf(value as Record<string, unknown>, member.members ?? {}, `${under}${wordsOf(name)} `)
      const label = member?.description ? scopeWords(member.description) : `${under}${wordsOf(name)}`
      return [[label, textOf(value)]]
    })

const textOf = (value: unknown): string =>
  Array.isArray(value) && value.every((each) => typeof each === 'string')
    ? value.join(', ')
    : typeof value === 'string'
      ? value
      : JSON.stringify(value)

function requireWithin(requested: Detail[] | undefined, granted: readonly Detail[] = []): void {
  check(!requested?.some((each) => !granted.some((other) => Bun.deepEquals(each, other))), () =>
    refuse({
      expected: 'authorization_details is part of what was granted',
      problem: 'authorization_details asks for more than was granted',
    }),
  )
}

/** §6: a token request may ask for part of what was granted; each object must be one that was. */
const rule: GrantRule = {
  name: 'authorization_details',
  params: { authorization_details: v.optional(schema) },
  admit(grant, { raw, client, context }) {
    const requested = readDetails(raw.authorization_details, client, context)
    requireWithin(requested, ofGrant.of(grant).authorization_details)
  },
  /** Checked again, because not every grant type calls `admit`: token exchange copies a token. */
  shape(issue, { raw, client, context }) {
    const requested = readDetails(raw.authorization_details, client, context)
    const granted = grantedTo(issue, client, requested)
    requireWithin(requested, granted)
    const details = requested ?? granted
    if (details === undefined) return issue
    // §9.1. A token that names no resource is for every API that accepts ACCESS_TOKEN_AUDIENCE.
    const audience = [issue.audience ?? issue.copyOf?.aud ?? context.config.accessTokenAudience].flat()
    const authorization_details = audience.every((each) => each === context.config.accessTokenAudience)
      ? details
      : details.filter((each) => concerns(each, audience))
    return {
      ...issue,
      ...(authorization_details.length > 0 && { claims: { ...issue.claims, authorization_details } }),
      response: { ...issue.response, authorization_details },
    }
  },
}

/** Without an End-User, a client gets what an operator registered it for: types in `authorization_details_types`. */
function grantedTo(issue: Issue, client: Client, requested: Detail[] | undefined): Detail[] | undefined {
  if (issue.copyOf) return ofToken.of(issue.copyOf).authorization_details
  if (issue.grant) return ofGrant.of(issue.grant).authorization_details
  if (requested === undefined) return undefined
  check(!client.self_registered && metadata.of(client).authorization_details_types !== undefined, () =>
    refuse({
      expected:
        'an End-User, or a client that an operator registered for the type (authorization_details_types)',
      problem:
        'authorization_details without an End-User are for a client that an operator registered with authorization_details_types',
    }),
  )
  return requested
}

export const authorizationDetails = defineFeature({
  name: 'authorization_details',
  env,
  authorizationParameters: [parameter],
  grantRules: [rule],
  clientMetadata: metadata,
  metadata: (context) => ({ authorization_details_types_supported: Object.keys(typesOf(context.config)) }),
})
