/** `latchkey monitor`: watches a provider from outside, and `latchkey monitor report`. docs/operations.md */
import type { Config } from '../../config.ts'
import { readMailAddress } from '../../lib/mail_address.ts'
import { defineCommand, defineProcess } from '../command.ts'
import { Refusal, UsageError } from '../failure.ts'
import { readConfigWithoutSecrets, readSettings } from '../open.ts'
import { moment, print, printable, printTable } from '../output.ts'
import { writeLines } from '../output_file.ts'
import { readTime } from '../time_option.ts'
import { ask, type Check, extraCheck, type Outcome, standardChecks } from './checks.ts'
import { openHistory, readHistory } from './history.ts'
import { type Channel, createTeller, mail, tellConsole, webhook } from './notify.ts'
import { makeReport, percent } from './report.ts'
import { createWatch, type Notice } from './watch.ts'

const defaultHistory = 'latchkey-monitor.jsonl'

const where = {
  issuer: { type: 'string', value: 'URL', help: 'The provider. Default: ISSUER_URL' },
  history: {
    type: 'string',
    value: 'FILE',
    help: `Where the outcomes of 24 hours are kept. Default: ${defaultHistory}`,
  },
} as const

const options = {
  ...where,
  every: { type: 'string', value: 'TIME', help: 'How often all endpoints are asked. Default: 30s' },
  'in-a-row': { type: 'string', value: 'N', help: 'Failures in a row that are an alert. Default: 3' },
  slow: {
    type: 'string',
    value: 'MS',
    help: 'Milliseconds beyond which an answer is slow. Default: 1000',
  },
  timeout: {
    type: 'string',
    value: 'MS',
    help: 'Milliseconds beyond which no answer is waited for. Default: 10000',
  },
  check: {
    type: 'string',
    multiple: true,
    value: 'NAME=URL',
    help: 'Another URL that must answer 200, such as the page of an application',
  },
  webhook: { type: 'string', value: 'URL', help: 'Where alerts are posted as JSON' },
  mail: { type: 'string', value: 'ADDRESS', help: 'Where alerts are mailed, through SMTP_URL' },
  once: { type: 'boolean', help: 'Ask once, print the outcomes, and fail if one is wrong' },
  json: { type: 'boolean', help: 'Print notices as JSON, a line each' },
} as const

function number(option: string, text: string | undefined, usual: number): number {
  if (text === undefined) return usual
  const value = Number(text)
  if (!/^\d{1,6}$/.test(text) || value < 1)
    throw new UsageError(`--${option}: expected a whole number from 1, got ${printable(text)}`)
  return value
}

function webUrl(option: string, text: string): string {
  const url = URL.parse(text)
  if (!url || !['http:', 'https:'].includes(url.protocol))
    throw new UsageError(`--${option}: expected an http or https URL, got ${printable(text)}`)
  return text
}

const issuerOf = (given: string | undefined): string =>
  given === undefined ? readConfigWithoutSecrets().issuer : webUrl('issuer', given).replace(/\/$/, '')

function readCheck(text: string): Check {
  const equals = text.indexOf('=')
  if (equals < 1) throw new UsageError(`--check: expected NAME=URL, got ${printable(text)}`)
  return extraCheck(text.slice(0, equals), webUrl('check', text.slice(equals + 1)))
}

function checksFor(issuer: string, more: readonly string[]): Check[] {
  const checks = [...standardChecks(issuer), ...more.map(readCheck)]
  const twice = checks.find(({ name }, i) => checks.findIndex((other) => other.name === name) !== i)
  if (twice) throw new UsageError(`--check: there are two checks ${printable(twice.name)}`)
  return checks
}

async function mailChannel(to: string, issuer: string): Promise<Channel> {
  if (readMailAddress(to) === undefined)
    throw new UsageError(`--mail: expected a mail address, got ${printable(to)}`)
  const config: Config = (await readSettings()).config
  if (config.smtpUrl === undefined) throw new Refusal('--mail needs SMTP_URL and MAIL_FROM')
  return mail(to, issuer, config)
}

