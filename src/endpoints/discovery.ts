/** The discovery document, computed from the table, so that it advertises only what is served. https://openid.net/specs/openid-connect-discovery-1_0.html, RFC 8414 */
import { standardClaims } from '../auth/claims.ts'
import { codeChallengeMethods } from '../auth/pkce.ts'
import { servedPrompts } from '../flow/prompts.ts'
import { clientAlgs, signingAlgs } from '../auth/registration.ts'
import type { Config } from '../config.ts'
import type { Context } from '../contracts/context.ts'
import { offeredMethods } from '../http/client_authentication.ts'
import { publicJson } from '../http/reply.ts'
import { languages } from '../lib/say.ts'
import { jsonReply, ref } from '../openapi/parts.ts'
import { defineEndpoint, type Endpoint } from '../contracts/endpoint.ts'

/** RFC 8414 §3.1 puts the well-known part before the issuer's path; app.ts routes that path here too. */
export const discovery = defineEndpoint({
  name: 'discovery',
  path: '/.well-known/openid-configuration',
  aliases: ['/.well-known/oauth-authorization-server'],
  cors: 'any',
  advertised: false,
  api: () => ({
    GET: {
      summary: 'What this provider offers',
      responses: {
        200: jsonReply('Provider metadata (OpenID Connect Discovery, RFC 8414)', ref('Metadata')),
      },
    },
  }),
  get: (_call, context) =>
    publicJson(
      context.once('discovery', () => JSON.stringify(metadata(context))),
      context.config.jwksMaxAge,
    ),
})

export function metadata(context: Context): Record<string, unknown> {
  const { config, table } = context
  const clientAuth = offeredMethods(context)
  const assertionAlgs = [
    ...new Set(clientAuth.flatMap((name) => table.clientAuth.get(name)?.algs ?? [])),
  ].filter((alg) => !clientAlgs(signingAlgs).includes(alg) || clientAlgs(config.signingAlgs).includes(alg))
  const authenticated = (name: string, methods: readonly string[]) => ({
    [`${name}_endpoint_auth_methods_supported`]: methods,
    [`${name}_endpoint_auth_signing_alg_values_supported`]: assertionAlgs,
  })
  const core = {
    issuer: config.issuer,
    ...endpointUrls(config.issuer, context),
    jwks_uri: `${config.issuer}/jwks.json`,
    scopes_supported: amongOwn(context.openScopes, config.registrationAllowedScopes, config),
    response_types_supported: offered(table.responseTypes, context),
    response_modes_supported: [...table.responseModes.keys()],
    grant_types_supported: amongOwn(
      offered(table.grantTypes, context),
      config.registrationAllowedGrantTypes,
      config,
    ),
    subject_types_supported: [...table.subjectTypes.keys()],
    id_token_signing_alg_values_supported: config.signingAlgs,
    ...authenticated('token', clientAuth),
    ...authenticated('revocation', clientAuth),
    ...authenticated(
      'introspection',
      clientAuth.filter((each) => each !== 'none'),
    ),
    claims_supported: [
      ...new Set([
        ...standardClaims,
        'acr',
        'amr',
        'auth_time',
        'sid',
        ...Object.values(context.scopeTable).flat(),
      ]),
    ],
    claim_types_supported: ['normal'],
    claims_parameter_supported: true,
    request_parameter_supported: false,
    request_uri_parameter_supported: false,
    code_challenge_methods_supported: codeChallengeMethods,
    prompt_values_supported: servedPrompts(context),
    acr_values_supported: context.acrValues,
    display_values_supported: ['page'],
    ui_locales_supported: languages,
    authorization_response_iss_parameter_supported: true,
    service_documentation: `${config.issuer}/`,
  }
  const whole = table.metadata.reduce<Record<string, unknown>>(
    (document, add) => join(document, add(context)),
    core,
  )
  // RFC 8414 §3.2: a member without elements is left out.
  return Object.fromEntries(
    Object.entries(whole).filter(([, value]) => !Array.isArray(value) || value.length > 0),
  )
}

/**
 * Clients that register themselves take what they find here. Where registration leaves out what they may not have, the
 * document says the same as its answer; clients of the operator know their own registration.
 */
const amongOwn = (all: readonly string[], allowed: readonly string[], config: Config): readonly string[] =>
  config.registrationMisfits === 'leave_out' && config.registration !== 'closed'
    ? all.filter((each) => allowed.includes(each))
    : all

/** The URLs of the advertised endpoints below `base`, by their names in the metadata. */
export const endpointUrls = (
  base: string,
  context: Context,
  among: (endpoint: Endpoint) => boolean = () => true,
): Record<string, string> =>
  Object.fromEntries(
    context.table.endpoints
      .filter((each) => isAdvertised(each.advertised, context) && among(each))
      .map((each) => [`${each.name}_endpoint`, base + each.path]),
  )

/** The names that are advertised and open to self-registered clients. */
export const offered = (
  rows: ReadonlyMap<string, { name: string; offered?(context: Context): boolean }>,
  context: Context,
): string[] => [...rows.values()].filter((row) => row.offered?.(context) ?? true).map((row) => row.name)

const isAdvertised = (advertised: false | ((context: Context) => boolean) | undefined, context: Context) =>
  advertised === undefined || (advertised !== false && advertised(context))

/** Adds the metadata of a feature: arrays are joined, false may become true, any other member must be new. */
function join(document: Record<string, unknown>, more: Record<string, unknown>): Record<string, unknown> {
  const joined = { ...document }
  for (const [name, value] of Object.entries(more)) {
    const before = joined[name]
    if (Array.isArray(before) && Array.isArray(value)) joined[name] = [...new Set([...before, ...value])]
    else if (before === undefined || (before === false && value === true)) joined[name] = value
    else throw new Error(`two features set ${name} in the discovery document`)
  }
  return joined
}
