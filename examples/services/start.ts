/** Starts a provider and the three services on this machine: `bun examples/services/start.ts`. Ctrl-C ends them and removes what they made. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { exportJWK, generateKeyPair } from 'jose'
import { runExample, startLatchkey, startProgram } from '../start/latchkey.ts'
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

await runExample(async (add) => {
  await add({ stop: () => rmSync(keys, { recursive: true, force: true }) })
  const collector = OTEL_EXPORTER_OTLP_ENDPOINT ?? (await add(startCollector())).endpoint
  const { issuer } = await add(
    startLatchkey(
      Number(PROVIDER_PORT),
      configurationOf(resources, await makeKeys(['gateway', 'orders', 'nightly'])),
      // The services are on this machine, and the provider joins their traces.
      { TRACE_PARENT_FROM: 'loopback', OTEL_EXPORTER_OTLP_ENDPOINT: collector },
      (line) => {
        if (line.includes('"tokens_issued"')) console.log(line)
      },
    ),
  )
  for (const name of ['stock', 'orders', 'gateway'] as const) {
    const env = {
      PORT: `${ports[name]}`,
      ISSUER: issuer,
      GATEWAY_PORT: `${ports.gateway}`,
      ORDERS_PORT: `${ports.orders}`,
      STOCK_PORT: `${ports.stock}`,
    }
    await add(startProgram(join(import.meta.dir, `${name}.ts`), env, `${name.toUpperCase()}_PORT`))
  }
  return 'Ready. Ctrl-C ends the provider and the services.'
})
