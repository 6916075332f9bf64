/** /lab/token is given secrets and texts of attackers: it keeps nothing, fetches nothing, uses nothing up, and takes time in proportion. docs/lab.md */
import { expect, test } from 'bun:test'
import { readPasted } from '../../src/features/lab_token/pasted.ts'
import { resultOf } from '../../src/features/lab_token/result.ts'
import { memoryStore } from '../../src/store/memory.ts'
import type { Page } from '../support/person.ts'
import { browser, demo, operatorClient, tokensOf } from '../support/flow.ts'
import { expectLinear } from '../support/linear.ts'
import { type Provider, provider, turnableClock } from '../support/provider.ts'

const lab = (env: Record<string, string> = {}) => provider({ env: { LAB: 'true', ...env } })
const path = '/lab/token'
const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
const asked = (token: string, keys = '') => ({ token, keys, audience: '', scope: '' })

async function paste(op: Provider, fields: Record<string, string>) {
  const who = browser(op)
  const { page } = (await who.open(op.issuer + path)) as { page: Page }
  return (await who.press(page, 'read', fields)).page!
}

test('it exists for LAB_NETWORKS alone, and not without LAB', async () => {
  const op = await lab()
  expect((await op.fetch(path)).status).toBe(200)
  for (const method of ['GET', 'HEAD', 'POST'])
    expect((await op.fetch(path, { method }, '203.0.113.9')).status, method).toBe(404)
  expect((await op.fetch(`http://attacker.example:5000${path}`)).status).toBe(404)
  const off = await provider()
  expect((await off.fetch(path)).status).toBe(404)
  expect(off.context.table.features).not.toContain('lab_token')
})

