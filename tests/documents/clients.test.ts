/**
 * docs/clients: each page's commands are run, and then a client does what the table of the page says that this client does:
 * its flow, redirect URI, scope, PKCE and authentication. What the client reads must be where it reads it.
 */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose'
import { sqliteStore } from '../../src/store/sqlite.ts'
import { authorizationUrl, claimsOf, headerOf, type Json, type TestClient } from '../support/client.ts'
import { type Block, blocksOf, document, isShell, reasonNotToRun, root } from '../support/document.ts'
import { latchkeyWords } from '../support/latchkey_command.ts'
import { type Answer, read } from '../support/flow.ts'
import { person } from '../support/person.ts'
import { type Provider, provider, turnableClock } from '../support/provider.ts'

setDefaultTimeout(60_000)

const folder = 'docs/clients'
const issuer = 'https://login.example.com'
const names = readdirSync(join(root, folder))
  .filter((name) => name.endsWith('.md') && name !== 'README.md')
  .map((name) => name.slice(0, -3))
const carol = { username: 'carol', password: 'seven lambs and a lantern' }

/** The table "What … does", without back quotes. */
type Does = Map<string, string>

interface Page {
  blocks: Block[]
  does: Does
}

/** Each row that a page may have. */
const rows = [
  'Flow',
  'Redirect URI',
  'Redirect URI after sign-out',
  'Scope',
  'Resource',
  'Pushes the request',
  'PKCE',
  'Nonce',
  'Authenticates with',
  'ID Token is signed with',
  'Reads from the ID Token',
  'Reads from userinfo',
  'Access token is signed with',
  'Accepts the type',
  'Accepts the audience',
  'Reads from the access token',
  'Refreshes',
]

function pageOf(name: string): Page {
  const markdown = document(`${folder}/${name}.md`)
  const does: Does = new Map()
  for (const [, row, value] of markdown.matchAll(/^\| +([A-Z].*?) +\| +(\S.*?) +\|$/gm))
    does.set(row!, value!.replaceAll('`', ''))
  return { blocks: blocksOf(markdown), does }
}

const words = (text = '') => text.split(' ').filter((word) => word !== '')
const isCommand = (block: Block) => isShell(block) && reasonNotToRun(block) === undefined
const isSetting = ({ language }: Block) => language === 'env'
/** What a client sends to the registration endpoint by itself. */
const isRegistration = ({ note }: Block) => note === 'registration'

/** The variables of the page, and what production needs. */
function environmentOf({ blocks }: Page, at: string): Record<string, string> {
  const lines = blocks.filter(isSetting).map(({ text }) => text)
  return {
    NODE_ENV: 'production',
    ISSUER_URL: issuer,
    SECRET_KEY: 'a key of the tests, which nobody else has',
    STORE_URL: `sqlite:${join(at, 'latchkey.db')}`,
    TRUSTED_PROXIES: '127.0.0.1',
    ...Object.fromEntries(
      Array.from(lines.join('').matchAll(/^([A-Z_]+)=(.*)$/gm), ([, name, value]) => [name!, value!]),
    ),
  }
}

/** Runs commands in `at`, where `latchkey` is this one. Resolves to the client that the first `client add` prints. */
async function run(commands: string[], at: string, env: Record<string, string>): Promise<Json | undefined> {
  const added = join(at, 'added.json')
  writeFileSync(
    join(at, 'latchkey'),
    `#!/bin/sh\nif [ "$1 $2" = "client add" ] && [ ! -e ${added} ]; then ${latchkeyWords} "$@" --json >${added}; else ${latchkeyWords} "$@"; fi\n`,
    { mode: 0o755 },
  )
  const child = Bun.spawn(['bash', '-euo', 'pipefail', '-c', commands.join('\n')], {
    cwd: at,
    env: { ...env, PATH: `${at}:${process.env.PATH}`, HOME: at },
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const written = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()])
  if ((await child.exited) !== 0) throw new Error(`the commands failed:\n${written.join('')}`)
  const file = Bun.file(added)
  return (await file.exists()) ? ((await file.json()) as Json) : undefined
}

