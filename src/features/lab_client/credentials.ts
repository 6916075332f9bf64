/** How the client of a run authenticates in a request, by the method that it registered. https://www.rfc-editor.org/rfc/rfc6749#section-2.3 */
import type { Making } from './flow.ts'
import type { Pairs } from './draft.ts'

export interface Credentials {
  headers: Pairs
  params: Pairs
}

const formEncoded = (text: string): string => encodeURIComponent(text).replaceAll('%20', '+')

/** RFC 6749 §2.3.1: both halves are encoded as in a form, before base64. */
const basic = (clientId: string, secret: string): string =>
  `Basic ${Buffer.from(`${formEncoded(clientId)}:${formEncoded(secret)}`).toString('base64')}`

export async function credentialsOf({ client: { client, secret } }: Making): Promise<Credentials> {
  const { client_id } = client
  if (secret !== undefined) return { headers: [['authorization', basic(client_id, secret)]], params: [] }
  return { headers: [], params: [['client_id', client_id]] }
}