test('a form of another site, or of another browser, is refused', async () => {
  const op = await lab()
  const page = (await browser(op).open(op.issuer + path)).page!
  const body = new URLSearchParams({ ...page.forms[0]!.fields, token: 'x', read: 'read' }).toString()
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  for (const more of [
    { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' },
    { origin: op.issuer },
  ])
    expect((await op.fetch(path, { method: 'POST', body, headers: { ...headers, ...more } })).status).toBe(
      403,
    )
})

test('nothing that was pasted is in the store, the log or a page of the lab', async () => {
  const store = memoryStore(turnableClock())
  const op = await provider({ env: { LAB: 'true' }, store })
  const { access_token, refresh_token } = await tokensOf(op, browser(op), demo, {
    scope: 'openid offline_access',
    prompt: 'consent',
  })
  const marker = 'pasted-by-a-student'
  const pasted = [access_token, refresh_token, `${part({ alg: 'none' })}.${part({ sub: marker })}.`, marker]
  for (const token of pasted) {
    expect((await paste(op, { token, audience: marker, keys: marker })).status).toBe(200)
    // Also where the form is refused.
    await op.fetch(path, {
      method: 'POST',
      body: new URLSearchParams({ token, keys: marker }).toString(),
      headers: { 'content-type': 'application/x-www-form-urlencoded', origin: op.issuer },
    })
  }
  const secrets = pasted.map((token) => token.split('.')[1] ?? token)
  let kept = ''
  for await (const each of store.scan()) kept += JSON.stringify(each)
  kept += op.lines.join('\n')
  const pages = op.context.table.endpoints.filter(({ labMenu }) => labMenu).map((each) => each.path)
  expect(pages).toContain('/lab/errors')
  for (const page of pages) kept += await (await op.fetch(page)).text()
  for (const secret of secrets) expect(kept.includes(secret), secret.slice(0, 30)).toBe(false)
})

test('no request is sent, whatever the token names', async () => {
  let connections = 0
  const open = () => void (connections += 1)
  const server = Bun.listen({ port: 0, hostname: '127.0.0.1', socket: { open, data() {} } })
  const host = `127.0.0.1:${server.port}`
  const url = `https://${host}`
  const op = await lab({ OUTBOUND_ALLOW_HOSTS: host, CLIENT_ID_METADATA_DOCUMENTS: 'true' })
  await operatorClient(op, {
    client_id: 'remote',
    redirect_uris: ['https://app.example/cb'],
    token_endpoint_auth_method: 'private_key_jwt',
    jwks_uri: `${url}/jwks`,
  })
  const header = { alg: 'RS256', typ: 'at+jwt', kid: 'k', jku: url, x5u: url }
  const claims: object[] = [
    { iss: url, sub: 's', client_id: `${url}/client`, aud: url },
    { iss: 'remote', sub: 'remote', aud: op.issuer },
    { iss: `${url}/client`, sub: `${url}/client`, aud: op.issuer },
    { client_id: 'remote', redirect_uri: url, response_type: 'code' },
  ]
  for (const each of claims) {
    const { html } = await paste(op, { token: `${part({ ...header, typ: 'JWT' })}.${part(each)}.AAAA` })
    expect(html).toContain('cannot be verified here')
    await paste(op, { token: `${part(header)}.${part(each)}.AAAA` })
  }
  expect(connections).toBe(0)
  // The listener would have noticed.
  await op.context.outbound.fetch(url, { purpose: 'keys', timeoutMs: 200 }).catch(() => {})
  expect(connections).toBe(1)
  server.stop(true)
})

test('texts of a token are no markup, and invisible characters are written out', async () => {
  const op = await lab()
  const evil = '<script>alert(1)</script>\u202e"\'`{{t common.cancel}}'
  const token = `${part({ alg: evil, typ: evil, kid: evil, [evil]: evil })}.${part({ iss: evil, [evil]: { [evil]: evil }, exp: evil, __proto__: 1 })}.AA`
  const { html } = await paste(op, { token, audience: evil, scope: evil, keys: evil })
  expect(html).not.toContain('<script>alert')
  expect(html).toContain('\\u202e')
  expect(html).toContain('{{t common.cancel}}')
})

test('odd shapes are read without a fault', async () => {
  const op = await lab()
  const nested = (depth: number) =>
    Buffer.from(`{"a":${'['.repeat(depth)}${']'.repeat(depth)}}`).toString('base64url')
  const odd = [
    `${part({ alg: 'RS256' })}.${nested(20_000)}.AA`,
    `${nested(20_000)}.e30.AA`,
    `${part({ alg: ['RS256'], kid: {}, typ: 1, crit: 1 })}.${part({ aud: {}, exp: null, cnf: 'x', events: [] })}.AA`,
    `${part({ alg: 'EdDSA', typ: 'dpop+jwt', jwk: { kty: 'OKP', crv: 'Ed25519', x: 'AA' } })}.e30.AA`,
    `${part({ alg: 'RS256', constructor: 1, toString: 2 })}.${part({ hasOwnProperty: 1 })}.`,
    'lka_',
    'lkr_x',
    'lkc_',
    'lki_x',
    '....',
    '..',
    '\u0000',
    '🦄.🦄.🦄',
    'Bearer',
    'Authorization: Bearer ',
  ]
  for (const token of odd) expect((await paste(op, { token })).status, token.slice(0, 30)).toBe(200)
  for (const keys of ['null', '[]', '{"keys":[null,1,{}]}', '{"keys":"x"}', '"x"'])
    await resultOf(asked(`${part({ alg: 'RS256' })}.${part({ iss: 'x', sub: 'y' })}.AA`, keys), op.context)
})

test('a long token takes time in proportion to its length, and a longer one none', async () => {
  const op = await lab()
  const jwt = (size: number) => `${part({ alg: 'RS256' })}.${part({ scope: 'a '.repeat(size / 4) })}.AAAA`
  const many = (size: number) =>
    `${part({ alg: 'none' })}.${part(Object.fromEntries(Array.from({ length: size / 16 }, (_, i) => [`c${i}`, i])))}.`
  for (const make of [jwt, many, (size: number) => ' "'.repeat(size), (size: number) => '.'.repeat(size)])
    await expectLinear(make, (token) => resultOf(asked(token), op.context))
  expect(readPasted('x'.repeat(64_001))).toMatchObject({ problem: expect.stringContaining('64000 are read') })
  expect(
    (await paste(op, { token: `${part({ alg: 'none' })}.${part({ a: 'b'.repeat(70_000) })}.` })).status,
  ).toBe(413)
})

test('many claims are counted and not shown', async () => {
  const op = await lab()
  const claims = Object.fromEntries(Array.from({ length: 2_000 }, (_, i) => [`c${i}`, i]))
  const { html } = await paste(op, { token: `${part({ alg: 'none' })}.${part(claims)}.` })
  expect(html).toContain('1900 more are not shown.')
  expect(html.length).toBeLessThan(200_000)
})
