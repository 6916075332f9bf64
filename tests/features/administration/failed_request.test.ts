/** /admin/failed_request: an administrator finds by the request id why a request failed, in production and from any network. */
import { expect, test } from 'bun:test'
import { auditKey } from '../../support/audit_trail.ts'
import { administrator } from '../../support/administration.ts'
import { pageOf } from '../../support/authenticator.ts'
import { demo, formPost } from '../../support/client.ts'
import { provider, type Provider } from '../../support/provider.ts'

const path = '/admin/failed_request'

async function failed(op: Provider): Promise<string> {
  const answer = await op.fetch('/token', formPost(demo, { grant_type: 'authorization_code', code: 'lkc_x' }))
  expect(answer.status).toBe(400)
  return answer.headers.get('x-request-id')!
}

const wordsOf = async (op: Provider, role: 'auditor' | 'support', query: string) => {
  const { who } = await administrator(op, role)
  return pageOf(await who.open(`${path}${query}`))
}

test('with the lab it has the causes, whatever the networks of the lab are', async () => {
  const op = await provider({ env: { LAB: 'true', LAB_NETWORKS: '10.9.0.0/16' } })
  const id = await failed(op)
  expect((await op.fetch(`/lab/error?id=${id}`)).status).toBe(404)
  const { status, html } = await wordsOf(op, 'auditor', `?id=${id}`)
  expect([status, html]).toEqual([200, expect.stringContaining('data-cause="not_a_code"')])
  expect(html).not.toContain('href="/lab/')
})

test('without the lab it has the entry of the audit trail, with the rule as a link', async () => {
  const op = await provider({ env: { AUDIT_SIGNING_KEY: auditKey } })
  const id = await failed(op)
  await op.context.audit!.flush()
  const { html } = await wordsOf(op, 'auditor', `?id=${id}`)
  expect(html).toContain('invalid_grant')
  expect(html).toContain('https://www.rfc-editor.org/rfc/rfc6749#section-')
  expect(html).not.toContain('data-cause')
})

test('for an unknown request, and without lab and trail, it says where to look', async () => {
  const op = await provider()
  const id = await failed(op)
  const { html } = await wordsOf(op, 'auditor', `?id=${id}`)
  expect(html).toContain('Look for its ID in the log')
})

test('a text that is no request id is shown as text', async () => {
  const op = await provider({ env: { LAB: 'true', AUDIT_SIGNING_KEY: auditKey } })
  const { status, html } = await wordsOf(
    op,
    'auditor',
    `?id=${encodeURIComponent('"><script>alert(1)</script>')}`,
  )
  expect([status, html.includes('<script>alert')]).toEqual([200, false])
})

test('it does not exist for a role that does not read the trail, nor for others', async () => {
  const op = await provider({ env: { LAB: 'true' } })
  const id = await failed(op)
  const { status, html } = await wordsOf(op, 'support', `?id=${id}`)
  expect([status, html.includes('data-cause')]).toEqual([404, false])
  expect((await op.fetch(`${path}?id=${id}`, { headers: { accept: 'text/html' } })).status).not.toBe(200)
})
