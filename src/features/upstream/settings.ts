/** Configuration of upstream providers: variables for one of each kind, and a list for more. docs/configuration.md */
import * as v from 'valibot'
import { type Config, defineEntries, type Entries, featureConfig } from '../../config.ts'
import { camelCase } from '../../config/entry.ts'
import * as is from '../../config/schemas.ts'
import { acrLevels } from '../../auth/acr.ts'
import { rows } from './providers.ts'
import type { Endpoints, ProviderSettings, ProviderRow } from './row.ts'

const Id = v.pipe(v.string(), v.regex(/^[a-z][a-z0-9_-]{0,31}$/))
const Text = v.pipe(v.string(), v.nonEmpty())
const Url = v.pipe(v.string(), v.regex(/^https?:\/\/[^\s?#\\@]+$/))

/** One provider, as a member of UPSTREAM_PROVIDERS. */
const Member = v.strictObject({
  /** Part of the callback path. Changing it invalidates the redirect URI registered with the provider. */
  id: Id,
  /** Name of the row. */
  provider: v.picklist(rows.map(({ name }) => name)),
  label: v.optional(Text),
  client_id: Text,
  client_secret: v.optional(Text),
  /** The issuer of `oidc`, a GitHub Enterprise Server, a national cloud of Microsoft. */
  base_url: v.optional(Url),
  scope: v.optional(Text),
  tenant: v.optional(v.pipe(v.string(), v.regex(/^[A-Za-z0-9.-]+$/))),
  hosted_domain: v.optional(Text),
  team_id: v.optional(Text),
  key_id: v.optional(Text),
  private_key: v.optional(Text),
  authorization_endpoint: v.optional(v.pipe(v.string(), v.url())),
  token_endpoint: v.optional(v.pipe(v.string(), v.url())),
  userinfo_endpoint: v.optional(v.pipe(v.string(), v.url())),
  subject_claim: v.optional(Text),
  email_verified: v.optional(v.picklist(['boolean', 'text'])),
  /** Maps its `acr` values to levels of `auth/acr.ts`. Only used if the provider is trusted. */
  acr: v.optional(v.record(v.string(), v.picklist(acrLevels))),
})
export type Member = v.InferOutput<typeof Member>

const listDescription =
  'a JSON array of objects with id, provider, client_id, client_secret and what docs/upstream.md names'

/** The error never quotes the value, because the list has secrets. */
const members = v.pipe(
  v.string(),
  v.rawTransform<string, readonly Member[]>(({ dataset, addIssue, NEVER }) => {
    try {
      return v.parse(v.array(Member), JSON.parse(dataset.value))
    } catch {
      addIssue({ message: `expected ${listDescription}` })
      return NEVER
    }
  }),
  v.description(listDescription),
)

const policy = defineEntries([
  {
    name: 'UPSTREAM_PROVIDERS',
    realm: 'default',
    schema: members,
    outbound: is.urlsIn,
    secret: true,
    help: 'Further upstream providers: several of one kind, or with settings that have no variable.',
  },
  {
    name: 'UPSTREAM_SIGN_UP',
    realm: 'own_or_default',
    schema: is.oneOf('open', 'closed'),
    default: { development: 'open', production: 'closed' },
    help: 'Whether an End-User without an account gets one by signing in with an upstream provider.',
  },
  {
    name: 'UPSTREAM_EMAIL_DOMAINS',
    realm: 'own_or_default',
    schema: is.domains,
    help: 'Only an End-User with a verified address at one of these domains gets an account in this way. Empty: no restriction.',
  },
  {
    name: 'UPSTREAM_LINK_BY_EMAIL',
    realm: 'own_or_default',
    schema: is.oneOf('ask', 'verified'),
    default: 'ask',
    help: 'What happens if both sides have verified the same address. ask: the End-User first signs in to the account. verified: the two are connected at once.',
  },
  {
    name: 'UPSTREAM_WITHOUT_AUTH_TIME',
    realm: 'own_or_default',
    schema: is.oneOf('refuse', 'accept'),
    default: 'refuse',
    help: 'What a sign-in counts as when the upstream provider does not say when it authenticated the End-User (auth_time). refuse: where a fresh sign-in is needed, the End-User proves a factor here or sees an error. accept: it counts as of now.',
  },
  {
    name: 'UPSTREAM_TRUSTED',
    realm: 'own_or_default',
    schema: is.words,
    help: 'Ids of upstream providers whose acr and amr count here as second factors.',
  },
])

/** Settings of each row besides the client id: suffix of the variable, member, help text. */
type Setting = readonly [ending: string, member: keyof Member, help: string, secret?: 'secret']
const clientSecret: Setting = [
  'CLIENT_SECRET',
  'client_secret',
  'The client secret that belongs to this client id.',
  'secret',
]
const verifiedSetting: Setting = [
  'EMAIL_VERIFIED',
  'email_verified',
  'How it sends email_verified. boolean (the default): only the JSON value true counts. text: "true" and 1 count too.',
]
const settingsOf: Readonly<Record<string, readonly Setting[]>> = {
  google: [
    clientSecret,
    ['HOSTED_DOMAIN', 'hosted_domain', 'Only End-Users of this Google Workspace domain may sign in.'],
  ],
  microsoft: [
    clientSecret,
    [
      'TENANT',
      'tenant',
      'Accounts that may sign in: common (the default), organizations, consumers, or the id of one tenant.',
    ],
  ],
  github: [
    clientSecret,
    ['BASE_URL', 'base_url', 'URL of a GitHub Enterprise Server, such as https://github.example.'],
  ],
  gitlab: [clientSecret, ['BASE_URL', 'base_url', 'URL of your own GitLab, such as https://gitlab.example.']],
  apple: [
    ['PRIVATE_KEY', 'private_key', 'The private key (PEM) from Apple for Sign in with Apple.', 'secret'],
    ['KEY_ID', 'key_id', 'The id of that key, ten characters.'],
    ['TEAM_ID', 'team_id', 'The id of the team that the key belongs to, ten characters.'],
  ],
  oidc: [
    clientSecret,
    [
      'ISSUER',
      'base_url',
      'The issuer of any other OpenID Connect provider, character by character as its metadata has it.',
    ],
    ['LABEL', 'label', 'Its name on the sign-in button.'],
    verifiedSetting,
  ],
  oauth2: [
    clientSecret,
    [
      'AUTHORIZATION_ENDPOINT',
      'authorization_endpoint',
      'Authorization endpoint of any other OAuth 2.0 provider.',
    ],
    ['TOKEN_ENDPOINT', 'token_endpoint', 'Its token endpoint.'],
    [
      'USERINFO_ENDPOINT',
      'userinfo_endpoint',
      'Its endpoint that returns the user of an access token as JSON.',
    ],
    [
      'SUBJECT_CLAIM',
      'subject_claim',
      'The member of that JSON that identifies the user permanently. Default: sub.',
    ],
    ['SCOPE', 'scope', 'Scopes to request, space-separated.'],
    ['LABEL', 'label', 'Its name on the sign-in button.'],
    verifiedSetting,
  ],
}

/** Required members of a row. Each of their variables requires the next one, so that a missing one is reported. */
const required: Readonly<Record<string, readonly (keyof Member)[]>> = {
  apple: ['private_key', 'key_id', 'team_id'],
  oidc: ['client_secret', 'base_url'],
  oauth2: ['client_secret', 'authorization_endpoint', 'token_endpoint', 'userinfo_endpoint'],
}
export const requiredOf = ({ name }: ProviderRow): readonly (keyof Member)[] =>
  required[name] ?? (['client_secret'] as const)

interface Variable {
  name: string
  member: keyof Member
  row: ProviderRow
}
const prefixOf = (row: ProviderRow) => `UPSTREAM_${row.name.toUpperCase()}`
const idSetting: Setting = ['CLIENT_ID', 'client_id', '']

const listed = rows.map((row) => {
  const settings = [idSetting, ...(settingsOf[row.name] ?? [clientSecret])]
  const ring = settings.filter(([, member]) => member === 'client_id' || requiredOf(row).includes(member))
  return { row, settings, ring }
})

const variables: readonly Variable[] = listed.flatMap(({ row, settings }) =>
  settings.map(([ending, member]) => ({ name: `${prefixOf(row)}_${ending}`, member, row })),
)

const schemaOf = (member: keyof Member, { name }: ProviderRow) => {
  if (member === 'base_url') return name === 'oidc' ? is.foreignIssuer : is.issuer
  if (member === 'email_verified') return is.oneOf('boolean', 'text')
  return member.endsWith('_endpoint') ? is.webUrl : is.text
}

const isUrl = (member: keyof Member): boolean => member === 'base_url' || member.endsWith('_endpoint')

const generated: Entries = listed.flatMap(({ row, settings, ring }) =>
  settings.map((setting) => {
    const [ending, member, help, secret] = setting
    const at = ring.indexOf(setting)
    const next = at < 0 ? idSetting : ring[(at + 1) % ring.length]!
    return {
      name: `${prefixOf(row)}_${ending}`,
      realm: 'default' as const,
      schema: schemaOf(member, row),
      ...(isUrl(member) && { outbound: is.urlsIn }),
      needs: `${prefixOf(row)}_${next[0]}`,
      ...(secret && { secret: true as const }),
      help: help || `Sign-in with ${row.label}: the client id from its registration.`,
    }
  }),
)

export const env: Entries = [...policy, ...generated]

export const policyOf = (config: Config) => featureConfig(config, 'upstream', policy)

/** A provider as configured. */
export interface Upstream extends ProviderSettings {
  id: string
  row: ProviderRow
  label: string
  scope: string
  appleKey: { teamId: string; keyId: string; privateKey: string } | undefined
  /** Its `acr` and `amr` count here. */
  trusted: boolean
  acr: Readonly<Record<string, string>>
}

/** First the providers from variables, then the list. */
export function membersOfConfig(config: Config): Member[] {
  const values = config.features.upstream ?? {}
  const single = rows.flatMap((row) => {
    const said = variables
      .filter((each) => each.row === row && values[camelCase(each.name)] !== undefined)
      .map(({ member, name }) => [member, values[camelCase(name)]] as const)
    const member = { ...Object.fromEntries(said), id: row.name, provider: row.name }
    return 'client_id' in member ? [member as Member] : []
  })
  return [...single, ...(policyOf(config).upstreamProviders ?? [])]
}

function endpointsOf(member: Member): Endpoints | undefined {
  const { authorization_endpoint: authorization, token_endpoint: token, userinfo_endpoint: userinfo } = member
  return authorization && token && userinfo ? { authorization, token, userinfo } : undefined
}

export const rowOf = ({ provider }: Member): ProviderRow => rows.find(({ name }) => name === provider)!

function upstreamOf(member: Member, trusted: readonly string[]): Upstream {
  const row = rowOf(member)
  const configured = member.base_url ?? row.base ?? ''
  const { team_id: teamId, key_id: keyId, private_key: privateKey } = member
  return {
    id: member.id,
    row,
    label: member.label ?? row.label,
    base: configured.replace(/\/+$/, ''),
    configured,
    clientId: member.client_id,
    clientSecret: member.client_secret,
    tenant: member.tenant,
    hostedDomain: member.hosted_domain,
    endpoints: endpointsOf(member),
    subjectClaim: member.subject_claim,
    emailVerified: member.email_verified ?? 'boolean',
    scope: member.scope ?? row.scope,
    appleKey: teamId && keyId && privateKey ? { teamId, keyId, privateKey } : undefined,
    trusted: trusted.includes(member.id),
    acr: member.acr ?? {},
  }
}

/** In the order of the sign-in page. */
export const upstreamsOf = (config: Config): readonly Upstream[] =>
  membersOfConfig(config).map((member) => upstreamOf(member, policyOf(config).upstreamTrusted ?? []))

export const findUpstream = (config: Config, id: string): Upstream | undefined =>
  upstreamsOf(config).find((each) => each.id === id)
