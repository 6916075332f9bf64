/** The kinds of clients that the wizard offers: what it asks, and what it registers. */
import { HttpError } from '../../../auth/errors.ts'
import type { Params } from '../../../auth/params.ts'
import type { Html } from '../../../html/view.ts'
import type { ClientKind } from '../../../kits/libraries.ts'
import { ownMember } from '../../../lib/own_member.ts'
import { type Said, say } from '../../../lib/say.ts'
import { checkField, linesField, linesOf, textField } from './parts.ts'

interface Kind {
  text: Said
  hint: Said
  /** An End-User comes back to it from the sign-in. */
  redirects: boolean
  metadata: Readonly<Record<string, unknown>>
}

const device = 'urn:ietf:params:oauth:grant-type:device_code'

const kinds = {
  web: { text: say('admin.kind_web'), hint: say('admin.kind_web_hint'), redirects: true, metadata: {} },
  spa: {
    text: say('admin.kind_spa'),
    hint: say('admin.kind_spa_hint'),
    redirects: true,
    metadata: { token_endpoint_auth_method: 'none' },
  },
  native: {
    text: say('admin.kind_native'),
    hint: say('admin.kind_native_hint'),
    redirects: true,
    metadata: { token_endpoint_auth_method: 'none', application_type: 'native' },
  },
  service: {
    text: say('admin.kind_service'),
    hint: say('admin.kind_service_hint'),
    redirects: false,
    metadata: { grant_types: ['client_credentials'] },
  },
  device: {
    text: say('admin.kind_device'),
    hint: say('admin.kind_device_hint'),
    redirects: false,
    metadata: { grant_types: [device, 'refresh_token'], token_endpoint_auth_method: 'none' },
  },
  mcp: {
    text: say('admin.kind_mcp'),
    hint: say('admin.kind_mcp_hint'),
    redirects: true,
    metadata: { token_endpoint_auth_method: 'none', application_type: 'native' },
  },
} as const satisfies Readonly<Record<ClientKind, Kind>>

type KindName = keyof typeof kinds

export const clientKinds: readonly (Kind & { name: KindName })[] = Object.entries(kinds).map(
  ([name, kind]) => ({ name: name as KindName, ...kind }),
)

export const isClientKind = (name: string | undefined): name is KindName =>
  name !== undefined && ownMember(kinds, name) !== undefined

/** With what was sent and refused. */
export function wizardFields(name: KindName, sent: Params = {}): Html[] {
  const { redirects } = kinds[name]
  return [
    textField({
      name: 'client_name',
      label: say('admin.client_name'),
      value: sent.client_name,
      required: true,
      hint: say('admin.client_name_hint'),
    }),
    ...(redirects
      ? [
          linesField({
            name: 'redirect_uris',
            label: say('admin.redirect_uris'),
            value: sent.redirect_uris,
            hint: say('admin.redirect_uris_hint'),
          }),
        ]
      : []),
    textField({
      name: 'scope',
      label: say('admin.scopes'),
      value: sent.scope,
      hint: say('admin.scopes_hint'),
    }),
    ...(redirects
      ? [
          checkField({
            name: 'first_party',
            label: say('admin.first_party'),
            isOn: sent.first_party === 'yes',
            hint: say('admin.first_party_hint'),
          }),
        ]
      : []),
  ]
}

/** The body of POST /admin/v1/clients. */
export function wizardMembers(fields: Params): Record<string, unknown> {
  const { kind, client_name, redirect_uris, scope, first_party } = fields
  if (!isClientKind(kind))
    throw new HttpError('bad_request', { expected: `a kind: ${Object.keys(kinds).join(', ')}`, came: kind })
  const { redirects, metadata } = kinds[kind]
  return {
    client_name,
    metadata: {
      ...metadata,
      redirect_uris: redirects ? linesOf(redirect_uris) : [],
      ...(scope !== undefined && scope.trim() !== '' && { scope: scope.trim() }),
    },
    privileges: first_party === 'yes' ? { first_party: true } : {},
  }
}
