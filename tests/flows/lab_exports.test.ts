/** Exports of a recorded flow: the script plays it again, the archive and the report say what happened. docs/lab.md */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ServedProvider, serveProvider } from '../browser/served.ts'
import { addClient, bank, begin, poll } from '../support/backchannel.ts'
import { demo } from '../support/client.ts'
import { alice, authorize, browser, post, redeem, tokensOf } from '../support/flow.ts'

let op: ServedProvider
let other: ServedProvider
const folder = mkdtempSync(join(tmpdir(), 'latchkey-exports-'))

beforeAll(async () => {
  ;[op, other] = await Promise.all([serveProvider({ LAB: 'true' }), serveProvider({ LAB: 'true' })])
})
afterAll(async () => {
  await Promise.all([op.stop(), other.stop()])
  rmSync(folder, { recursive: true })
})

const newest = () => op.context.recorder!.flows.list()[0]!
const exported = async (as: string): Promise<string> =>
  (await op.fetch(`/lab/flow/export?id=${newest().id}&as=${as}`)).text()

/** Plays the newest flow again at `issuer`. */
async function play(
  issuer: string,
  change = (text: string): string => text,
  CLIENT_SECRET = demo.client_secret,
): Promise<{ code: number; out: string }> {
  const script = join(folder, 'flow.sh')
  writeFileSync(script, change(await exported('curl')))
  const env = { ...process.env, ISSUER: issuer, CLIENT_SECRET, PASSWORD: alice.password }
  const run = Bun.spawn(['bash', script], { env, stdout: 'pipe', stderr: 'pipe' })
  const [out, err, code] = await Promise.all([
    new Response(run.stdout).text(),
    new Response(run.stderr).text(),
    run.exited,
  ])
  return { code, out: out + err }
}

test('the script plays a code flow with a refresh again, at a provider that does not know it', async () => {
  const tokens = await tokensOf(op, browser(op), demo, { scope: 'openid offline_access' })
  await post(op, '/token', demo, { grant_type: 'refresh_token', refresh_token: tokens.refresh_token })
  await op.fetch('/userinfo', { headers: { authorization: `Bearer ${tokens.access_token}` } })
  const { code, out } = await play(other.issuer)
  expect(out).toContain(`${newest().exchanges.length}. GET /userinfo: 200`)
  expect(code).toBe(0)
})

/** The clock of the lab is moved where the script would wait. */
const withoutWaiting = (script: string): string =>
  script.replaceAll(
    /^sleep .*$/gm,
    `curl -s -o /dev/null "$ISSUER/lab/api/clock" -H 'content-type: application/json' -d '{"move": "+10s"}'`,
  )

const device = { client_id: 'device-client', client_secret: '', redirect_uri: '' }

test('the script plays the flow of a device again: it signs in, takes the new codes and waits between polls', async () => {
  const grant_type = 'urn:ietf:params:oauth:grant-type:device_code'
  const sent = (path: string, fields: Record<string, string>) =>
    op.fetch(path, { method: 'POST', body: new URLSearchParams({ client_id: device.client_id, ...fields }) })
  const begun = (await (await sent('/device_authorization', { scope: 'openid' })).json()) as Record<
    string,
    string
  >
  await sent('/token', { grant_type, device_code: begun.device_code! })
  const who = browser(op)
  await who.press((await who.open(`${op.issuer}/login`)).page!, 'login', alice)
  const page = (await who.open(begun.verification_uri_complete!)).page!
  const confirm = (await who.press(page, 'continue')).page!
  await who.press(confirm, 'allow')
  op.clock.advance(10_000)
  expect((await sent('/token', { grant_type, device_code: begun.device_code! })).status).toBe(200)
  const script = await exported('curl')
  expect(script).toContain('# It signs alice in before the page of the device')
  expect(script.match(/^sleep .*$/gm)).toHaveLength(2)
  const { code, out } = await play(other.issuer, withoutWaiting)
  expect(out).toContain(`${newest().exchanges.length}. POST /token: 200`)
  expect(code).toBe(0)
})

test('the script plays an answer of a backchannel request again', async () => {
  for (const each of [op, other]) await addClient(each)
  const { body } = await begin(op)
  const who = browser(op)
  await who.press((await who.open(`${op.issuer}/login`)).page!, 'login', alice)
  await who.press((await who.open(`${op.issuer}/approvals`)).page!, 'allow')
  op.clock.advance(10_000)
  expect((await poll(op, body.auth_req_id)).status).toBe(200)
  const { code, out } = await play(other.issuer, withoutWaiting, bank.client_secret)
  expect(out).toContain('POST /token: 200')
  expect(code).toBe(0)
})

