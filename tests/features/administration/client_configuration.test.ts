/** The configuration that the page of a new app shows: what is copied from it gets a token, and the secret is on that page alone. docs/kits.md */
import { expect, test } from 'bun:test'
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from '../../../src/models/client.ts'
import { account, administrator } from '../../support/administration.ts'
import { pageOf } from '../../support/authenticator.ts'
import type { TestClient } from '../../support/client.ts'
import { alice, browser, operatorClient, post, tokensOf } from '../../support/flow.ts'
import { freePort } from '../../support/free_port.ts'
import { type Provider, provider, spawnProvider } from '../../support/provider.ts'

const deviceGrant = 'urn:ietf:params:oauth:grant-type:device_code'

const plain = (html: string): string =>
  html.replace(
    /&(?:amp|lt|gt|quot|#39|#x27);/g,
    (each) => ({ '&amp;': '&', '&lt;': '<', '&gt;': '>', '&quot;': '"' })[each] ?? "'",
  )

/** The files that the page shows, by library and path. */
function filesIn(html: string): Map<string, string> {
  const files = new Map<string, string>()
  for (const [, title, body] of html.matchAll(/<summary>(.*?)<\/summary>(.*?)<\/details>/gs))
    for (const [, path, text] of body!.matchAll(
      /<code dir="ltr">(.*?)<\/code><\/p><pre dir="ltr">(.*?)<\/pre>/gs,
    ))
      files.set(`${plain(title!)}: ${plain(path!)}`, plain(text!))
  return files
}

/** As libraries read a `.env` file. */
const variablesOf = (env: string): Record<string, string> =>
  Object.fromEntries(
    Array.from(env.matchAll(/^([A-Z_]+)='?(.*?)'?$/gm), ([, name, value]) => [name!, value!]),
  )

async function added(op: Provider, kind: string, fields: Record<string, string>) {
  const { who } = await administrator(op, 'owner')
  const page = pageOf(await who.open(`/admin/clients/new?kind=${kind}`))
  const shown = pageOf(await who.press(page, 'add', { client_name: `An app of ${kind}`, ...fields }))
  expect([kind, shown.status]).toEqual([kind, 200])
  return { who, html: shown.html, files: filesIn(shown.html) }
}

const clientOf = (env: Record<string, string>): TestClient => ({
  client_id: env.CLIENT_ID!,
  redirect_uri: env.REDIRECT_URI ?? '',
  ...(env.CLIENT_SECRET !== undefined && { client_secret: env.CLIENT_SECRET }),
})

const web = 'https://shop.example/callback'
const kinds: Record<string, { fields: Record<string, string>; libraries: string[] }> = {
  web: {
    fields: { redirect_uris: web },
    libraries: [
      'Express',
      'Next.js with Auth.js',
      'Flask',
      'Django',
      'Java with Spring',
      '.NET',
      'Go',
      'PHP',
    ],
  },
  spa: { fields: { redirect_uris: web }, libraries: ['React', 'Angular', 'Vue'] },
  native: {
    fields: { redirect_uris: 'com.example.shop:/callback' },
    libraries: ['React Native', 'Flutter', 'MCP client'],
  },
  service: { fields: { scope: 'reports' }, libraries: ['Service in Node.js', 'Service in Python'] },
  device: { fields: {}, libraries: ['PowerShell', '.http file'] },
  mcp: { fields: { redirect_uris: 'http://localhost:8090/callback' }, libraries: ['MCP client'] },
}
const settings = { SCOPES: 'openid profile email offline_access reports' }

/** A token by what the `.env` file says, and nothing else. */
async function tokenBy(op: Provider, kind: string, env: Record<string, string>): Promise<string> {
  const client = clientOf(env)
  const scope = env.SCOPE!
  if (kind === 'service')
    return String(
      (await post(op, '/token', client, { grant_type: 'client_credentials', scope })).body.access_token,
    )
  if (kind !== 'device') return (await tokensOf(op, browser(op), client, { scope })).access_token
  const { body: begun } = await post(op, '/device_authorization', client, { scope })
  const visitor = browser(op)
  const login = await visitor.open(String(begun.verification_uri_complete))
  const confirm = pageOf(await visitor.press(login.page!, 'login', alice))
  const next = confirm.forms.some((form) => form.buttons.includes('allow'))
    ? confirm
    : pageOf(await visitor.press(confirm, 'continue'))
  await visitor.press(next, 'allow')
  const { body } = await post(op, '/token', client, {
    grant_type: deviceGrant,
    device_code: String(begun.device_code),
  })
  return String(body.access_token)
}

test.each(Object.entries(kinds))('%s: what is shown gets a token', async (kind, { fields, libraries }) => {
  const op = await provider({ env: settings })
  const { files, html } = await added(op, kind, fields)
  const titles = [...new Set([...files.keys()].map((name) => name.split(': ')[0]))]
  expect(titles).toEqual(['.env file', ...libraries])
  const env = variablesOf(files.get('.env file: .env')!)
  expect(env.ISSUER).toBe(op.issuer)
  const client = (await Client.find(op.context, env.CLIENT_ID!))!
  expect(env.SCOPE).toBe(client.scope)
  const isPublic = client.token_endpoint_auth_method === 'none'
  expect([env.CLIENT_SECRET === undefined, html.includes('only time')]).toEqual([isPublic, !isPublic])
  // In one place: a library reads it from there.
  const { CLIENT_SECRET: secret } = env
  if (secret !== undefined) expect(html.split(secret)).toHaveLength(2)
  for (const [name, text] of files)
    expect([name, text.includes(client.client_id), text.includes('@@')]).toEqual([name, true, false])
  const token = await tokenBy(op, kind, env)
  expect(token.length).toBeGreaterThan(20)
})

test('the settings for MCP clients name the client, the port of its redirect URI and its scopes', async () => {
  const op = await provider()
  const { files } = await added(op, 'mcp', kinds.mcp!.fields)
  const client_id = variablesOf(files.get('.env file: .env')!).CLIENT_ID
  const claude = JSON.parse(files.get('MCP client: .mcp.json')!)
  expect(claude.mcpServers['my-server'].oauth).toEqual({
    clientId: client_id,
    callbackPort: 8090,
    authServerMetadataUrl: `${op.issuer}/.well-known/openid-configuration`,
  })
  const cursor = JSON.parse(files.get('MCP client: .cursor/mcp.json')!)
  expect(cursor.mcpServers['my-server'].auth).toMatchObject({ CLIENT_ID: client_id })
})

test('the lines for a service run as they are copied', async () => {
  const PORT = `${freePort()}`
  const served = await spawnProvider({ PORT, ISSUER_URL: `http://localhost:${PORT}` })
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-service-'))
  try {
    const op = await provider({ env: { ISSUER_URL: `http://localhost:${PORT}`, ...settings } })
    const { files } = await added(op, 'service', {})
    const script = files
      .get('Service in Node.js: service.js')!
      .replace(JSON.stringify(variablesOf(files.get('.env file: .env')!).CLIENT_ID!), '"client123"')
    symlinkSync(join(import.meta.dir, '../../../node_modules'), join(folder, 'node_modules'))
    await Bun.write(join(folder, 'service.mjs'), script)
    const child = Bun.spawn([process.execPath, 'service.mjs'], {
      cwd: folder,
      env: { CLIENT_SECRET: 'secret456' },
      stderr: 'pipe',
    })
    const [out, err] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
    ])
    expect([await child.exited, err]).toEqual([0, ''])
    expect(out.trim().length).toBeGreaterThan(20)
  } finally {
    rmSync(folder, { recursive: true })
    await served.stop()
  }
})