async function sent(op: Provider, path: string, init: RequestInit): Promise<Answer> {
  const answer = await read(await op.fetch(path, init))
  if (answer.status >= 300) throw new Error(`${path}: ${answer.status} ${answer.text}`)
  return answer
}

const register = async (op: Provider, body: string): Promise<Json> =>
  (
    await sent(op, '/register', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    })
  ).body

/** A form POST with the authentication that the page names. */
async function posted(
  op: Provider,
  path: string,
  client: TestClient,
  does: Does,
  fields: Record<string, string>,
): Promise<Json> {
  const { client_id, client_secret = '' } = client
  const method = does.get('Authenticates with')
  const body = new URLSearchParams(fields)
  const headers: Record<string, string> = { 'content-type': 'application/x-www-form-urlencoded' }
  if (method === 'client_secret_basic')
    headers.authorization = `Basic ${btoa(`${client_id}:${client_secret}`)}`
  else body.set('client_id', client_id)
  if (method === 'client_secret_post') body.set('client_secret', client_secret)
  return (await sent(op, path, { method: 'POST', headers, body: body.toString() })).body
}

const flows: Record<string, (op: Provider, client: TestClient, does: Does) => Promise<Json>> = {
  async authorization_code(op, client, does) {
    const pkce = does.get('PKCE') === 'S256'
    const resource = does.has('Resource') && { resource: does.get('Resource')! }
    const request = authorizationUrl(issuer, client, {
      scope: does.get('Scope'),
      ...resource,
      ...(does.get('Nonce') !== 'yes' && { nonce: undefined }),
      ...(!pkce && { code_challenge: undefined, code_challenge_method: undefined }),
    })
    const { code_verifier, params } = request
    let { url } = request
    if (does.get('Pushes the request') === 'yes') {
      const pushed = Object.fromEntries(new URL(url).searchParams)
      const { request_uri } = await posted(op, '/par', client, does, pushed)
      url = `${issuer}/authorize?client_id=${client.client_id}&request_uri=${encodeURIComponent(String(request_uri))}`
    }
    const back = await person(issuer, op.fetch).goThrough(url, carol)
    expect(back.href).toStartWith(client.redirect_uri)
    const code = back.searchParams.get('code')
    if (code === null) throw new Error(`no code: ${back.href}`)
    const body = await posted(op, '/token', client, does, {
      grant_type: 'authorization_code',
      code,
      redirect_uri: client.redirect_uri,
      ...resource,
      ...(pkce && { code_verifier }),
    })
    if (params.nonce !== undefined) expect(claimsOf(body.id_token).nonce).toBe(params.nonce)
    return body
  },
  client_credentials: (op, client, does) =>
    posted(op, '/token', client, does, {
      grant_type: 'client_credentials',
      scope: does.get('Scope') ?? '',
      resource: does.get('Resource')!,
    }),
}

test('there is a page for each of at least twenty clients, and the index lists them all', () => {
  const index = document(`${folder}/README.md`)
  for (const name of names) expect(index).toContain(`(${name}.md)`)
  expect(names.length).toBeGreaterThanOrEqual(20)
})

/** A store with the account of the End-User, to copy. Each command is a process, and so takes time. */
const work = mkdtempSync(join(tmpdir(), 'latchkey-clients-'))
const start = join(work, 'start')
beforeAll(async () => {
  mkdirSync(start)
  const account = `printf '%s\\n' '${carol.password}' | latchkey user add carol --email carol@example.com --name 'Carol Jones' --claim email_verified=true --role editor --password-stdin`
  await run([account], start, environmentOf({ blocks: [], does: new Map() }, start))
})
afterAll(() => rmSync(work, { recursive: true, force: true }))

