/** Starts a provider and the three services on this machine: `bun examples/services/start.ts`. Ctrl-C ends them and removes what they made. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { exportJWK, generateKeyPair } from 'jose'
import { startLatchkey, startProgram, untilEnded } from '../start/latchkey.ts'
import { configurationOf } from './clients.ts'
import { startCollector } from './collector.ts'
import { keysOf, ports, resources } from './settings.ts'

const { PROVIDER_PORT = '5000', OTEL_EXPORTER_OTLP_ENDPOINT } = process.env
const keys = keysOf(PROVIDER_PORT)

/** A key pair for each service. In production each makes its own, and only the public half leaves it. */
async function makeKeys(names: readonly string[]): Promise<Record<string, object>> {
  rmSync(keys, { recursive: true, force: true })
  mkdirSync(keys, { mode: 0o700 })
  const publicKeys: Record<string, object> = {}
  for (const name of names) {
    const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
    const about = { kid: `${name}-1`, alg: 'ES256' }
    publicKeys[name] = { ...(await exportJWK(publicKey)), ...about, use: 'sig' }
    const secret = JSON.stringify({ ...(await exportJWK(privateKey)), ...about })
    writeFileSync(join(keys, `${name}.json`), secret, { mode: 0o600 })
  }
  return publicKeys
}

const ended = untilEnded()
const collector = OTEL_EXPORTER_OTLP_ENDPOINT === undefined ? startCollector() : undefined
const provider = await startLatchkey(
  Number(PROVIDER_PORT),
  configurationOf(resources, await makeKeys(['gateway', 'orders', 'nightly'])),
  {
    // The services are on this machine, and the provider joins their traces.
    TRACE_PARENT_FROM: 'loopback',
    OTEL_EXPORTER_OTLP_ENDPOINT: OTEL_EXPORTER_OTLP_ENDPOINT ?? collector!.endpoint,
  },
  (line) => {
    if (line.includes('"tokens_issued"')) console.log(line)
  },
)
const services = []
for (const name of ['stock', 'orders', 'gateway'] as const)
  services.push(
    await startProgram(join(import.meta.dir, `${name}.ts`), {
      PORT: `${ports[name]}`,
      ISSUER: provider.issuer,
      GATEWAY_PORT: `${ports.gateway}`,
      ORDERS_PORT: `${ports.orders}`,
      STOCK_PORT: `${ports.stock}`,
    }),
  )
console.log('Ready. Ctrl-C ends the provider and the services.')

await ended
for (const each of services.toReversed()) await each.stop()
await provider.stop()
collector?.stop()
rmSync(keys, { recursive: true, force: true })
process.exit(0)
