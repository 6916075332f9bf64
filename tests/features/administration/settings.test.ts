/** The administration API tells settings without secrets, changes the levels of the log, and runs jobs. docs/administration.md */
import { expect, test } from 'bun:test'
import { effectiveSettings } from '../../../src/cli/effective_settings.ts'
import { originsOnly, withoutUserInfo } from '../../../src/config/effective_setting.ts'
import type { Entry } from '../../../src/config/entry.ts'
import { entries } from '../../../src/config/variables.ts'
import { featureEntries } from '../../../src/table.ts'
import { admin, administrator, consoleClient, tokenOf } from '../../support/administration.ts'
import { expectLinear } from '../../support/linear.ts'
import { provider } from '../../support/provider.ts'

const canary = 'canary-of-a-secret'
const op = await provider({
  env: {
    AUDIT_SIGNING_KEY: `${canary}_`.repeat(3),
    SMTP_URL: `smtp://mailer:${canary}@127.0.0.1:9`,
    MAIL_FROM: 'op@op.example',
    SCOPES: 'wiki',
    SECRET_KEY: `${canary}-of-at-least-32-characters`,
  },
})
const client = await consoleClient(op)
const operator = await tokenOf(op, client, await administrator(op, 'operator'))
const auditor = await tokenOf(op, client, await administrator(op, 'auditor'))
const support = await tokenOf(op, client, await administrator(op, 'support'))

interface Setting {
  name: string
  value: string | null
  from: string
  hidden: boolean
}
async function all(query = ''): Promise<Setting[]> {
  const found: Setting[] = []
  let cursor: string | null = ''
  while (cursor !== null) {
    const { status, body } = await admin(
      op,
      auditor,
      'GET',
      `/settings?limit=100${query}${cursor && `&cursor=${encodeURIComponent(cursor)}`}`,
    )
    expect(status).toBe(200)
    found.push(...(body.items as Setting[]))
    cursor = body.next as string | null
  }
  return found
}

test('every setting is told once, with its origin, and no secret', async () => {
  const found = await all()
  const names = [...entries, ...Object.values(featureEntries).flat()].map(({ name }) => name)
  expect(found.map(({ name }) => name).sort()).toEqual([...new Set(names)].sort())
  const of = (name: string) => found.find((each) => each.name === name)
  expect(of('SCOPES')).toMatchObject({ value: 'wiki', from: 'environment', hidden: false })
  expect(of('SECRET_KEY')).toMatchObject({ value: 'hidden', from: 'environment', hidden: true })
  expect(of('SMTP_URL')).toMatchObject({ hidden: true })
  expect(of('KEYS_PATH')).toMatchObject({ from: 'default' })
  expect(JSON.stringify(found)).not.toContain(canary)
})

test('settings are found by a part of their name, and without those that have their default', async () => {
  expect((await all('&q=ecret_key')).map(({ name }) => name)).toEqual(['SECRET_KEY'])
  const changed = await all('&changed=true')
  expect(changed.map(({ name }) => name)).toContain('SMTP_URL')
  expect(changed.some(({ from }) => from === 'default')).toBe(false)
})

test('no value of any secret is told, whatever it is, nor the place or the command that has it', () => {
  const every: readonly Entry[] = [...entries, ...Object.values(featureEntries).flat()]
  const secrets = every.filter(({ secret }) => secret).map(({ name }) => name)
  expect(secrets.length).toBeGreaterThan(10)
  for (const text of [canary, `exec:fetch --token ${canary}`, `vault:secret/${canary}#field`]) {
    const env = Object.fromEntries(secrets.map((name) => [name, text]))
    const shown = effectiveSettings(op.context.config, { env, written: env, fromDotenv: () => false })
    for (const { name, value, from, hidden } of shown.filter((each) => secrets.includes(each.name))) {
      expect([name, hidden]).toEqual([name, true])
      if (name !== 'STORE_URL') expect([name, value]).toEqual([name, 'hidden'])
      if (text !== canary) expect([name, from]).toEqual([name, text.split(':')[0]!])
    }
    expect(JSON.stringify(shown)).not.toContain(canary)
  }
})

test('credentials inside of URLs are left out of values that are no secret', () => {
  for (const [text, shown] of [
    ['https://id.example/path', 'https://id.example/path'],
    [`https://user:${canary}@id.example/x`, 'https://…@id.example/x'],
    [`https://user:p@${canary}@id.example`, 'https://…@id.example'],
    [`["https://a.example","redis://:${canary}@b.example"]`, '["https://a.example","redis://…@b.example"]'],
    [`https://a.example https://u:${canary}@b.example`, 'https://a.example https://…@b.example'],
    ['https://id.example/@name', 'https://id.example/@name'],
    ['op@op.example', 'op@op.example'],
  ] as const)
    expect(withoutUserInfo(text)).toBe(shown)
  expect(originsOnly(`https://sms.example/send?key=${canary}`)).toBe('https://sms.example/…')
  expect(originsOnly(canary)).toBe('…')
})

