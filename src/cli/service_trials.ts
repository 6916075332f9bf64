/** What `config check --deep` tries of other servers: the mail relay, upstream providers, every URL that a setting names. */
import { type Config, type Entry } from '../config.ts'
import { camelCase } from '../config/entry.ts'
import { jwksUrisIn } from '../config/schemas.ts'
import { entries } from '../config/variables.ts'
import type { Context } from '../contracts/context.ts'
import { systemClock } from '../lib/clock.ts'
import { lazy } from '../lib/lazy.ts'
import { createLog } from '../lib/log.ts'
import { connectTo } from '../outbound/connect.ts'
import { createOutbound, OutboundError } from '../outbound/outbound.ts'
import { tryRelay } from '../people/mail_relay.ts'
import { featureEntries, featuresFor } from '../table.ts'
import type { Trial } from './trial.ts'

async function relayProblem(config: Config): Promise<string | undefined> {
  if (config.smtpUrl === undefined) return undefined
  const { hostname } = new URL(config.smtpUrl)
  try {
    await tryRelay(config)
    return undefined
  } catch (error) {
    // The answer of the relay, which has no password.
    return `the relay ${hostname} takes no mail: ${error instanceof Error ? error.message : String(error)}. Compare host, port, user and password with those that the relay names`
  }
}

const relay: Trial = { name: 'SMTP_URL', needs: ['SMTP_CA_PATH'], run: relayProblem }

type Provider = Pick<Context, 'config' | 'outbound' | 'clock'>

/** The host alone is named: a value may be secret. */
async function reachProblem(url: string, reach: () => Promise<unknown>): Promise<string | undefined> {
  try {
    await reach()
    return undefined
  } catch (error) {
    if (!(error instanceof OutboundError)) throw error
    const detail = error.detail === undefined ? '' : ` (${error.detail})`
    return `${URL.parse(url)?.host} ${error.message}${detail}`
  }
}

const hasKeys = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && 'keys' in value && Array.isArray(value.keys)

/** A connection; of public keys the document, which a GET may read at any time. */
async function urlProblem(url: string, entry: Entry, provider: Provider) {
  if (entry.outbound !== jwksUrisIn) return reachProblem(url, () => connectTo(url, provider.config))
  return reachProblem(url, async () => {
    const document = await provider.outbound.getJson(url, { purpose: 'keys' })
    if (!hasKeys(document)) throw new OutboundError('malformed', 'answered no JWK Set with the member keys')
  })
}

const valueOf = (config: Config, feature: string | undefined, { name }: Entry): unknown =>
  feature === undefined
    ? (config as unknown as Record<string, unknown>)[camelCase(name)]
    : config.features[feature]?.[camelCase(name)]

/** One for each entry whose URLs are requested. */
function urlTrials(provider: Provider): Trial[] {
  const { config } = provider
  const all: [string | undefined, Entry][] = [
    ...entries.map((entry): [undefined, Entry] => [undefined, entry]),
    ...Object.entries(featureEntries).flatMap(([feature, own]) =>
      own.map((entry): [string, Entry] => [feature, entry]),
    ),
  ]
  return all.flatMap(([feature, entry]) => {
    const value = valueOf(config, feature, entry)
    if (entry.outbound === undefined || value === undefined) return []
    const run = async () => {
      const problems = await Promise.all(
        [...new Set(entry.outbound?.(value))].map((url) => urlProblem(url, entry, provider)),
      )
      const said = problems.filter((each) => each !== undefined)
      return said.length === 0
        ? undefined
        : `${said.join('; ')}. Compare the URL with what the service names, and let this machine connect to it`
    }
    return [{ name: entry.name, needs: ['OUTBOUND_CA_PATH'], run }]
  })
}

/** A feature that knows more of a URL than that it can be connected to has a trial of its own in its place. */
export function serviceTrials(config: Config): Trial[] {
  const log = createLog('silent', 'json', () => {})
  // Made by the first trial that runs, because it throws when OUTBOUND_CA_PATH cannot be used.
  const outbound = lazy(() => createOutbound({ config, clock: systemClock, log }))
  const provider: Provider = {
    config,
    clock: systemClock,
    get outbound() {
      return outbound()
    },
  }
  const own = featuresFor(config)
    .flatMap((feature) => feature.trials?.(provider) ?? [])
    .map(({ name, run }): Trial => ({ name, needs: ['OUTBOUND_CA_PATH'], run }))
  const taken = new Set(own.map(({ name }) => name))
  return [relay, ...own, ...urlTrials(provider).filter(({ name }) => !taken.has(name))]
}
