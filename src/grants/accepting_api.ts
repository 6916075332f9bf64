/** Which access tokens an API may accept, and so may learn about or exchange. https://www.rfc-editor.org/rfc/rfc7662#section-4 */
import { resourceKey } from '../auth/resource_uri.ts'
import type { Context } from '../contracts/context.ts'
import type { Client } from '../models/client.ts'

/**
 * Whether a token of this audience is for the API that this client is: its client_id, its `resource_uris`, or, for a
 * resource server without `resource_uris`, ACCESS_TOKEN_AUDIENCE (decision 37).
 */
export function isForApi(aud: string | readonly string[], client: Client, { config }: Context): boolean {
  const tied = client.resource_uris ?? (client.resource_server ? [config.accessTokenAudience] : [])
  const own = new Set([client.client_id, ...tied.map(resourceKey)])
  return [aud].flat().some((each) => own.has(resourceKey(each)))
}
