/** `latchkey examine`: checks a provider, this one or any other, as a certifier would. docs/examine.md */
import { existsSync, readFileSync } from 'node:fs'
import { systemClock } from '../../lib/clock.ts'
import { createLog } from '../../lib/log.ts'
import { connectTo } from '../../outbound/connect.ts'
import { createOutbound, OutboundError } from '../../outbound/outbound.ts'
import { type Answer, defineCommand, type Values } from '../command.ts'
import { Refusal, UsageError } from '../failure.ts'
import { print, printable, printTable } from '../output.ts'
import { writeLines } from '../output_file.ts'
import type { Line } from './check.ts'
import { errorOf, postAs } from './client.ts'
import { makeDpopKey, readClientKey } from './client_key.ts'
import { compare, type Comparison, readReport } from './compare.ts'
import { register } from './register.ts'
import { examine, type Report } from './report.ts'
import { outcomeWords, reportPage } from './report_page.ts'
import { look, type Reach, type Sight, type TestClient } from './sight.ts'
import { keyAt, signed, signerOf, type SignedReport } from './sign.ts'
import { checks } from './table.ts'

const options = {
  'client-id': { type: 'string', value: 'ID', help: 'The test client, registered at the provider' },
  'client-secret': {
    type: 'string',
    value: 'SECRET|@FILE',
    help: 'Its secret, or @ and a file of it. Omit it for a public client',
  },
  'client-key': {
    type: 'string',
    value: 'FILE',
    help: 'Its private key as a JWK, in place of a secret (private_key_jwt)',
  },
  dpop: { type: 'boolean', help: 'Bind its tokens to a key (DPoP), where the provider asks for that' },
  'redirect-uri': {
    type: 'string',
    value: 'URI',
    help: 'Its registered redirect URI; nothing is sent there',
  },
  register: { type: 'boolean', help: 'Register a test client at the provider, and remove it at the end' },
  'registration-token': {
    type: 'string',
    value: 'TOKEN|@FILE',
    help: 'An initial access token for --register',
  },
  report: {
    type: 'string',
    multiple: true,
    value: 'FILE',
    help: 'Write the report there: a page for a name that ends with .html, else JSON',
  },
  sign: {
    type: 'string',
    value: 'KEY',
    help: 'Sign the JSON with this Ed25519 key (PEM); a missing file is made',
  },
  compare: { type: 'string', value: 'FILE', help: 'Tell what changed since this report (JSON)' },
  ca: { type: 'string', value: 'FILE', help: 'Certificates of a private authority, in PEM' },
  timeout: { type: 'string', value: 'MS', help: 'Milliseconds for one answer. Default: 10000' },
  all: { type: 'boolean', help: 'Show also what is well' },
} as const
type Given = Values<typeof options>

function readIssuer(text: string): string {
  const url = URL.parse(text)
  if (!url || !['http:', 'https:'].includes(url.protocol))
    throw new UsageError(`expected the https URL of an issuer, got ${printable(text)}`)
  if (url.username || url.password)
    throw new UsageError('expected an issuer without a user name and password')
  return text
}

function readTimeout(text = '10000'): number {
  if (!/^[1-9]\d{0,5}$/.test(text))
    throw new UsageError(`--timeout: expected a whole number from 1, got ${printable(text)}`)
  return Number(text)
}

/** `@FILE` is the first line of a file, so that the secret is in no list of processes. */
function readSecret(option: string, text: string | undefined): string | undefined {
  if (text !== undefined && !text.startsWith('@'))
    process.stderr.write(
      `warning: --${option} stays in the history of the shell, and other users of this machine may have seen it in the list of processes; --${option} @FILE does not show it\n`,
    )
  if (!text?.startsWith('@')) return text
  const path = text.slice(1)
  if (!existsSync(path)) throw new UsageError(`--${option}: there is no file ${printable(path)}`)
  return readFileSync(path, 'utf8').replace(/\r?\n$/, '')
}

async function readClient(given: Given): Promise<TestClient | undefined> {
  const { 'client-id': client_id, 'redirect-uri': redirect_uri, register: registers } = given
  if (registers && client_id !== undefined)
    throw new UsageError('expected --client-id or --register, got both')
  if (client_id === undefined) {
    const alone = (['client-secret', 'client-key', 'dpop', 'redirect-uri'] as const).find(
      (name) => given[name] !== undefined,
    )
    if (alone !== undefined) throw new UsageError(`--${alone} needs --client-id`)
    return undefined
  }
  if (redirect_uri !== undefined && !URL.canParse(redirect_uri))
    throw new UsageError(`--redirect-uri: expected a URL, got ${printable(redirect_uri)}`)
  const { 'client-key': keyFile, 'client-secret': secret } = given
  if (keyFile !== undefined && secret !== undefined)
    throw new UsageError('expected --client-secret or --client-key, got both')
  return {
    client_id,
    client_secret: readSecret('client-secret', secret),
    redirect_uri,
    ...(keyFile !== undefined && { key: await readClientKey(readFileSync(keyFile, 'utf8')) }),
    ...(given.dpop && { dpop: await makeDpopKey() }),
  }
}

/**
 * The operator named the issuer, so its host may be on this machine or in a private network. Any other host that the
 * provider names must have a public address and https, as everywhere.
 */