export const monitor = defineProcess({
  options,
  async run(given) {
    const issuer = issuerOf(given.issuer)
    const checks = checksFor(issuer, given.check ?? [])
    const timeoutMs = number('timeout', given.timeout, 10_000)
    const asking = { timeoutMs, now: Date.now }
    const round = () => Promise.all(checks.map((check) => ask(check, asking)))
    if (given.once) return printOnce(await round(), given.json ?? false)

    const everyMs = readTime('every', given.every ?? '30s', 86_400) * 1000
    const thresholds = {
      inARow: number('in-a-row', given['in-a-row'], 3),
      slowMs: number('slow', given.slow, 1_000),
    }
    const channels = {
      ...(given.webhook !== undefined && {
        webhook: webhook(webUrl('webhook', given.webhook), issuer, timeoutMs),
      }),
      ...(given.mail !== undefined && { mail: await mailChannel(given.mail, issuer) }),
    }
    const history = openHistory(given.history ?? defaultHistory, Date.now)
    const show = (notice: Notice) => tellConsole(notice, issuer, given.json ?? false)
    const say = (level: 'INFO' | 'WARNING', message: string) => show({ level, message, at: Date.now() })
    const teller = createTeller(channels, (name, problem) =>
      say('WARNING', `${name}: the alert was not taken and is sent again: ${problem}`),
    )
    const watch = createWatch(thresholds)
    say(
      'INFO',
      `watches ${checks.map(({ name }) => name).join(', ')} of ${issuer} every ${everyMs / 1000} seconds`,
    )
    await repeat(everyMs, async () => {
      const outcomes = await round()
      history.add(outcomes)
      const notices = outcomes.flatMap((outcome) => watch.see(outcome) ?? [])
      notices.forEach(show)
      // Not waited for: a channel that is slow must not delay the next round.
      void Promise.all([teller.retry(), ...notices.map((notice) => teller.tell(notice))])
    })
    say('INFO', 'stops')
  },
})

/** Runs at once and then at every turn of `everyMs`, until SIGINT or SIGTERM. A round that takes longer delays the next. */
async function repeat(everyMs: number, run: () => Promise<void>): Promise<void> {
  const stopped = Promise.withResolvers<'stop'>()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopped.resolve('stop'))
  for (;;) {
    const next = Bun.sleep(everyMs)
    if ((await Promise.race([run(), stopped.promise])) === 'stop') return
    if ((await Promise.race([next, stopped.promise])) === 'stop') return
  }
}

function printOnce(outcomes: readonly Outcome[], asJson: boolean): void {
  if (asJson) print(printable(outcomes.map((each) => ({ ...each, at: new Date(each.at).toISOString() }))))
  else
    printTable(
      ['ENDPOINT', 'TIME', 'OUTCOME'],
      outcomes.map(({ check, ms, problem }) => [check, `${ms} ms`, problem ?? 'ok']),
    )
  const wrong = outcomes.filter(({ problem }) => problem !== undefined)
  if (wrong.length > 0) throw new Refusal(`${wrong.map(({ check }) => check).join(', ')}: not well`)
}

export const report = defineCommand({
  takes: [],
  options: {
    ...where,
    html: { type: 'string', value: 'FILE', help: 'Write a page with charts there' },
  },
  async run({ issuer: given, history = defaultHistory, html }) {
    const issuer = issuerOf(given)
    const now = Date.now()
    const outcomes = readHistory(history, now)
    const found = makeReport(outcomes)
    if (html !== undefined) {
      const { reportPage } = await import('./report_page.ts')
      await writeLines(html, [reportPage(issuer, { report: found, outcomes, now }).trimEnd()], 0o644)
    }
    const iso = (ms: number | undefined) => (ms === undefined ? undefined : new Date(ms).toISOString())
    const incidents = found.incidents.map((each) => ({ ...each, from: iso(each.from), to: iso(each.to) }))
    return {
      facts: { issuer, from: iso(found.from), to: iso(found.to), checks: found.checks, incidents },
      show() {
        if (found.checks.length === 0) return print(`${history} has no outcomes of the last 24 hours`)
        const ms = (value: number | undefined) => (value === undefined ? '' : `${value} ms`)
        printTable(
          ['ENDPOINT', 'AVAILABLE', 'P50', 'P95', 'P99', 'REQUESTS'],
          found.checks.map(({ check, availability, p50, p95, p99, requests }) => [
            check,
            percent(availability),
            ms(p50),
            ms(p95),
            ms(p99),
            requests,
          ]),
        )
        if (found.incidents.length > 0) {
          print('')
          printTable(
            ['INCIDENT', 'FROM', 'TO', 'FAILURES', 'WHAT WAS WRONG FIRST'],
            found.incidents.map(({ check, from, to, failures, problem }) => [
              check,
              moment(Math.floor(from / 1000)),
              moment(Math.floor(to / 1000)),
              failures,
              problem,
            ]),
          )
        }
        if (html !== undefined) print(`\nThe page is in ${printable(html)}`)
      },
    }
  },
})
