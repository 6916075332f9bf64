/** Advice that was wrong or of no use: what a page of a failed request says must help this client, at this provider. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import type { ServedProvider } from '../browser/served.ts'
import { authorizationUrl, demo, formPost } from '../support/client.ts'
import { authorize, browser } from '../support/flow.ts'
import { createLabClock } from '../../src/lib/lab_clock.ts'
import { explain, misnamed, serveLab } from './explained.ts'

let op: ServedProvider
beforeAll(async () => {
  op = await serveLab()
})
afterAll(() => op.stop())

const token = (fields: Record<string, string>) => op.fetch('/token', formPost(demo, fields))

test.each(['opnid', 'openid', 'profil'])(
  'a service that asks for the scope %s is not told to send openid',
  async (scope) => {
    const page = await explain(op, await token({ grant_type: 'client_credentials', scope }))
    expect(page.causes[0]).toBe('scope_of_end_user')
    expect(page.lines.join('\n')).not.toMatch(/scope=\S*(?:openid|profile)/)
    expect(page.lines[0]).toStartWith('grant_type=client_credentials')
  },
)

test('a service that asks for an unknown scope is not told scopes of End-Users', async () => {
  const page = await explain(op, await token({ grant_type: 'client_credentials', scope: 'photos.read' }))
  expect(page.causes).toContain('scope_of_no_provider')
  expect(page.text).toContain('This client may have for itself: none.')
})

test('the password grant is not taken for a misspelled implicit', async () => {
  const page = await explain(op, await token({ grant_type: 'password', username: 'alice', password: 'x' }))
  expect(page.causes).toEqual(['grant_type_password'])
  expect(page.text).not.toContain('implicit')
  expect(page.lines).toContain('response_type=code')
})

test.each([
  ['abc', 'The token is not from this provider'],
  ['lka_abc', 'The access token was cut short.'],
  ['lka_abc%2Ddef', 'The access token is percent-encoded'],
])('the access token %s at userinfo has a cause', async (sent, says) => {
  const page = await explain(
    op,
    await op.fetch('/userinfo', { headers: { authorization: `Bearer ${sent}` } }),
  )
  expect(page.causes[0]).toBe('token_of_nowhere')
  expect(page.text).toContain(says)
})

describe('commands', () => {
  const unregistered = (from: ServedProvider) =>
    from.fetch(authorizationUrl(from.issuer, demo, { redirect_uri: 'https://other.example/' }).url)

  test('with the memory store the page says that a command does not reach it, and what does', async () => {
    const page = await explain(op, await unregistered(op))
    expect(page.lines.some((line) => line.startsWith('latchkey '))).toBe(true)
    expect(page.text).toContain('a command in another terminal does not reach it')
    expect(page.text).toContain('STORE_URL=sqlite:latchkey.db')
    expect(page.text).toContain('bun src/main.ts')
  })

  test('a page without commands says nothing of them', async () => {
    const page = await explain(op, await op.fetch('/token?grant_type=authorization_code'))
    expect(page.text).not.toContain('another terminal')
    expect(page.text).not.toContain('bun src/main.ts')
  })
})

describe('the clock of the lab', () => {
  test('one that was moved is a cause where times are compared, and none where they are not', async () => {
    const lab = createLabClock(op.clock)
    const moved = { ...op, fetch: op.fetch, context: Object.assign(op.context, { clock: lab }) }
    const { code, code_verifier } = await authorize(moved, browser(moved), demo)
    lab.lab.moveTo(op.clock.now() + 3_600_000)
    const late = await explain(
      op,
      await token({
        grant_type: 'authorization_code',
        code,
        redirect_uri: demo.redirect_uri,
        code_verifier,
      }),
    )
    expect(late.causes).toContain('lab_clock_moved')
    expect(late.text).toContain('1 hour ahead of the machine')
    expect(await misnamed(late.lines)).toEqual([])
    const other = await explain(op, await token({ grant_type: 'nonsense' }))
    expect(other.causes).not.toContain('lab_clock_moved')
    lab.lab.reset()
    const right = await explain(op, await token({ grant_type: 'authorization_code', code: 'x' }))
    expect(right.causes).not.toContain('lab_clock_moved')
  })
})
