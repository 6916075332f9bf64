/** The variable of custom scopes, and the attributes that their claims return. docs/configuration.md */
import * as v from 'valibot'
import { standardClaims } from '../../auth/claims.ts'
import { isClaimName, isProvidersOwn } from '../../auth/person_claims.ts'
import { standardScopes } from '../../auth/scope.ts'
import { type Config, defineEntries, featureConfig } from '../../config.ts'
import { OwnText, readJsonSetting } from '../../config/json_setting.ts'

const customText =
  'JSON such as {"organization":{"description":"See your organisation","claims":{"organization":"org"}}}, or the path of a file with it'

type Custom = Record<string, { claims: Record<string, string> }>

/** Claims with the attribute that each scope returns for them. */
const claimsIn = (scopes: Custom): [claim: string, attribute: string][] =>
  Object.values(scopes).flatMap(({ claims }) => Object.entries(claims))

/** The first claim for which two scopes have two attributes: a client with one scope would get what the other describes. */
function twoMeanings(scopes: Custom): string | undefined {
  const meanings = new Map<string, string>()
  for (const [claim, attribute] of claimsIn(scopes)) {
    const other = meanings.get(claim) ?? attribute
    if (other !== attribute) return `the claim ${claim} is ${other} in one scope and ${attribute} in another`
    meanings.set(claim, attribute)
  }
  return undefined
}

/** Whether the operator has a claim of this name that is not the roles. */
export const isOtherClaim = (name: string, config: Config): boolean =>
  claimsIn(settingsOf(config).customScopes ?? {}).some(
    ([claim, attribute]) => claim === name && attribute !== 'roles',
  )

/** Claims by which applications grant rights, also in a namespace such as https://app.example/roles (RFC 9068 §2.2.3.1). */
const grantsRights = (claim: string): boolean =>
  /(?:^|[:/.#])(?:roles?|groups?|entitlements?|permissions?)$/i.test(claim)

/** An End-User who edits such an attribute would be an administrator of the application. */
export const problems = (config: Config): string[] =>
  claimsIn(settingsOf(config).customScopes ?? {})
    .filter(([claim, attribute]) => grantsRights(claim) && config.editableAttributes.includes(attribute))
    .map(
      ([claim, attribute]) =>
        `EDITABLE_ATTRIBUTES: ${attribute} is what CUSTOM_SCOPES returns as ${claim}, by which applications grant rights: End-Users must not edit it. Take it out, or return it under another claim`,
    )

const Scopes = v.record(
  v.pipe(
    v.string(),
    v.regex(/^[\x21\x23-\x5b\x5d-\x7e]{1,100}$/, 'a scope is a name without spaces'),
    v.check(
      (scope) => !(standardScopes as readonly string[]).includes(scope),
      'a standard scope keeps its meaning',
    ),
  ),
  v.strictObject({
    description: OwnText,
    /** Claim to attribute; the attribute `roles` is the roles of the End-User. */
    claims: v.record(
      v.pipe(
        v.string(),
        v.check(isClaimName, 'a claim is a name such as organization'),
        v.check(
          (claim) => !isProvidersOwn(claim) && !standardClaims.includes(claim),
          'a standard claim keeps its meaning',
        ),
      ),
      v.pipe(v.string(), v.nonEmpty('name an attribute')),
    ),
  }),
)

const Consistent = v.pipe(
  Scopes,
  v.check(
    (scopes) => twoMeanings(scopes) === undefined,
    ({ input }) => `a claim has one attribute: ${twoMeanings(input)}`,
  ),
)

export type CustomScopes = v.InferOutput<typeof Scopes>

const customScopes = v.pipe(
  v.string(),
  v.rawTransform<string, CustomScopes>(
    ({ dataset, addIssue, NEVER }) =>
      readJsonSetting(dataset.value, Consistent, customText, addIssue) ?? NEVER,
  ),
  v.description(customText),
)

export const env = defineEntries([
  {
    name: 'CUSTOM_SCOPES',
    realm: 'own_or_server_by_command',
    schema: customScopes,
    help: 'Scopes of your own. Each has a description for the consent page (one text, or one by language such as {"en":…,"de":…}) and claims, each of which returns an attribute of the End-User. The attribute `roles` is the roles.',
  },
])

export const settingsOf = (config: Config) => featureConfig(config, 'attributes', env)
