/** Clients whose secrets this SECRET_KEY does not open: it is another one than when they were made. docs/deployment.md, "Lost keys" */
import { secretsOf as keysOf } from '../app.ts'
import { secretsOf } from '../clients/client_secret.ts'
import { Client } from '../models/client.ts'
import { allOf } from './administration.ts'
import type { Opened } from './open.ts'

export async function clientsWithoutSecret(opened: Opened): Promise<string[]> {
  const context = { ...opened, secrets: keysOf(opened.config) }
  const clients = await allOf(Client.every(opened))
  return clients
    .filter((client) => client.sealed_secret !== undefined && secretsOf(client, context).length === 0)
    .map(({ client_id }) => client_id)
}