test('the secret is on the page that made it alone; the page of the app says where another one comes from', async () => {
  const op = await provider()
  const { who, files, html } = await added(op, 'web', { redirect_uris: web })
  const { CLIENT_ID, CLIENT_SECRET } = variablesOf(files.get('.env file: .env')!)
  expect(html).toContain(CLIENT_SECRET!)
  const path = `/admin/clients/${CLIENT_ID}`
  const page = pageOf(await who.open(path))
  for (const each of [path, `${path}/kits`, `${path}/kits/env`, '/admin/clients'])
    expect([each, pageOf(await who.open(each)).html.includes(CLIENT_SECRET!)]).toEqual([each, false])
  const own = filesIn(page.html)
  expect([...own.keys()]).toEqual([...files.keys()])
  expect(variablesOf(own.get('.env file: .env')!)).toMatchObject({ CLIENT_ID, CLIENT_SECRET: '' })
  expect(page.html).toContain('“New secret” makes another one')

  const renewed = filesIn(pageOf(await who.press(page, 'renew')).html)
  const env = variablesOf(renewed.get('.env file: .env')!)
  expect(env.CLIENT_SECRET).not.toBe(CLIENT_SECRET)
  expect(await tokenBy(op, 'web', env)).toBeString()
})

test('an auditor sees the configuration of an app, and no secret; a person without a role sees nothing', async () => {
  const op = await provider()
  const { who } = await administrator(op, 'auditor')
  const page = pageOf(await who.open('/admin/clients/client123'))
  expect(variablesOf(filesIn(page.html).get('.env file: .env')!)).toMatchObject({ CLIENT_SECRET: '' })
  const { who: other } = await administrator(op, undefined)
  expect(pageOf(await other.open('/admin/clients/client123')).status).toBe(404)
})

test('a hostile name and scope are text; a method that no kit has shows the values alone', async () => {
  const op = await provider()
  await account(op, 'ben')
  const hostile = `</pre><script>alert(1)</script>\u202e`
  await operatorClient(op, { client_id: `a'b"</pre>`, client_name: hostile })
  await operatorClient(op, {
    client_id: 'with-keys',
    token_endpoint_auth_method: 'private_key_jwt',
    jwks_uri: 'https://shop.example/jwks',
  })
  const { who } = await administrator(op, 'owner')
  const path = `/admin/clients/${encodeURIComponent(`a'b"</pre>`)}`
  const { html } = pageOf(await who.open(path))
  expect(html).not.toContain('<script>alert')
  for (const [name, text] of filesIn(html)) expect([name, text.includes('\u202e')]).toEqual([name, false])
  expect(filesIn(html).get('Express: settings.js')).toContain(String.raw`client_id: "a'b\"\u003c/pre>"`)
  // No .env file can hold this client_id: the secret is shown nevertheless.
  const renewed = pageOf(await who.press(pageOf(await who.open(path)), 'renew')).html
  expect(renewed).toMatch(/CLIENT_SECRET=[\w-]{64}\n/)
  const keys = pageOf(await who.open('/admin/clients/with-keys')).html
  expect(filesIn(keys).size).toBe(0)
  expect(keys).toContain('CLIENT_ID=with-keys\n')
})
