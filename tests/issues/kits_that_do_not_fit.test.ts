/** Issue 11 §7: a kit that does not fit a client is refused, and the command that the refusal ends with mends it. */
import { existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, setDefaultTimeout, test } from 'bun:test'
import { parseArgs } from 'node:util'
import { clientOptions, givenMembers } from '../../src/cli/client_options.ts'
import { addClient, changeClient, withDefaults } from '../../src/endpoints/operator_clients.ts'
import { metadata } from '../../src/endpoints/discovery.ts'
import type { Kit } from '../../src/kits/kit.ts'
import { kits, makeKit } from '../../src/kits/kits.ts'
import { kitProvider } from '../../src/kits/provider.ts'
import { systemRandom } from '../../src/lib/random.ts'
import type { Client } from '../../src/models/client.ts'
import { commandLine } from '../support/command.ts'
import { provider } from '../support/provider.ts'

setDefaultTimeout(60_000)

const line = commandLine({ STORE_URL: 'sqlite:latchkey.db' })
afterAll(line.remove)

/** The arguments of a command as a shell reads them. */
function wordsOf(command: string): string[] {
  const { stdout } = Bun.spawnSync(['sh', '-c', `latchkey() { printf '%s\\0' "$@"; }; ${command}`])
  return stdout.toString().split('\0').slice(0, -1)
}

interface Added {
  client_id: string
}
const add = (...args: string[]) => line.json<Added>('client', 'add', ...args, '--json')
const kit = (id: string, kind: string, ...more: string[]) =>
  line.latchkey(['client', 'kit', id, '--for', kind, ...more, '--json'])

const name = `O'Brien & "Sons" $(touch pwned)`

test('by the command: a client that signs with keys gets one with a secret beside it', async () => {
  writeFileSync(join(line.folder, 'jwks.json'), JSON.stringify({ keys: [ec] }))
  const { client_id } = await add(name, '--jwks', 'jwks.json', '--redirect-uri', 'https://app.example/cb')
  const { code, stdout, stderr } = await kit(client_id, 'curl')
  expect([code, stdout]).toEqual([1, ''])
  const command = stderr.trimEnd().split('\n').at(-1)!
  const made = await line.json<Added>(...wordsOf(command), '--json')
  expect((await kit(made.client_id, 'curl')).code).toBe(0)
  expect(existsSync(join(line.folder, 'pwned'))).toBe(false)
})

test('in a realm, the command is one for this realm', async () => {
  await line.json('realm', 'add', 'team', '--json')
  const { client_id } = await add('Shop', '--redirect-uri', 'https://shop.example/cb', '--realm', 'team')
  const { stderr } = await kit(client_id, 'react', '--realm', 'team')
  const command = stderr.trimEnd().split('\n').at(-1)!
  expect(command).toStartWith('latchkey --realm team client add Shop --public')
  const made = await line.json<Added>(...wordsOf(command), '--json')
  expect((await kit(made.client_id, 'react', '--realm', 'team')).code).toBe(0)
})

const op = await provider()
const offered = kitProvider(op.context, metadata(op.context))

/** What `client add` and `client set` do with their arguments. */
async function carryOut(words: readonly string[]): Promise<Client> {
  const [, verb, ...rest] = words
  const { values, positionals } = parseArgs({ args: rest, options: clientOptions, allowPositionals: true })
  expect(positionals).toHaveLength(1)
  const { metadata, privileges } = await givenMembers(values as never)
  if (verb === 'add') {
    const asked = withDefaults(positionals[0]!, metadata)
    return (await addClient(op.context, 'operator', { metadata: asked, privileges })).client
  }
  expect(verb).toBe('set')
  const change = { given: metadata, privileges, removed: [] }
  return (await changeClient(op.context, 'operator', positionals[0]!, change)).after
}

/** Runs the commands of refusals until the kit fits. Resolves to the problems. */
async function mend(kind: Kit, first: Client): Promise<string[]> {
  const problems: string[] = []
  for (let client = first; problems.length < 3;) {
    const made = makeKit(kind, { client, provider: offered, random: systemRandom })
    if ('files' in made) return problems
    problems.push(made.misfit.problem)
    client = await carryOut(wordsOf(made.misfit.command!))
  }
  throw new Error(`${kind.kind} is not mended:\n${problems.join('\n')}`)
}

const newClient = (metadata: Record<string, unknown>): Promise<Client> =>
  addClient(op.context, 'operator', { metadata: withDefaults(name, metadata), privileges: {} }).then(
    ({ client }) => client,
  )