describe.each(names)('%s', (name) => {
  const page = pageOf(name)
  const { blocks, does } = page
  let client: Json
  let op: Provider

  beforeAll(async () => {
    const at = join(work, name)
    cpSync(start, at, { recursive: true })
    const env = environmentOf(page, at)
    const added = await run(
      blocks.filter(isCommand).map(({ text }) => text),
      at,
      env,
    )
    const clock = turnableClock()
    op = await provider({ env, clock, store: sqliteStore(join(at, 'latchkey.db'), clock) })
    client = added ?? (await register(op, blocks.find(isRegistration)!.text))
  })
  afterAll(() => op.context.store.close())

  test('the rows are known, and what is typed into the client is ours', async () => {
    expect([...does.keys()].filter((row) => !rows.includes(row))).toEqual([])
    const text = blocks
      .filter((block) => !isSetting(block) && !isCommand(block) && !isRegistration(block))
      .map((block) => block.text)
      .join('\n')
    for (const [, host] of text.matchAll(/https?:\/\/([^/:\s"'<>]+)/g))
      expect(host).toMatch(/(^|\.)example\.com$|^localhost$|^127\.0\.0\.1$/)
    const metadata = (await sent(op, '/.well-known/openid-configuration', {})).body
    const ours = [...Object.values(metadata), `${issuer}/.well-known/openid-configuration`, `${issuer}/`]
    const named = Array.from(text.matchAll(/https?:\/\/login\.[^\s"'<>,)\]]+/g), ([url]) => url)
    expect(text).toContain(new URL(issuer).host)
    expect(named.filter((url) => !ours.includes(url))).toEqual([])
    if (does.get('Flow') === 'authorization_code' && !blocks.some(isRegistration))
      expect(text).toContain(String(client.client_id))
  })

  test('what this client does succeeds, and what it reads is where it reads it', async () => {
    const redirect_uri = does.get('Redirect URI') ?? ''
    const isLoopback = /^http:\/\/(localhost|127\.0\.0\.1)[:/]/.test(redirect_uri)
    if (redirect_uri !== '' && !isLoopback) expect(client.redirect_uris).toContain(redirect_uri)
    if (does.has('Redirect URI after sign-out'))
      expect(client.post_logout_redirect_uris).toContain(does.get('Redirect URI after sign-out')!)
    const known: TestClient = {
      client_id: String(client.client_id),
      redirect_uri,
      ...(client.client_secret !== undefined && { client_secret: String(client.client_secret) }),
    }
    const body = await flows[does.get('Flow')!]!(op, known, does)

    const reads = (row: string, from: object) => {
      for (const claim of words(does.get(row))) expect(from).toHaveProperty(claim)
    }
    if (does.has('ID Token is signed with')) {
      expect(headerOf(body.id_token).alg).toBe(does.get('ID Token is signed with'))
      reads('Reads from the ID Token', claimsOf(body.id_token))
    }
    if (does.has('Reads from userinfo')) {
      const authorization = `Bearer ${String(body.access_token)}`
      reads('Reads from userinfo', (await sent(op, '/userinfo', { headers: { authorization } })).body)
    }
    if (does.has('Accepts the type')) {
      const { payload } = await jwtVerify(
        String(body.access_token),
        createLocalJWKSet((await sent(op, '/jwks.json', {})).body as unknown as JSONWebKeySet),
        {
          issuer,
          typ: does.get('Accepts the type')!,
          algorithms: words(does.get('Access token is signed with')),
          audience: does.get('Accepts the audience')!,
          currentDate: new Date(op.clock.now()),
        },
      )
      reads('Reads from the access token', payload)
    }
    if (does.get('Refreshes') === 'yes') {
      const refresh_token = String(body.refresh_token)
      const again = await posted(op, '/token', known, does, { grant_type: 'refresh_token', refresh_token })
      expect(again).toHaveProperty('access_token')
    }
  })
})
