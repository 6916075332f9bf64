/** The audit trail by the administration API: look-ups with filters and pages, the newest checkpoint, a verification. docs/audit.md */
import { expect, test } from 'bun:test'
import { judgeSink } from '../../../src/models/audit/alerts/judge.ts'
import type { Rule } from '../../../src/models/audit/alerts/rule.ts'
import { runStream } from '../../../src/models/audit/stream/stream.ts'
import { batchKey } from '../../../src/models/audit/stored.ts'
import { auditKey } from '../../support/audit_trail.ts'
import {
  admin,
  administrator,
  consoleClient,
  serviceClient,
  serviceToken,
  tokenOf,
} from '../../support/administration.ts'
import { provider } from '../../support/provider.ts'

const op = await provider({ env: { AUDIT_SIGNING_KEY: auditKey } })
const client = await consoleClient(op)
const auditor = await administrator(op, 'auditor')
const token = await tokenOf(op, client, auditor)
await op.context.audit!.flush()
const get = (path: string, with_ = token) => admin(op, with_, 'GET', path)

interface Item {
  chain: string
  seq: number
  kind: string
  subject?: string
}
const itemsOf = ({ body }: Awaited<ReturnType<typeof get>>) => body.items as Item[]

test('entries, newest first, in pages that have each once', async () => {
  const all = itemsOf(await get('/audit/entries?limit=200'))
  expect(all.map(({ kind }) => kind)).toEqual(
    expect.arrayContaining(['signed_in', 'totp_added', 'tokens_issued']),
  )
  const seen: string[] = []
  for (let cursor: unknown = ''; cursor !== null;) {
    const page = await get(`/audit/entries?limit=2${cursor === '' ? '' : `&cursor=${String(cursor)}`}`)
    expect(page.status).toBe(200)
    seen.push(...itemsOf(page).map(({ chain, seq }) => `${chain} ${seq}`))
    cursor = page.body.next
  }
  expect(seen).toEqual(all.map(({ chain, seq }) => `${chain} ${seq}`))
})

test('filters: kinds, an account by its sub, a time', async () => {
  const kinds = itemsOf(await get('/audit/entries?kind=signed_in,totp_added')).map(({ kind }) => kind)
  expect(new Set(kinds)).toEqual(new Set(['signed_in', 'totp_added']))
  const own = itemsOf(await get(`/audit/entries?sub=${auditor.account.sub}`))
  expect(own.length).toBeGreaterThan(1)
  expect(new Set(own.map(({ subject }) => subject))).toEqual(
    new Set([op.context.audit!.pseudonym(auditor.account.sub)]),
  )
  expect(itemsOf(await get('/audit/entries?sub=nobody'))).toEqual([])
  expect(itemsOf(await get('/audit/entries?to=2000-01-01T00:00:00Z'))).toEqual([])
  expect((await get('/audit/entries?from=yesterday')).status).toBe(400)
  expect((await get('/audit/entries?outcome=unknown')).status).toBe(400)
})

test('alerts that are raised', async () => {
  expect((await get('/audit/alerts')).body).toEqual({ items: [] })
  const { context } = op
  const rules = (context.config.features.audit!.auditAlerts as Rule[]).filter(({ name }) => name === 'replay')
  const parts = { ...context, audit: context.audit! }
  await runStream(parts, judgeSink(parts, rules))
  await context.audit!.keep({
    kind: 'refresh_token_reused',
    outcome: 'refused',
    actor: 'client',
    client_id: 'app',
  })
  await runStream(parts, judgeSink(parts, rules))
  expect((await get('/audit/alerts')).body.items).toEqual([
    expect.objectContaining({ rule: 'replay', level: 'critical', of: 'app', count: 1 }),
  ])
})

test('a verification says that all is well, and names an entry that was edited', async () => {
  await op.context.audit!.checkpoints.extend(op.context.audit, { all: true })
  const good = await get('/audit/verification')
  expect(good.body).toMatchObject({ ok: true, findings: [], uncovered: 0 })
  const { body } = await get('/audit/checkpoints')
  expect(body.newest).toMatchObject({ number: 1, digest: expect.stringMatching(/^[\w-]{43}$/) })
  const batch = (await op.context.store.get(batchKey('test', 1)))!
  await op.context.store.put(batchKey('test', 1), batch.replace('"actor":"person"', '"actor":"client"'))
  const bad = await get('/audit/verification')
  expect(bad.body.ok).toBe(false)
  expect((bad.body.findings as { text: string }[])[0]!.text).toContain('was edited')
  await op.context.store.put(batchKey('test', 1), batch)
})

test('a role or a service without admin:audit.read is told nothing', async () => {
  const support = await tokenOf(op, client, await administrator(op, 'support'))
  const service = await serviceToken(op, await serviceClient(op, ['admin:people.read']))
  for (const path of ['/audit/alerts', '/audit/entries', '/audit/checkpoints', '/audit/verification'])
    for (const each of [support, service]) expect((await get(path, each)).status, path).toBe(403)
})

test('without a trail the answer says what to set', async () => {
  const off = await provider()
  const other = await tokenOf(off, await consoleClient(off), await administrator(off, 'auditor'))
  const { status, body } = await admin(off, other, 'GET', '/audit/entries')
  expect(status).toBe(404)
  expect(JSON.stringify(body)).toContain('AUDIT_SIGNING_KEY')
})