test.each(kits)('$kind: a service, a public client, and one with keys', async (kind) => {
  const keys = { jwks: { keys: [ec] }, token_endpoint_auth_method: 'private_key_jwt' }
  const redirect_uris = ['https://app.example/cb?x=1']
  const clients = {
    service: await newClient({ grant_types: ['client_credentials'] }),
    page: await newClient({ token_endpoint_auth_method: 'none', scope: 'email', redirect_uris }),
    keys: await newClient({ ...keys, redirect_uris }),
  }
  const problems = await Promise.all(Object.values(clients).map((client) => mend(kind, client)))
  expect(problems[2]!.length).toBeGreaterThan(0)
  // A client with everything that the first refusal asked for is refused for nothing else.
  for (const each of problems) expect([each, each.length <= 1]).toEqual([each, true])
})
const ec = {
  kty: 'EC',
  crv: 'P-256',
  x: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU',
  y: 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0',
}

test('a client_id that begins with a dash is no option of the command', async () => {
  const { client_id } = await add(name, '--client-id=--public', '--grant-type', 'client_credentials')
  const { code, stdout } = await line.latchkey(['client', 'kit', '--for', 'env', '--json', '--', client_id])
  expect([code, JSON.parse(stdout)]).toEqual([0, expect.objectContaining({ client_id: '--public' })])
})

test('nothing that is there is replaced, and no link leads out of the folder', async () => {
  const { client_id } = await add('App', '--redirect-uri', 'http://localhost:3000/callback')
  const at = (...path: string[]) => join(line.folder, ...path)
  mkdirSync(at('kit'))
  writeFileSync(at('kit', '.env'), 'MINE=1')
  const refused = await kit(client_id, 'env', '--to', 'kit')
  expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('is there already')])
  expect(readFileSync(at('kit', '.env'), 'utf8')).toBe('MINE=1')

  mkdirSync(at('elsewhere'))
  mkdirSync(at('linked'))
  symlinkSync(at('elsewhere'), at('linked', 'environments'))
  expect((await kit(client_id, 'bruno', '--to', 'linked')).code).toBe(1)
  symlinkSync(at('elsewhere', 'stolen'), at('linked', '.env'))
  expect((await kit(client_id, 'env', '--to', 'linked')).code).toBe(1)
  expect(existsSync(at('elsewhere', 'stolen'))).toBe(false)
})

test('the secret is that of the client, and others do not read it', async () => {
  const { client_id, client_secret } = await line.json<{ client_id: string; client_secret: string }>(
    ...['client', 'add', 'App', '--redirect-uri', 'http://localhost:3000/callback', '--json'],
  )
  const wrong = await line.latchkey(
    ['client', 'kit', client_id, '--for', 'env', '--secret-stdin'],
    'another-secret-altogether',
  )
  expect([wrong.code, wrong.stderr]).toEqual([1, expect.stringContaining('is not that of')])
  expect(wrong.stderr).not.toContain('another-secret')
  for (const kind of ['curl', 'env']) {
    const args = [
      'client',
      'kit',
      client_id,
      '--for',
      kind,
      '--secret-stdin',
      '--to',
      `secret-${kind}`,
      '--json',
    ]
    const { stdout } = await line.latchkey(args, client_secret)
    expect(stdout).not.toContain(client_secret)
    for (const { path } of (JSON.parse(stdout) as { files: { path: string }[] }).files) {
      const file = join(line.folder, `secret-${kind}`, path)
      if (!readFileSync(file, 'utf8').includes(client_secret)) continue
      expect([path, (statSync(file).mode & 0o077).toString(8)]).toEqual([path, '0'])
    }
  }
  const { stdout } = await kit(client_id, 'env')
  expect(stdout).not.toContain(client_secret)
})

test('an unknown kind, and an issuer that is no address', async () => {
  const { client_id } = await add('App', '--redirect-uri', 'http://localhost:3000/callback')
  const unknown = await line.latchkey(['client', 'kit', client_id, '--for', 'postmann'])
  expect([unknown.code, unknown.stderr]).toEqual([2, expect.stringContaining('expected postman')])
  expect((await line.latchkey(['client', 'kit', client_id])).stderr).toContain('one of curl')
  const issuer = await line.latchkey([
    'client',
    'kit',
    client_id,
    '--for',
    'env',
    '--issuer',
    'login.example',
  ])
  expect([issuer.code, issuer.stderr]).toEqual([2, expect.stringContaining('--issuer')])
  const other = await line.json<{ files: { text: string }[] }>(
    ...['client', 'kit', client_id, '--for', 'curl', '--issuer', 'https://id.example/op/', '--json'],
  )
  expect(other.files[0]!.text).toContain("'https://id.example/op/token'")
  expect(other.files[0]!.text).not.toContain('localhost:5000')
  expect((await kit('none-such', 'env')).stderr).toContain('there is no client')
})
