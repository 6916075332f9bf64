/** Rich authorization requests: structured permissions, shown to the End-User as text. https://www.rfc-editor.org/rfc/rfc9396 */
import * as v from 'valibot'
import { OAuthError } from '../../auth/errors.ts'
import { type Grounds, secret, shown } from '../../auth/refusal.ts'
import { defineEntries, featureConfig } from '../../config.ts'
import * as is from '../../config/schemas.ts'
import type { Context } from '../../contracts/context.ts'
import type { GrantRule } from '../../contracts/grant_type.ts'
import { authorizationDetail } from '../../html/page_parts.ts'
import type { Html } from '../../html/view.ts'
import { declareTokenClaims } from '../../models/access_token.ts'
import { type Client, declareMetadata } from '../../models/client.ts'
import { declareGrantMembers } from '../../models/grant.ts'
import { type AuthorizationParameter, defineFeature } from '../../contracts/feature.ts'

const env = defineEntries([
  {
    name: 'AUTHORIZATION_DETAILS_TYPES',
    schema: is.words,
    default: '',
    help: 'Types of authorization_details that your APIs understand (RFC 9396). Empty: none is accepted.',
  },
])

const Words = v.optional(v.pipe(v.array(v.pipe(v.string(), v.maxLength(500))), v.maxLength(50)))
const Detail = v.looseObject({
  type: v.pipe(v.string(), v.nonEmpty()),
  locations: Words,
  actions: Words,
  datatypes: Words,
  identifier: v.optional(v.pipe(v.string(), v.maxLength(500))),
  privileges: Words,
})
const Details = v.pipe(v.array(Detail), v.nonEmpty(), v.maxLength(20))
type Detail = v.InferOutput<typeof Detail>

const metadata = declareMetadata({ authorization_details_types: v.optional(v.array(v.string())) })
const ofGrant = declareGrantMembers({ authorization_details: Details })
const ofToken = declareTokenClaims({ authorization_details: Details })

const maxLength = 10_000

const refuse = (grounds: Omit<Grounds, 'rule'>) =>
  new OAuthError('invalid_authorization_details', { ...grounds, rule: 'RFC 9396 §5' })

/** §2 and §5: an array of objects whose types this provider, and this client, may use. */
function readDetails(text: string | undefined, client: Client, context: Context): Detail[] | undefined {
  if (text === undefined) return undefined
  if (text.length > maxLength)
    throw refuse({
      expected: `authorization_details may have at most ${maxLength} characters`,
      came: text.length,
    })
  const parsed = v.safeParse(Details, parseJson(text))
  if (!parsed.success)
    throw refuse({
      expected: 'authorization_details in the form of RFC 9396 2',
      came: secret(text), // it may name accounts and amounts
      problem: `authorization_details: ${v.getDotPath(parsed.issues[0]) ?? 'the value'}: ${parsed.issues[0].message}`,
    })
  const known = typesOf(context)
  const own = metadata.of(client).authorization_details_types
  for (const { type } of parsed.output) {
    if (!known.includes(type))
      throw refuse({
        expected: `type of authorization_details is among ${known.join(', ') || 'none'}`,
        came: type,
        problem: `authorization_details type ${shown(type)} is not among ${known.join(', ') || 'none'}`,
      })
    if (own && !own.includes(type))
      throw refuse({
        expected: `type of authorization_details is one that this client registered: ${own.join(', ') || 'none'}`,
        came: type,
        problem: `this client is not registered for authorization_details of type ${shown(type)}`,
      })
  }
  return parsed.output
}

const typesOf = (context: Context) =>
  featureConfig(context.config, 'authorization_details', env).authorizationDetailsTypes

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
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
  describe: (_context, extra) => (ofGrant.of(extra).authorization_details ?? []).map(inWords),
}

/** Shows each member as a line, so that the End-User sees everything that is granted. */
function inWords({ type, ...members }: Detail): Html {
  const lines = Object.entries(members).filter(([, value]) => value !== undefined)
  const say = (value: unknown): string =>
    Array.isArray(value) && value.every((each) => typeof each === 'string')
      ? value.join(', ')
      : typeof value === 'string'
        ? value
        : JSON.stringify(value)
  return authorizationDetail(
    type.replaceAll(/[_-]/g, ' '),
    lines.map(([name, value]) => [name.replaceAll('_', ' '), say(value)]),
  )
}

function requireWithin(requested: Detail[] | undefined, granted: readonly Detail[] = []): void {
  if (requested?.some((each) => !granted.some((other) => Bun.deepEquals(each, other))))
    throw refuse({
      expected: 'authorization_details is part of what was granted',
      problem: 'authorization_details asks for more than was granted',
    })
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
    if (!issue.grant) return issue
    const requested = readDetails(raw.authorization_details, client, context)
    const granted = (issue.copyOf ? ofToken.of(issue.copyOf) : ofGrant.of(issue.grant)).authorization_details
    requireWithin(requested, granted)
    const authorization_details = requested ?? granted
    if (authorization_details === undefined) return issue
    return {
      ...issue,
      claims: { ...issue.claims, authorization_details },
      response: { ...issue.response, authorization_details },
    }
  },
}

export const authorizationDetails = defineFeature({
  name: 'authorization_details',
  env,
  authorizationParameters: [parameter],
  grantRules: [rule],
  clientMetadata: metadata,
  metadata: (context) => ({ authorization_details_types_supported: typesOf(context) }),
})
