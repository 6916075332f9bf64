/** Files of the administration API: the audit trail, the auditor's report, usage. docs/audit.md */
import { expect, test } from 'bun:test'
import { exportNames } from '../../../src/models/audit/exports.ts'
import { verifyTrail } from '../../../src/models/audit/verify.ts'
import { writeUsage } from '../../../src/people/usage.ts'
import {
  admin,
  administrator,
  consoleClient,
  serviceClient,
  serviceToken,
  tokenOf,
} from '../../support/administration.ts'
import { auditKey } from '../../support/audit_trail.ts'
import { bearer } from '../../support/flow.ts'
import { provider } from '../../support/provider.ts'

const op = await provider({ env: { AUDIT_SIGNING_KEY: auditKey } })
const client = await consoleClient(op)
const auditor = await administrator(op, 'auditor')
const token = await tokenOf(op, client, auditor)
const service = await serviceClient(op)
const audit = op.context.audit!

const file = (path: string, as = token, init: RequestInit = {}) =>
  op.fetch(`/admin/v1${path}`, { ...bearer(as), ...init })
const linesOf = async (answer: Response | Promise<Response>): Promise<string[]> =>
  (await (await answer).text()).trimEnd().split(/\r?\n/)

async function* each(lines: readonly string[]): AsyncGenerator<string> {
  yield* lines
}

test('jsonl is the whole trail, which verifies without the store, and has the entry of this very export', async () => {
  const answer = await file('/audit/export')
  expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'application/jsonl'])
  expect(answer.headers.get('content-disposition')).toMatch(/^attachment; filename="audit_[\d-]+\.jsonl"$/)
  expect(answer.headers.get('cache-control')).toBe('no-store')
  const lines = await linesOf(answer)
  const { findings, entries } = await verifyTrail(each(lines), { keys: audit.ring, issuer: op.issuer })
  expect([findings, entries > 3]).toEqual([[], true])
  const own = lines.filter((line) => line.includes('audit_exported'))
  expect(own.length).toBe(1)
  expect(own[0]).toContain(audit.pseudonym(auditor.account.sub))
})

test('csv, ocsf and ecs have the entries of a period', async () => {
  const [head, ...rows] = await linesOf(file('/audit/export?format=csv'))
  expect(head).toStartWith('time,chain,seq,kind')
  expect(rows.some((row) => row.includes('signed_in'))).toBeTrue()
  expect((await linesOf(file('/audit/export?format=csv&to=2020-01-01T00:00:00Z'))).length).toBe(1)
  for (const format of ['ocsf', 'ecs']) {
    const found = await linesOf(file(`/audit/export?format=${format}`))
    expect(found.length).toBeGreaterThan(3)
    for (const line of found) expect(JSON.parse(line)).toBeObject()
  }
})

test('the API knows each format of the command', async () => {
  for (const format of exportNames) expect((await file(`/audit/export?format=${format}`)).status).toBe(200)
})

test('the report: a page that is downloaded, or one section as CSV', async () => {
  const answer = await file('/audit/report')
  expect(answer.headers.get('content-disposition')).toContain('audit_report_')
  const html = await answer.text()
  expect(html).toContain(`Audit report of ${op.issuer}`)
  expect(html).toContain('as it was written in this period')
  expect(html).toEndWith('</html>\n')
  const [head, ...rows] = await linesOf(file('/audit/report?section=administrators'))
  expect(head).toStartWith('Time (UTC),By,What')
  expect(rows.join('\n')).toContain('audit_reported')
})

test.each([
  ['/audit/export?format=xml', 'format'],
  ['/audit/export?format=jsonl&from=2020-01-01T00:00:00Z', 'a part of a chain cannot be verified'],
  ['/audit/export?format=csv&from=2020-01-02T00:00:00Z&to=2020-01-01T00:00:00Z', 'from before to'],
  ['/audit/export?format=csv&from=yesterday', 'from'],
  ['/audit/report?section=salaries', 'section: one of people'],
  ['/audit/report?dormant_days=0', 'dormant_days'],
  ['/audit/report?to=1990-01-01T00:00:00Z&from=1991-01-01T00:00:00Z', 'from before to'],
  ['/usage/export?by=minute', 'by'],
])('%s is refused with what was expected', async (path, words) => {
  const { status, body } = await admin(op, token, 'GET', path)
  expect([status, JSON.stringify(body).includes(words)], JSON.stringify(body)).toEqual([400, true])
})

