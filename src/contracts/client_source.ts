/** A row of the socket `clientSources`. docs/architecture.md, "Features" */
import type { Client } from '../models/client.ts'
import type { Context } from './context.ts'

/** A source of clients outside of the store, such as Client ID Metadata Documents. */
export interface ClientSource {
  name: string
  accepts(clientId: string): boolean
  find(context: Context, clientId: string): Promise<Client | undefined>
  /** Those that are known before a request names them. */
  known?(context: Context): Promise<readonly Client[]>
}
