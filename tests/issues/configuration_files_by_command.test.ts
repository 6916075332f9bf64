/** Issue 10, section 5: plan, apply, rollback and drift as an operator and a pipeline use them. */
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'bun:test'
import { commandLine } from '../support/command.ts'

const secret = 'c2VjcmV0LW9mLXRoZS1zaG9wLWZvci10aGlzLXRlc3Q'
const line = commandLine({
  STORE_URL: 'sqlite:latchkey.db',
  STORE_TIMEOUT_MS: '30000',
  AUDIT_SIGNING_KEY: 'a-key-for-the-audit-trail-of-this-test',
  AUDIT_CHAIN: 'test',
  SHOP_SECRET: secret,
})
afterAll(line.remove)

type Json = Record<string, unknown>
const write = (name: string, ...clients: object[]) =>
  writeFileSync(join(line.folder, name), JSON.stringify({ latchkey: 1, clients }))
const shop = {
  client_id: 'shop',
  client_name: 'Shop',
  redirect_uris: ['https://shop.example/cb'],
  client_secret: 'env:SHOP_SECRET',
}
const job = { client_id: 'job', grant_types: ['client_credentials'], scope: '' }
const run = async (...args: string[]) => {
  const { code, stdout, stderr } = await line.latchkey(args)
  for (const text of [stdout, stderr]) {
    expect(text).not.toContain(secret)
    expect(text).not.toContain('\u001b') // no terminal, no colours
  }
  return { code, stdout, stderr }
}
const json = async (...args: string[]) => JSON.parse((await run(...args, '--json')).stdout) as Json

test('a life of a file', async () => {
  write('latchkey.yaml', shop, job)
  const planned = await run('plan')
  expect([planned.code, planned.stderr]).toEqual([2, ''])
  expect(planned.stdout).toContain('2 to create, 0 to change, 0 to remove')

  const unconfirmed = await run('apply')
  expect(unconfirmed.code).toBe(1)
  expect(unconfirmed.stderr).toContain('add --yes')
  expect((await run('plan')).code).toBe(2)

  expect((await run('apply', '--yes', '--generated-to', 'made.json')).code).toBe(0)
  const made = JSON.parse(readFileSync(join(line.folder, 'made.json'), 'utf8')) as Json
  expect(Object.keys(made)).toEqual(['job'])
  expect(statSync(join(line.folder, 'made.json')).mode & 0o777).toBe(0o600)
  expect((await run('plan')).code).toBe(0)

  write('latchkey.yaml', { ...shop, scope: 'openid', redirect_uris: ['https://shop.example/new'] })
  const facts = await json('plan')
  expect(facts).toMatchObject({ version: 1, created: 0, changed: 1, removed: 1 })
  const breaks = (facts.changes as { breaks: { name: string }[] }[]).map((each) =>
    each.breaks.map(({ name }) => name),
  )
  expect(breaks).toEqual([['scopes_removed', 'redirect_uris_removed'], ['removed']])
  expect((await run('apply', '--yes')).code).toBe(0)

  const locked = await run('client', 'set', 'shop', '--name', 'Other')
  expect(locked.code).toBe(1)
  expect(locked.stderr).toContain('latchkey apply --release shop')

  await run(
    'client',
    'add',
    'Beside',
    '--client-id',
    'beside',
    '--public',
    '--redirect-uri',
    'https://b.example/cb',
  )
  expect(await json('drift')).toMatchObject({ managed: 1, drifted: [], others: [{ client_id: 'beside' }] })

  const back = await run('rollback', '1', '--yes')
  expect([back.code, back.stdout.includes('version 3 is in force')]).toEqual([0, true])
  expect(await json('rollback', '--list')).toMatchObject([
    { version: 3, what: 'rollback to 1', present: true },
    { version: 2, what: 'apply', created: 0, changed: 1, removed: 1 },
    { version: 1, what: 'apply', created: 2 },
  ])
  expect(await json('client', 'show', 'shop')).toMatchObject({
    redirect_uris: ['https://shop.example/cb'],
    managed_by: { file: 'latchkey.yaml', version: 3 },
  })
}, 240_000)

test('each change and each apply is an entry of the audit trail', async () => {
  await json('audit', 'export', 'trail.jsonl')
  const text = readFileSync(join(line.folder, 'trail.jsonl'), 'utf8')
  expect(text).not.toContain(secret)
  const entries = text
    .split('\n')
    .filter((each) => each.includes('_applied"'))
    .map((each) => JSON.parse(each) as { kind: string; client_id?: string; details: Json })
  expect(entries.map(({ client_id, details }) => [client_id, details.change, details.version])).toEqual([
    ['shop', 'create', 1],
    ['job', 'create', 1],
    [undefined, 'apply', 1],
    ['shop', 'put', 2],
    ['job', 'remove', 2],
    [undefined, 'apply', 2],
    ['shop', 'put', 3],
    ['job', 'create', 3],
    [undefined, 'rollback', 3],
  ])
  expect(entries[3]!.details).toMatchObject({
    changed: ['redirect_uris', 'scope'],
    before: ['redirect_uris: ["https://shop.example/cb"]', 'scope: openid profile email offline_access'],
    after: ['redirect_uris: ["https://shop.example/new"]', 'scope: openid'],
  })
}, 120_000)

test('faults name file, line, column, member and the next step; the exit code is 1', async () => {
  writeFileSync(
    join(line.folder, 'bad.yaml'),
    [
      'latchkey: 1',
      'clients:',
      '  - client_id: shop',
      '    redirect_urls: [https://shop.example/cb]',
      '  - client_id: 12',
      '  - client_id: shop',
      '  - client_id: other',
      '    first_party: 3',
      '    client_name: [a]',
    ].join('\n'),
  )
  const { code, stderr } = await run('plan', '-f', 'bad.yaml')
  expect(code).toBe(1)
  const lines = stderr.split('\n')
  expect(lines[0]).toBe('latchkey: bad.yaml has 3 faults; nothing was changed')
  expect(lines[1]).toBe(
    'bad.yaml:4:5: clients[0].redirect_urls: there is no such member; the nearest is redirect_uris',
  )
  expect(lines[2]).toContain('bad.yaml:5:16: clients[1].client_id: expected 1 to 200 ASCII characters')
  expect(lines[3]).toContain('bad.yaml:6:5: clients[2].client_id: came twice: line 3 has it too')

  writeFileSync(
    join(line.folder, 'bad.yaml'),
    [
      'latchkey: 1',
      'clients:',
      '  - client_id: other',
      '    first_party: 3',
      '  - client_id: x',
      '    grant_types: [magic]',
    ].join('\n'),
  )
  const values = await run('plan', '-f', 'bad.yaml')
  expect(values.stderr.split('\n').slice(1, 3)).toEqual([
    'bad.yaml:4:18: other.first_party: expected true or false',
    expect.stringMatching(/^bad\.yaml:6:18: x\.grant_types: grant_types: 'magic' is not offered/),
  ])
  for (const args of [['-f', 'none.yaml'], ['--wat'], ['too', 'many'], ['-f', '.']])
    expect([args, (await run('plan', ...args)).code]).toEqual([args, 1])
  const faulty = await line.latchkey(['plan', '-x'])
  expect([faulty.code, faulty.stderr.split('\n')[0]]).toEqual([1, 'latchkey: -x is no option'])
}, 240_000)