test('usage as CSV has what the list has', async () => {
  await writeUsage(op.context)
  const answer = await file('/usage/export?by=day')
  expect(answer.headers.get('content-type')).toStartWith('text/csv')
  const [head, ...rows] = await linesOf(answer)
  expect(head).toBe('at,client_id,tokens,sign_ins,refusals,people,sessions')
  expect(rows.some((row) => row.includes(client.client_id))).toBeTrue()
})

test('the pages offer the downloads, which another role does not find', async () => {
  const { page } = await auditor.who.open(`${op.issuer}/admin/audit/export`)
  const links = [...page!.html.matchAll(/href="(\/admin\/audit\/export\/[^"]+)"/g)].map(([, path]) => path!)
  expect(links.length).toBe(5)
  const cookieOf = ({ who }: typeof auditor) => ({
    cookie: [...who.cookies].map(([name, value]) => `${name}=${value}`).join('; '),
  })
  const support = await administrator(op, 'support')
  for (const link of [...links, '/admin/usage?by=day']) {
    const answer = await op.fetch(link, { headers: cookieOf(auditor) })
    expect([link, answer.status]).toEqual([link, 200])
    expect(answer.headers.get('content-disposition')).toStartWith('attachment')
    expect((await answer.text()).length).toBeGreaterThan(50)
    if (link.includes('audit'))
      expect([link, (await op.fetch(link, { headers: cookieOf(support) })).status]).toEqual([link, 404])
  }
  expect((await op.fetch(links[0]!)).status).toBe(303)
})

test('HEAD reads nothing and notes nothing', async () => {
  const fresh = await tokenOf(op, client, auditor)
  await audit.flush()
  const count = async () =>
    ((await admin(op, fresh, 'GET', '/audit/entries?kind=changed_by_administrator')).body.items as object[])
      .length
  const before = await count()
  const answer = await file('/audit/export', fresh, { method: 'HEAD' })
  expect([answer.status, await answer.text()]).toEqual([200, ''])
  expect(await count()).toBe(before)
})

test('a caller has ten files open at most, and a place is free when the reader goes away', async () => {
  const own = await serviceToken(op, service)
  const open = await Promise.all(Array.from({ length: 10 }, () => file('/audit/export', own)))
  expect(open.map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 200))
  expect((await file('/audit/export', own)).status).toBe(429)
  await open[0]!.body!.cancel()
  const again = await file('/audit/export', own)
  expect(again.status).toBe(200)
  for (const each of [...open.slice(1), again]) await each.body!.cancel()
})

test('without a trail there is nothing to export', async () => {
  const plain = await provider()
  const answer = await admin(
    plain,
    await tokenOf(plain, await consoleClient(plain), await administrator(plain, 'auditor')),
    'GET',
    '/audit/export',
  )
  expect([answer.status, JSON.stringify(answer.body).includes('AUDIT_SIGNING_KEY')]).toEqual([404, true])
})

test('a bulk call names no file', async () => {
  const own = await serviceToken(op, service)
  const requests = [{ method: 'GET', path: '/audit/export' }]
  const { body } = await admin(op, own, 'POST', '/bulk', { body: { requests } })
  expect((body.results as { status: number }[])[0]!.status).toBe(404)
})

test('a person signs in anew for an export, as for a change', async () => {
  const { clock } = op
  clock.advance(16 * 60_000)
  const { status, body } = await admin(op, token, 'GET', '/audit/export')
  expect([status, body.code]).toEqual([401, 'insufficient_user_authentication'])
  expect((await admin(op, token, 'GET', '/audit/entries')).status).toBe(200)
})