function reachOf(issuer: string, given: Given): Reach {
  const { hostname, port, protocol } = new URL(issuer)
  const config = {
    outboundAllowHosts: [`${hostname}:${port || (protocol === 'https:' ? 443 : 80)}`],
    outboundTimeoutMs: readTimeout(given.timeout),
    outboundCaPath: given.ca,
  }
  const log = createLog('silent', 'json', () => {})
  const outbound = createOutbound({ config, clock: systemClock, log })
  return {
    fetch: outbound.fetch,
    handshake: (newest) => connectTo(issuer, config, newest && { newest }),
    now: systemClock.now,
    wait: (seconds) => Bun.sleep(seconds * 1000),
  }
}

async function lookAt(issuer: string, reach: Reach): Promise<Sight> {
  try {
    return await look(issuer, reach)
  } catch (error) {
    if (!(error instanceof OutboundError)) throw error
    throw new Refusal(`${issuer} ${error.message}${error.detail ? ` (${error.detail})` : ''}`)
  }
}

/** Without this, each check with the client would fail for a mistake on the command line. */
async function requireKnown(sight: Sight, { client_id }: TestClient): Promise<void> {
  if (typeof sight.metadata.token_endpoint !== 'string') return
  const answer = await postAs(sight, sight.metadata.token_endpoint, { grant_type: 'client_credentials' })
  if (errorOf(answer) === 'invalid_client')
    throw new Refusal(
      `the provider refuses the client ${printable(client_id)}: is its secret or key the right one?`,
    )
}

async function withClient(sight: Sight, given: Given, client: TestClient | undefined): Promise<Report> {
  if (client) {
    const known = { ...sight, client }
    if (client.client_secret !== undefined || client.key) await requireKnown(known, client)
    return examine(known, checks)
  }
  if (!given.register) return examine(sight, checks)
  const token = readSecret('registration-token', given['registration-token'])
  const registered = await register(sight, token)
  try {
    return await examine({ ...sight, client: registered.client }, checks)
  } finally {
    await registered.remove?.()
  }
}

async function write(
  paths: readonly string[],
  report: SignedReport,
  comparison: Comparison | undefined,
): Promise<void> {
  for (const path of paths) {
    const text = /\.html?$/i.test(path) ? reportPage(report, comparison) : JSON.stringify(report, null, 2)
    await writeLines(path, [text.trimEnd()], 0o644)
  }
}

export const command = defineCommand({
  takes: ['ISSUER'],
  options,
  async run(given, [text]): Promise<Answer> {
    const issuer = readIssuer(text)
    const client = await readClient(given)
    const earlier = given.compare === undefined ? undefined : await readReport(given.compare)
    if (earlier) signerOf(earlier)
    const key = given.sign === undefined ? undefined : await keyAt(given.sign)
    const plain = await withClient(await lookAt(issuer, reachOf(issuer, given)), given, client)
    const comparison = earlier && compare(earlier, plain)
    const report = key ? await signed(plain, key) : plain
    await write(given.report ?? [], report, comparison)
    return {
      facts: comparison ? { ...report, comparison } : report,
      show: () => show(report, comparison, given.all ?? false),
      ...(!report.ok && { exit: 1 }),
    }
  },
})

function show(report: SignedReport, comparison: Comparison | undefined, all: boolean): void {
  const { issuer, checks: lines, counts, ok, signature } = report
  const shown = lines.filter(({ outcome, found }) => all || outcome !== 'pass' || found !== undefined)
  printTable(
    ['CHECK', 'OUTCOME', 'WHAT HOLDS WHERE IT IS WELL'],
    shown.map(({ id, outcome, about }) => [id, outcomeWords[outcome], about]),
  )
  const told = lines.filter(({ outcome }) => outcome === 'fail' || outcome === 'advice')
  for (const line of told)
    print(
      `\n${outcomeWords[line.outcome]} ${line.id}\n  found  ${line.found ?? ''}\n  why    ${line.why}\n  read   ${line.rule} ${line.link}`,
    )
  showNotes(lines)
  if (comparison) showChanges(comparison)
  const counted = Object.entries(counts).map(
    ([name, count]) => `${count} ${outcomeWords[name as keyof typeof outcomeWords]}`,
  )
  print(`\n${printable(issuer)} ${ok ? 'passed' : 'failed'}: ${counted.join(', ')}`)
  if (signature) print(`signed by the key ${signerOf(report)}`)
}

/** Each sentence once, with the checks that it is about. */
function showNotes(lines: readonly Line[]): void {
  const ids = new Map<string, string[]>()
  for (const { id, outcome, found } of lines)
    if (found !== undefined && outcome !== 'fail' && outcome !== 'advice')
      ids.set(found, [...(ids.get(found) ?? []), id])
  if (ids.size > 0) print('')
  for (const [found, about] of ids)
    print(about.length === 1 ? `${about[0]}: ${found}` : `${about.length} checks: ${found}`)
}

function showChanges({ examined_at, changes }: Comparison): void {
  print(`\nchanges since ${examined_at}: ${changes.length === 0 ? 'none' : changes.length}`)
  for (const { what, before, now } of changes)
    print(`  ${printable(what)}: ${printable(before ?? 'nothing')} -> ${printable(now ?? 'nothing')}`)
}
