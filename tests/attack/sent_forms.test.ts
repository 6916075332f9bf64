/** The note of a form that was sent tells no password: a caller with the cookie of the browser and a used link repeats the form with guesses, which nothing else counts. docs/decisions/0073 */
import { expect, setDefaultTimeout, test } from 'bun:test'
import { creating } from '../support/every_form.ts'
import { browser } from '../support/flow.ts'
import { type Provider, provider } from '../support/provider.ts'

setDefaultTimeout(240_000)

/** Carol has made an account; another caller has the identifier of her browser and the page. */
async function stolen() {
  const op = await provider({ env: { ACCOUNT_REGISTRATION: 'open', RATE_LIMITING_ENABLED: 'false' } })
  const { who, page, button, fields = {} } = await creating(op)
  const thief = browser(op)
  for (const [name, value] of who.cookies) thief.cookies.set(name, value)
  await who.press(page, button, fields)
  const guess = (more: Record<string, string> = {}) => thief.press(page, button, { ...fields, ...more })
  const wrong = Array.from({ length: 30 }, (_, i) => ({ password: `guess ${i}`, repeat: `guess ${i}` }))
  return { op, guess, wrong }
}

const told = ({ lines }: Provider) => lines.filter((line) => line.includes('form_repeated')).length

test('the same form is led where the first one led', async () => {
  const { op, guess } = await stolen()
  await guess()
  expect(told(op)).toBe(1)
})

test('after many guesses the right one is told nothing', async () => {
  const { op, guess, wrong } = await stolen()
  for (const each of wrong) await guess(each)
  await guess()
  expect(told(op)).toBe(0)
})

test('of guesses at once no more are compared', async () => {
  const { op, guess } = await stolen()
  await Promise.all(Array.from({ length: 30 }, () => guess()))
  expect(told(op)).toBe(10)
})
