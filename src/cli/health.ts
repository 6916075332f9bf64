/** `latchkey health`: asks the server on this machine for its health, for container images without an HTTP client. */
import { boundedText } from '../lib/bounded_text.ts'
import { defineCommand } from './command.ts'
import { Refusal } from './failure.ts'
import { readConfigWithoutSecrets } from './open.ts'
import { print, printable } from './output.ts'
import { withoutProxy } from './without_proxy.ts'

/** Within the timeout of a container's health check, which is commonly three seconds. */
const patienceMs = 2_500

/** The loopback address for each wildcard address of HOST. */
const loopbackFor: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' }

/** Of an answer. Another program may listen at the port. */
const mostBytes = 1_048_576

function statusIn(text: string): string | undefined {
  try {
    const { status } = JSON.parse(text) as { status?: unknown }
    return typeof status === 'string' ? status : undefined
  } catch {
    return undefined
  }
}

export const health = defineCommand({
  takes: [],
  options: {
    live: {
      type: 'boolean',
      help: 'Ask whether it is alive, whatever the store does: for an orchestrator that restarts what is not healthy',
    },
  },
  async run({ live }) {
    const { host, port, tls, issuer } = readConfigWithoutSecrets()
    const name = loopbackFor[host] ?? host
    const authority = `${name.includes(':') ? `[${name}]` : name}:${port}`
    const url = `${tls ? 'https' : 'http'}://${authority}${new URL(issuer).pathname.replace(/\/$/, '')}/health${live ? '/live' : ''}`
    // Not verified: the certificate is for the public name, and the server is on this machine.
    const answer = await fetch(url, {
      signal: AbortSignal.timeout(patienceMs),
      tls: { rejectUnauthorized: false },
      ...withoutProxy,
    }).catch(() => undefined)
    if (!answer) throw new Refusal(`no answer from ${url}`)
    const text = await boundedText(answer.body, mostBytes).catch(() => '')
    if (text === undefined) throw new Refusal(`${url} answered more than ${mostBytes} bytes`)
    const status = printable(statusIn(text) ?? '')
    if (!answer.ok) throw new Refusal(`${url} answered ${answer.status} ${status}`)
    return { facts: { status: status || 'healthy', url }, show: () => print(status || 'healthy') }
  },
})
