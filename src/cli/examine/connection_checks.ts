/** Checks of TLS and of time. https://www.rfc-editor.org/rfc/rfc9325 */
import { OutboundError } from '../../outbound/error.ts'
import type { Check } from './check.ts'
import { NotExamined } from './not_examined.ts'
import type { Sight } from './sight.ts'

const dayMs = 86_400_000
/** Certificates of ACME are renewed 30 days before their end, and those of six days two days before. */
const soonDays = 7
/** Seconds. Clients take a difference of some seconds; tokens that live for minutes fail beyond. */
const mostSkew = 30

async function secured({ reach }: Sight) {
  const found = await reach.handshake()
  if (!found) throw new NotExamined('the issuer is no https URL')
  return found
}

/** Whether a client that knows no newer version than TLS 1.1 gets a connection. */
async function takesOldTls({ reach }: Sight): Promise<boolean> {
  try {
    return (await reach.handshake('TLSv1.1')) !== undefined
  } catch (error) {
    if (error instanceof OutboundError) return false
    throw error
  }
}

export const connectionChecks: readonly Check[] = [
  {
    id: 'tls.version',
    about: 'TLS 1.2 or 1.3 is agreed on.',
    why: 'Older versions can be broken.',
    rule: 'RFC 9325 §3.1.1',
    async run(sight) {
      const { protocol } = await secured(sight)
      return /^TLSv1\.[23]$/.test(protocol) ? { note: protocol } : protocol
    },
  },
  {
    id: 'tls.old_versions',
    about: 'TLS 1.0 and 1.1 are refused.',
    why: 'An attacker leads both sides to the weakest version that they know.',
    rule: 'RFC 9325 §3.1.1',
    async run(sight) {
      await secured(sight)
      return (await takesOldTls(sight)) ? 'a connection with TLS 1.1 or older succeeds' : undefined
    },
  },
  {
    id: 'tls.certificate',
    about: `The certificate is trusted, and valid for ${soonDays} days and more.`,
    why: 'At its end all clients stop.',
    rule: 'RFC 9325 §7.1',
    level: 'should',
    async run(sight) {
      const { validTo } = await secured(sight)
      const days = Math.floor((validTo - sight.reach.now()) / dayMs)
      const until = `until ${new Date(validTo).toISOString()}, ${days} days`
      return days >= soonDays ? { note: until } : until
    },
  },
  {
    id: 'times.clock',
    about: `The clock of the provider differs from the one here by at most ${mostSkew} seconds.`,
    why: 'Tokens of a clock that is ahead are refused as being of the future; those of one that is behind end early.',
    rule: 'RFC 9110 §6.6.1',
    level: 'should',
    run({ discovery: { headers, at } }) {
      const date = Date.parse(headers.date ?? '')
      if (Number.isNaN(date)) return 'there is no Date header'
      const skew = Math.round((date - at) / 1000)
      return Math.abs(skew) <= mostSkew ? undefined : `${skew} seconds`
    },
  },
  {
    id: 'times.latency',
    about: 'How long the answers took, as seen from here.',
    why: 'A sign-in waits for several of them.',
    rule: 'RFC 6749 §3.2',
    level: 'note',
    run({ latency }) {
      const slowest = [...latency].toSorted((a, b) => b[1] - a[1]).slice(0, 3)
      return { note: slowest.map(([what, ms]) => `${what} ${ms} ms`).join(', ') }
    },
  },
]
