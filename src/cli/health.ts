/** `latchkey health`: asks the server on this machine whether it can serve, for images that hold nothing else to ask with. */
import { defineCommand } from './command.ts'
import { Refusal } from './failure.ts'
import { readConfig } from './open.ts'
import { print } from './output.ts'

/** Within the timeout of a container's health check, which is commonly three seconds. */
const patienceMs = 2_500

const anywhere: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' }

export const health = defineCommand({
  takes: [],
  options: {},
  async run() {
    const { host, port, tls, issuer } = readConfig()
    const name = anywhere[host] ?? host
    const authority = `${name.includes(':') ? `[${name}]` : name}:${port}`
    const url = `${tls ? 'https' : 'http'}://${authority}${new URL(issuer).pathname.replace(/\/$/, '')}/health`
    // The certificate is for the public name, and whom we ask is beyond doubt: it is this machine.
    const answer = await fetch(url, {
      signal: AbortSignal.timeout(patienceMs),
      tls: { rejectUnauthorized: false },
    }).catch(() => undefined)
    if (!answer) throw new Refusal(`nothing answers at ${url}`)
    const { status } = (await answer.json().catch(() => ({}))) as { status?: string }
    if (!answer.ok) throw new Refusal(`${url} says ${answer.status} ${status ?? ''}`)
    print(status ?? 'healthy')
  },
})
