/** What each of the programs is told by its environment. */
import { readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { JWK } from 'jose'

const {
  ISSUER = 'http://localhost:5000',
  GATEWAY_PORT = '9200',
  ORDERS_PORT = '9201',
  STOCK_PORT = '9202',
} = process.env

export const issuer = ISSUER
export const ports = { gateway: Number(GATEWAY_PORT), orders: Number(ORDERS_PORT), stock: Number(STOCK_PORT) }
export const resources = {
  gateway: `http://localhost:${GATEWAY_PORT}`,
  orders: `http://localhost:${ORDERS_PORT}`,
  stock: `http://localhost:${STOCK_PORT}`,
}

/** Where start.ts puts the keys of the services that belong to a provider on this machine. */
export const keysOf = (port: string) => join(tmpdir(), `latchkey-services-${port}`)

/** The private key of this program, in a file that it alone can read. */
export function ownKey(name: string): JWK {
  const { KEY_FILE = join(keysOf(new URL(issuer).port), `${name}.json`) } = process.env
  return JSON.parse(readFileSync(KEY_FILE, 'utf8')) as JWK
}
