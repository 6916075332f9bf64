/** The values of a client that its kits are made of. https://www.rfc-editor.org/rfc/rfc7591#section-2 */
import { generatePkce } from '../auth/pkce.ts'
import type { Random } from '../lib/random.ts'
import { replaceUnsafe } from '../lib/unsafe_text.ts'
import { authMethodsOf, type Client } from '../models/client.ts'
import { type AuthMethod, grants, type Kit, type KitValues } from './kit.ts'

/** The provider, as the client sees it. */
export interface Provider {
  issuer: string
  /** The URLs of the metadata, such as `token_endpoint`. */
  endpoints: Readonly<Record<string, string>>
  grantTypes: readonly string[]
  /** The name of the realm that it is, for commands; undefined for the server itself. */
  realm?: string | undefined
}

/** The method that the kit uses; undefined where the client has none that the kit can use. */
export const methodFor = ({ methods }: Kit, client: Client): AuthMethod | undefined => {
  const own = authMethodsOf(client)
  return methods.find((each) => own.includes(each))
}

/** The first registered redirect URI that the kit can use. */
export const redirectFor = ({ redirect }: Kit, { redirect_uris: uris }: Client): string | undefined =>
  redirect ? uris.find((uri) => redirect.accepts(uri)) : uris[0]

const originOf = (uri: string | undefined): string | undefined => URL.parse(uri ?? '')?.origin

/** An application shows its own page after the sign-out, so the URI has the origin of the redirect URI. */
const postLogoutFor = (redirect: string | undefined, client: Client): string | undefined =>
  client.post_logout_redirect_uris.find((uri) => originOf(uri) === originOf(redirect))

/** The name in one line: it stands in titles. */
export const shownName = ({ client_name, client_id }: Client): string =>
  replaceUnsafe(client_name ?? client_id, 'line', ' ').trim() || 'Client'

export interface Chosen {
  method: AuthMethod
  secret: string | undefined
  random: Random
}

export function valuesOf(
  kit: Kit,
  client: Client,
  { issuer, endpoints }: Provider,
  { method, secret, random }: Chosen,
): KitValues {
  const redirect = redirectFor(kit, client)
  const { code_verifier, code_challenge } = generatePkce(random)
  return {
    issuer,
    client_id: client.client_id,
    client_name: shownName(client),
    redirect_uri: redirect,
    post_logout_redirect_uri: postLogoutFor(redirect, client),
    scope: client.scope,
    auth_method: method,
    client_secret: method === 'none' ? undefined : secret,
    grants: Object.entries(grants).flatMap(([name, type]) =>
      client.grant_types.includes(type) ? [name as keyof typeof grants] : [],
    ),
    endpoints,
    pkce: { code_verifier, code_challenge },
  }
}
