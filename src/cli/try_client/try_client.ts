/** `latchkey try-client`: tells a relying party wrong things, one at a time, and reports which of them it swallows. docs/lab.md, "latchkey try-client" */
import { signingAlgs } from '../../auth/registration.ts'
import { defineCommand, type Values } from '../command.ts'
import { Refusal, UsageError } from '../failure.ts'
import { withoutProxy } from '../without_proxy.ts'
import { print, printable, printTable } from '../output.ts'
import { createBrowser, type Seen } from './browser.ts'
import { clientProcess } from './client_process.ts'
import { type OwnProvider, startProvider, type TriedClient } from './own_provider.ts'
import { type FaultRow, type Outcome, tryFaults } from './trial.ts'

const usual = { port: 5050, client_id: 'try-client', client_secret: 'try-client-secret', slow: 5, wait: 60 }

const options = {
  start: {
    type: 'string',
    value: 'URL',
    help: 'Where a sign-in at the client begins: it leads to the provider',
  },
  'redirect-uri': { type: 'string', value: 'URI', help: 'The redirect URI of the client' },
  'signed-in': {
    type: 'string',
    value: 'TEXT',
    help: 'A text of the page at the end that only a person who is signed in sees, or its status, such as 200',
  },
  'client-id': { type: 'string', value: 'ID', help: `Default: ${usual.client_id}` },
  'client-secret': { type: 'string', value: 'SECRET', help: `Default: ${usual.client_secret}` },
  public: { type: 'boolean', help: 'The client has no secret' },
  'id-token-alg': { type: 'string', value: 'ALG', help: `One of ${signingAlgs.join(', ')}. Default: RS256` },
  port: {
    type: 'string',
    value: 'PORT',
    help: `Port of the issuer http://localhost:PORT. Default: ${usual.port}`,
  },
  run: {
    type: 'string',
    value: 'COMMAND',
    help: 'Start the client, with ISSUER, CLIENT_ID, CLIENT_SECRET and PORT in its environment, and again for faults at its start',
  },
  only: { type: 'string', multiple: true, value: 'FAULT', help: 'Try this fault. Default: all' },
  list: { type: 'boolean', help: 'List the faults, and try nothing' },
  slow: {
    type: 'string',
    value: 'SECONDS',
    help: `How late a slow answer comes, up to 25 seconds. Default: ${usual.slow}`,
  },
  wait: {
    type: 'string',
    value: 'SECONDS',
    help: `How long to wait for the client to be started. Default: ${usual.wait}`,
  },
} as const

type Given = Values<typeof options>

function readNumber(
  option: string,
  text: string | undefined,
  whole: { usual: number; most: number },
): number {
  if (text === undefined) return whole.usual
  const value = /^\d{1,6}$/.test(text) ? Number(text) : Infinity
  if (value <= whole.most) return value
  throw new UsageError(`--${option}: expected a number from 0 to ${whole.most}, got ${printable(text)}`)
}

function webUrl(option: string, text: string | undefined): string {
  if (text === undefined) throw new UsageError(`--${option} is required`)
  const url = URL.parse(text)
  if (!url || !['http:', 'https:'].includes(url.protocol))
    throw new UsageError(`--${option}: expected an http or https URL, got ${printable(text)}`)
  return text
}

function clientOf(given: Given): TriedClient {
  const alg = given['id-token-alg']
  if (alg !== undefined && !signingAlgs.some((each) => each === alg))
    throw new UsageError(`--id-token-alg: expected one of ${signingAlgs.join(', ')}, got ${printable(alg)}`)
  if (given.public && given['client-secret'] !== undefined)
    throw new UsageError('--public and --client-secret: a public client has no secret')
  return {
    client_id: given['client-id'] ?? usual.client_id,
    client_secret: given.public ? undefined : (given['client-secret'] ?? usual.client_secret),
    redirect_uri: webUrl('redirect-uri', given['redirect-uri']),
    id_token_alg: alg,
  }
}

/** A number of three digits is a status, any other text is looked for on the page. */
function signedIn(text: string | undefined): (seen: Seen) => boolean {
  if (text === undefined) throw new UsageError('--signed-in is required: a text of the page after a sign-in')
  return /^[1-5]\d\d$/.test(text)
    ? ({ status }) => status === Number(text)
    : (seen) => seen.text.includes(text)
}

function chosen(rows: readonly FaultRow[], only: readonly string[] | undefined): readonly FaultRow[] {
  const unknown = only?.find((name) => !rows.some(({ fault }) => fault === name))
  if (unknown !== undefined)
    throw new UsageError(
      `--only: expected one of ${rows.map(({ fault }) => fault).join(', ')}, got ${printable(unknown)}`,
    )
  return only ? rows.filter(({ fault }) => only.includes(fault)) : rows
}

const words: Readonly<Record<Outcome['result'], string>> = {
  refused: 'refused',
  followed: 'followed',
  survived: 'survived',
  swallowed: 'SWALLOWED',
  broken: 'BROKEN AFTERWARDS',
  not_followed: 'not followed',
  not_told: 'not told',
}

