/** Bad input on a form of the lab was answered by the public error page, without the menu and in the language of End-Users. */
import { describe, expect, test } from 'bun:test'
import { browser, tokensOf } from '../support/flow.ts'
import { provider } from '../support/provider.ts'

const op = await provider({ env: { LAB: 'true' } })
const who = browser(op)
const isOfLab = (html: string) => html.includes('That did not work') && html.includes('href="/lab/flows"')

test('a move of the clock that is no move', async () => {
  const { page } = await who.open('/lab/clock')
  const form = page!.forms.find(({ fields }) => 'move' in fields)!
  const answer = (
    await who.press({ ...page!, forms: [form] }, 'action', { action: 'move', move: 'yesterday' })
  ).page!
  expect([answer.status, isOfLab(answer.html)]).toEqual([422, true])
  expect(answer.html).toContain('href="/lab/clock"')
})

test('a fault with minutes that are none', async () => {
  const { page } = await who.open('/lab/trouble')
  const form = page!.forms.find(({ fields }) => 'minutes' in fields)!
  const fields = { client_id: 'client123', fault: 'nonce', minutes: 'many', action: 'begin' }
  const answer = (await who.press({ ...page!, forms: [form] }, 'action', fields)).page!
  expect([answer.status >= 400 && answer.status < 500, isOfLab(answer.html)]).toEqual([true, true])
})

describe('flows that there are not', () => {
  test.each(['/lab/flow?id=x', '/lab/flow', '/lab/compare?a=x', '/lab/compare', '/lab/flow/export?id=x'])(
    '%s',
    async (path) => {
      const answer = await op.fetch(path, { headers: { accept: 'text/html' } })
      expect([answer.status, isOfLab(await answer.text())]).toEqual([404, true])
    },
  )
})

test('what came is shown as text', async () => {
  const answer = await op.fetch(`/lab/flow?id=${encodeURIComponent('<script>alert(1)</script>')}`)
  expect(await answer.text()).not.toContain('<script>alert')
})

test('an export of an unknown kind', async () => {
  await tokensOf(op, who)
  const [{ id } = { id: '' }] = op.context.recorder!.flows.list()
  const answer = await op.fetch(`/lab/flow/export?id=${id}&as=pdf`)
  expect([answer.status, isOfLab(await answer.text())]).toEqual([400, true])
})

test('the playground is among the clients that trouble is told to, and is told', async () => {
  const { html } = (await who.open('/lab/trouble')).page!
  for (const kind of ['public', 'logout', 'confidential', 'keys'])
    expect(html).toContain(`value="latchkey-lab-${kind}"`)
  expect(html).toContain('value="client123"')
})