test.each(['://', '://a', '@', '://@', 'https://u:p', 'https'])(
  'hiding credentials takes time in proportion to the text: %s',
  (piece) =>
    expectLinear(
      (size) => piece.repeat(size),
      (text) => [withoutUserInfo(text), originsOnly(text)],
    ),
)

const lines = (event: string) => op.lines.filter((line) => line.includes(event)).length

test('levels of the log change at once, also for requests that only read, and are audited first', async () => {
  const before = (await admin(op, auditor, 'GET', '/log_levels')).body
  expect(before).toEqual({ level: 'debug', levels: {}, is_configured: true })
  const set = await admin(op, operator, 'PUT', '/log_levels', {
    body: { level: 'error', levels: { refused: 'info' } },
  })
  expect([set.status, set.body]).toEqual([
    200,
    { level: 'error', levels: { refused: 'info' }, is_configured: false },
  ])
  expect(
    op.lines.some((line) => line.includes('log_levels_set') && line.includes('error, refused=info')),
  ).toBe(true)
  const warned = lines('a_warning')
  op.context.log.warn('a_warning')
  expect(lines('a_warning')).toBe(warned)
  // Of a route that reads, whose context keeps no write.
  const refused = lines(' refused ')
  await admin(op, auditor, 'GET', '/settings?limit=0')
  expect(lines(' refused ')).toBe(refused + 1)
  const reset = await admin(op, operator, 'DELETE', '/log_levels')
  expect(reset.body).toEqual(before)
  op.context.log.warn('a_warning')
  expect(lines('a_warning')).toBe(warned + 1)
  const { body } = await admin(op, auditor, 'GET', '/audit/entries?kind=changed_by_administrator')
  expect((body.items as { details: { change: string } }[]).map(({ details }) => details.change)).toEqual([
    'log_levels_reset',
    'log_levels_set',
  ])
})

test('errors stay in the log, and names of events are few and plain', async () => {
  const many = Object.fromEntries(Array.from({ length: 51 }, (_, at) => [`event_${at}`, 'info']))
  for (const body of [
    { level: 'silent' },
    { level: 'info', levels: { mail: 'silent' } },
    { level: 'info', levels: { 'a b': 'info' } },
    { level: 'info', levels: many },
    { levels: {} },
  ])
    expect((await admin(op, operator, 'PUT', '/log_levels', { body })).status).toBe(400)
  for (const token of [auditor, support])
    expect((await admin(op, token, 'PUT', '/log_levels', { body: { level: 'info' } })).status).toBe(403)
})

test('jobs are told with their last run and failure, and run when they are asked for', async () => {
  const { server } = op.context
  server!.jobRuns.began('mail', op.clock.now())
  server!.jobRuns.ended('mail', op.clock.now(), 'the relay is down')
  const { items } = (await admin(op, auditor, 'GET', '/jobs')).body as { items: Record<string, unknown>[] }
  expect(items.find(({ name }) => name === 'mail')).toMatchObject({
    every: 2,
    runs: 1,
    is_running: false,
    last_problem: 'the relay is down',
  })
  expect(items.find(({ name }) => name === 'keys')).toMatchObject({ runs: 0, last_began_at: null })
  const woken: string[] = []
  const { soon } = op.context
  op.context.soon = (job) => void woken.push(job)
  expect((await admin(op, operator, 'POST', '/jobs/mail/run')).status).toBe(204)
  op.context.soon = soon
  expect(woken).toEqual(['mail'])
  expect((await admin(op, operator, 'POST', '/jobs/constructor/run')).status).toBe(404)
})

test('scopes are told with their claims and where they come from', async () => {
  const { items } = (await admin(op, auditor, 'GET', '/scopes?limit=200')).body as {
    items: Record<string, unknown>[]
  }
  expect(items.find(({ name }) => name === 'email')).toMatchObject({
    claims: ['email', 'email_verified'],
    from: 'standard',
    by_operator: false,
  })
  expect(items.find(({ name }) => name === 'admin:people.read')).toMatchObject({
    from: 'administration',
    by_operator: true,
  })
  expect(items.map(({ name }) => name).sort()).toEqual([...op.context.scopes].sort())
})