test('the head of the script says what it cannot do', async () => {
  const proof = `${btoa('{"typ":"dpop+jwt"}')}.${btoa('{}')}.x`
  await op.fetch('/token', {
    method: 'POST',
    headers: { dpop: proof },
    body: new URLSearchParams({ grant_type: 'client_credentials', client_assertion: proof, request: proof }),
  })
  const head = (await exported('curl')).split('set -euo pipefail')[0]!
  expect(head).toContain('# It makes no DPoP proofs')
  expect(head).toContain('# Each client_assertion is for one request')
  expect(head).toContain('# It signs no request objects')
  expect(head).not.toContain('passkey')
})

test('the script stops where the flow goes another way', async () => {
  await redeem(op, demo, await authorize(op, browser(op)), { code_verifier: 'x'.repeat(43) })
  const { code, out } = await play(other.issuer)
  expect(out).toContain('The recorded status is')
  expect(code).toBe(1)
})

test('no recorded value runs as a command of the script', async () => {
  const canary = join(folder, 'canary')
  const attack = `'; touch ${canary}; $(touch ${canary}) \`touch ${canary}\` "\n touch ${canary}\n`
  await op.fetch(
    `/authorize?${new URLSearchParams({ client_id: attack, state: attack, [attack]: attack })}`,
    {
      headers: { authorization: `Bearer ${encodeURIComponent(attack)}'; touch ${canary} '` },
    },
  )
  await play(other.issuer)
  await post(op, '/token', demo, { grant_type: attack, [attack]: attack })
  await play(other.issuer)
  expect(await Bun.file(canary).exists()).toBe(false)
})

test.each([
  ['a substitution', (path: string) => ({ authorization: `$(touch\${IFS}${path}) abcdefgh` })],
  ['backticks', (path: string) => ({ authorization: `\`touch\${IFS}${path}\` abcdefgh` })],
  ['an end of the text', (path: string) => ({ authorization: `x";touch\${IFS}${path};" abcdefgh` })],
  ['an end of the quotes', (path: string) => ({ authorization: `x';touch\${IFS}${path};' abcdefgh` })],
  ['a name of Basic', (path: string) => ({ authorization: `Basic ${btoa(`$(touch ${path})'";:secret12`)}` })],
  [
    'a content type',
    (path: string) => ({ 'content-type': `text/plain'; touch ${path}; "$(touch ${path})"` }),
  ],
] as [string, (path: string) => Record<string, string>][])(
  '%s in a header runs no command of the script',
  async (name, make) => {
    const canary = join(folder, `canary_of_${name.replaceAll(' ', '_')}`)
    const sent = make(canary)
    await op.fetch('/token', { method: 'POST', body: 'grant_type=x', headers: sent })
    const { request } = newest().exchanges[0]!
    expect(request.headers.some(([, value]) => value.includes('touch'))).toBe(true)
    expect((await play(other.issuer)).out).toContain('1. POST /token: ')
    expect(await Bun.file(canary).exists()).toBe(false)
  },
)

test('the script asks the issuer, whatever host a request named', async () => {
  await op.fetch(`http://attacker.example/token`, { method: 'POST', body: 'client_secret=abcdefgh' })
  expect(newest().exchanges[0]!.request.url).toContain('attacker.example')
  const script = await exported('curl')
  expect(script).toContain(`ISSUER=\${ISSUER:-'${op.issuer}'}`)
  expect(script).not.toContain('attacker.example')
})

test('a parameter sends no variable of the environment', async () => {
  await post(op, '/token', demo, { home: 'abcdefgh', aws_secret_access_key: 'abcdefgh' })
  const script = await exported('curl')
  expect(script).toContain('PARAMETER_AWS_SECRET_ACCESS_KEY')
  expect(script).not.toMatch(/\$\{?(?:HOME|AWS)/)
})

test('the archive has each exchange, and the report each check', async () => {
  await tokensOf(op, browser(op))
  const { exchanges } = newest()
  const { log } = JSON.parse(await exported('har')) as {
    log: { version: string; entries: { request: { url: string } }[] }
  }
  expect(log.version).toBe('1.2')
  expect(log.entries.map((each) => each.request.url)).toEqual(exchanges.map((each) => each.request.url))
  const report = await exported('markdown')
  expect(report).toContain('RFC 7636 §4.6')
  expect(report.match(/^## /gm)).toHaveLength(exchanges.length)
})

test('no recorded value is markup of the report', async () => {
  await op.fetch(`/authorize?${new URLSearchParams({ client_id: '``` <img src=x>\n# Title', state: '|`|' })}`)
  const report = await exported('markdown')
  expect(report).not.toMatch(/^# Title/m)
  expect(report.split('\n').filter((line) => line.includes('<img') && !/`|%3C/.test(line))).toEqual([])
})
