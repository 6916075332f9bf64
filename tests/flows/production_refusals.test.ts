/** In production little is said aloud: what was kept back is in the log, under the number that the page gives people. */
import { expect, test } from 'bun:test'
import { authorizationUrl } from '../support/client.ts'
import { demo } from '../support/flow.ts'
import { provider } from '../support/provider.ts'

const env = {
  NODE_ENV: 'production',
  ISSUER_URL: 'https://id.example.com',
  SECRET_KEY: 'of this test alone: 0123456789abcdef',
  STORE_URL: 'sqlite:./not-opened.db',
  LOG_LEVEL: 'info',
}
const op = await provider({ env })

interface Line {
  event: string
  request_id?: string
  path?: string
  code?: string
  problem?: string
}

/** The one line about a request. */
function lineOf(id: string): Line {
  const found = op.lines.map((line) => JSON.parse(line) as Line).filter((line) => line.request_id === id)
  expect(found).toHaveLength(1)
  return found[0]!
}

test('the number on a page finds in the log what was wrong', async () => {
  const answer = await op.fetch(authorizationUrl(op.issuer, demo, { client_id: 'nobody' }).url, {
    headers: { accept: 'text/html' },
  })
  expect(answer.status).toBe(400)
  const id = answer.headers.get('x-request-id')!
  const html = await answer.text()
  expect(html).toContain(id)
  const { problem, ...line } = lineOf(id)
  expect(line).toMatchObject({ event: 'refused', path: '/authorize', code: 'invalid_client' })
  expect(problem).toContain('nobody')
})

test('so does that of an answer in JSON whose words are terse', async () => {
  const answer = await op.fetch('/token', { method: 'POST', body: new URLSearchParams({ code: 'x' }) })
  const { error, error_description } = (await answer.json()) as { error: string; error_description: string }
  const { code, problem } = lineOf(answer.headers.get('x-request-id')!)
  expect(code).toBe(error)
  expect(problem).not.toBe(error_description)
})

test('the start page names no client that there is not', async () => {
  const html = await (await op.fetch('/')).text()
  expect(html).not.toContain('client123')
})