function show(outcomes: readonly Outcome[]): void {
  printTable(
    ['FAULT', 'RESULT', 'WHAT WAS TOLD'],
    outcomes.map(({ fault, result, does, optional }) => [
      fault,
      result === 'swallowed' && optional ? 'swallowed (optional)' : words[result],
      does,
    ]),
  )
  const notGood = outcomes.filter(({ result }) => ['swallowed', 'broken', 'not_followed'].includes(result))
  for (const { fault, good, rule, rule_url } of notGood)
    print(`\n${fault}: a good client\n  ${good}\n  ${rule}: ${rule_url}`)
}

const count = (outcomes: readonly Outcome[], result: Outcome['result']): string => {
  const { length } = outcomes.filter((each) => each.result === result)
  return length === 0 ? '' : `${length} ${words[result].toLowerCase()}`
}

/** The last line: whether the client passed, and the exit code. */
function verdict(outcomes: readonly Outcome[]): string {
  const failed = outcomes.filter((each) => each.failed)
  const results = Object.keys(words) as Outcome['result'][]
  const counts = results.map((each) => count(outcomes, each)).filter((each) => each !== '')
  return failed.length === 0
    ? `PASSED (exit code 0): ${counts.join(', ')}.`
    : `FAILED (exit code 1) on ${failed.map(({ fault }) => fault).join(', ')}: ${counts.join(', ')}.`
}

/** For the first answer of a client where no time is left to wait: it may have to load its code for it. */
const leastMs = 5_000

/** Waits until a client that the command did not start answers at all. */
async function requireAnswer(start: string, seconds: number): Promise<void> {
  const until = performance.now() + seconds * 1000
  for (;;) {
    const signal = AbortSignal.timeout(Math.max(leastMs, until - performance.now()))
    const answered = await fetch(start, { method: 'HEAD', redirect: 'manual', signal, ...withoutProxy }).then(
      () => true,
      () => false,
    )
    if (answered) return
    if (performance.now() >= until)
      throw new Refusal(`${printable(start)} does not answer: start the client, or use --run`)
    await Bun.sleep(200)
  }
}

async function attempt(provider: OwnProvider, given: Given, tried: TriedClient): Promise<Outcome[]> {
  const start = webUrl('start', given.start)
  const isSignedIn = signedIn(given['signed-in'])
  const slow = readNumber('slow', given.slow, { usual: usual.slow, most: 25 })
  const { faults } = await provider.lab<{ faults: FaultRow[] }>('GET', '/trouble')
  const rows = chosen(faults, given.only)
  const { port } = new URL(start)
  const { issuer, account } = provider
  const client =
    given.run === undefined
      ? undefined
      : clientProcess(given.run, Number(port || 80), {
          ISSUER: issuer,
          CLIENT_ID: tried.client_id,
          CLIENT_SECRET: tried.client_secret ?? '',
          PORT: port,
        })
  try {
    if (!client)
      await requireAnswer(start, readNumber('wait', given.wait, { usual: usual.wait, most: 86_400 }))
    const timeoutMs = (slow + 30) * 1000
    return await tryFaults(
      {
        provider,
        clientId: tried.client_id,
        start,
        isSignedIn,
        newBrowser: () => createBrowser(issuer, account, timeoutMs),
        stranger: () => createBrowser(issuer, undefined, timeoutMs),
        restart: client?.restart,
        slow,
      },
      rows,
      () => {},
    )
  } finally {
    await client?.stop()
  }
}

export const tryClient = defineCommand({
  takes: [],
  options,
  async run(given) {
    if (given.list) return listFaults()
    const tried = clientOf(given)
    webUrl('start', given.start)
    signedIn(given['signed-in'])
    const port = readNumber('port', given.port, { usual: usual.port, most: 65_535 })
    const provider = await startProvider(port, tried)
    try {
      const { issuer } = provider
      const { client_id, client_secret } = tried
      if (!given.json)
        print(
          `The issuer is ${issuer}, the client_id ${printable(client_id)}${client_secret === undefined ? '' : `, the secret ${printable(client_secret)}`}.\n`,
        )
      const outcomes = await attempt(provider, given, tried)
      const failed = outcomes.filter((each) => each.failed)
      const failure =
        failed.length > 0
          ? new Refusal(`the client fails on ${failed.map(({ fault }) => fault).join(', ')}`)
          : undefined
      return {
        facts: { issuer, client_id, passed: !failure, outcomes },
        show() {
          show(outcomes)
          print(`\n${verdict(outcomes)}`)
        },
        failure,
      }
    } finally {
      await provider.stop()
    }
  },
})

async function listFaults() {
  const provider = await startProvider(0, {
    client_id: usual.client_id,
    client_secret: undefined,
    redirect_uri: 'http://localhost/',
    id_token_alg: undefined,
  })
  try {
    const { faults } = await provider.lab<{ faults: FaultRow[] }>('GET', '/trouble')
    return {
      facts: faults,
      show: () =>
        printTable(
          ['FAULT', 'WHAT IS TOLD', 'RULE'],
          faults.map(({ fault, does, rule }) => [fault, does, rule]),
        ),
    }
  } finally {
    await provider.stop()
  }
}
