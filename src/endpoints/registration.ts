/** Dynamic client registration endpoint. https://www.rfc-editor.org/rfc/rfc7591 */
import { note } from '../models/audit/note.ts'
import { leftOutOf, namesOf } from '../auth/misfits.ts'
import { type ClientMetadata, readClientMetadata, type RegistrationPolicy } from '../auth/registration.ts'
import { isMetadata } from '../clients/replaced_client.ts'
import { requireUsableKeys } from '../auth/registered_keys.ts'
import type { LimitChoices, RegistrationLimits } from '../auth/registration_limits.ts'
import type { Context } from '../contracts/context.ts'
import type { RegistrationAttempt } from '../contracts/feature.ts'
import { offeredMethods } from '../http/client_authentication.ts'
import { readJson } from '../http/call.ts'
import { countKept } from '../people/rate_limit.ts'
import { json } from '../http/reply.ts'
import { seconds } from '../lib/clock.ts'
import { Client, makeClient } from '../models/client.ts'
import { offered } from './discovery.ts'
import { forbidden, jsonReply, ref, troubles, unauthorizedToken } from '../openapi/parts.ts'
import { defineEndpoint } from '../contracts/endpoint.ts'
import { requirePermission } from '../http/registration_permission.ts'

export const registration = defineEndpoint({
  name: 'registration',
  path: '/register',
  cors: 'registration',
  limited: true,
  advertised: ({ config }) => config.registration !== 'closed',
  api: () => ({
    POST: {
      summary: 'A client registers itself',
      description: 'Open, closed or by initial access token: REGISTRATION.',
      security: [{ initial_access_token: [] }, {}],
      json: ref('ClientMetadata'),
      responses: {
        201: jsonReply('The client as registered', ref('Client')),
        ...troubles,
        401: unauthorizedToken,
        403: forbidden,
      },
    },
  }),
  async post(call, context) {
    const { limits, token, spend } = await requirePermission(call, context)
    const body = await readJson(call, context, 'invalid_client_metadata')
    const metadata = await admitMetadata(body, policyOf(context, limits), { by: 'client' }, context)
    const leftOut = leftOutOf(body, metadata)
    const ttl = context.config.registrationUnusedTtl
    const { client, secret } = makeClient(context, {
      ...metadata,
      client_id: context.random(18),
      self_registered: true,
      ...(ttl > 0 && { exp: seconds(context.clock) + ttl }),
      ...(limits && { registration_limits: limits }),
    })
    await countKept(context, call.address, {
      what: 'registrations',
      bytes: JSON.stringify(client).length,
      lifetime: 3600,
    })
    await spend() // last: a refused registration does not use up the initial access token
    if (!(await Client.create(context, client))) throw new Error('a client_id of 144 random bits came twice')
    call.client = client
    const { client_id, client_name } = client
    const facts = { client_id, client_name, ...(token !== undefined && { initial_access_token: token }) }
    await note(call, context, 'client_registered', facts, { left_out: namesOf(leftOut) })
    return json(201, { ...registrationResponse(client, context, secret), ...leftOut })
  },
})

/** What a self-registered client may have; `limits` are those of its initial access token. */
export const policyOf = (context: Context, limits: RegistrationLimits = {}): RegistrationPolicy => ({
  grantTypes: (limits.grant_types ?? context.config.registrationAllowedGrantTypes).filter((each) =>
    offered(context.table.grantTypes, context).includes(each),
  ),
  responseTypes: offered(context.table.responseTypes, context),
  authMethods: offeredMethods(context).filter((each) => limits.auth_methods?.includes(each) ?? true),
  subjectTypes: [...context.table.subjectTypes.keys()],
  signingAlgs: context.config.signingAlgs,
  scopes: (limits.scopes ?? context.config.registrationAllowedScopes).filter(
    (each) => !context.scopes.includes(each) || context.openScopes.includes(each),
  ),
  redirectHosts: limits.redirect_hosts,
  redirectSchemes: context.config.registrationRedirectSchemes,
  leaveOut: context.config.registrationMisfits === 'leave_out',
  leaveOutScopes: context.config.unknownScopes === 'ignore',
  extra: context.table.clientMetadata,
})

/**
 * What an operator may register: all that is served, also what is not `offered`, every scope, and redirect URIs that prove
 * less about the application. FAPI 2.0 has no http beside loopback (Security Profile §5.3.2.2).
 */
export const operatorPolicy = (context: Context): RegistrationPolicy => ({
  ...policyOf(context),
  grantTypes: allGrantTypes(context),
  responseTypes: [...context.table.responseTypes.values()].map(({ name }) => name),
  scopes: context.scopes,
  defaultScopes: context.openScopes,
  redirectSchemes: 'with_host',
  privateHttp: context.config.profile !== 'fapi2',
  leaveOut: false,
  leaveOutScopes: false,
})

/** What the limits of an initial access token may name: no scope that an operator alone gives. */
export const limitChoices = (context: Context): LimitChoices => ({
  scopes: context.openScopes,
  grant_types: allGrantTypes(context),
  auth_methods: offeredMethods(context),
})

const allGrantTypes = (context: Context): string[] => [...context.table.grantTypes.keys()]

/**
 * Checks client metadata against `policy` and every registration rule of the table. Throws what `readClientMetadata` and
 * the rules throw; stores nothing.
 */
export async function admitMetadata(
  body: unknown,
  policy: RegistrationPolicy,
  attempt: RegistrationAttempt,
  context: Context,
): Promise<ClientMetadata> {
  const { registrationRules: rules } = context.table
  let asked = body
  if (typeof asked === 'object' && asked !== null && !Array.isArray(asked))
    for (const rule of rules)
      if (rule.amend) asked = await rule.amend(context, asked as Record<string, unknown>, attempt)
  const metadata = readClientMetadata(asked, policy)
  requireUsableKeys(metadata)
  for (const rule of rules) await rule.check?.(context, metadata, attempt)
  return metadata
}

const ofTheResponse = ['client_id', 'client_id_issued_at']

/** RFC 7591 §3.2.1: all registered metadata, and the client secret when it was just made. */
export function registrationResponse(
  client: Client,
  context: Context,
  secret?: string,
): Record<string, unknown> {
  const shown = Object.entries(client).filter(
    ([name, value]) => value !== undefined && (ofTheResponse.includes(name) || isMetadata(name, context)),
  )
  return {
    ...Object.fromEntries(shown),
    ...(secret !== undefined && { client_secret: secret, client_secret_expires_at: 0 }),
    ...Object.assign({}, ...context.table.registrationRules.map((rule) => rule.extras?.(context, client))),
  }
}
