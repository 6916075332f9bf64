/** The report names dormant accounts by their newest sign-in, however many other events they have had since. docs/audit.md */
import { expect, test } from 'bun:test'
import { Event } from '../../src/models/event.ts'
import { noteSignIn } from '../../src/models/people_index.ts'
import { reportSections } from '../../src/people/audit_report/make.ts'
import { keepSearchIndexes } from '../../src/people/search_job.ts'
import { account } from '../support/administration.ts'
import { provider } from '../support/provider.ts'

const day = 86_400_000
const op = await provider({ env: { AUDIT_SIGNING_KEY: 'an-audit-signing-key-of-this-test' } })
const { context, clock } = op

const note = (sub: string, kind: string) => Event.add(context, context.random, { sub, kind })
async function signIn(sub: string): Promise<void> {
  await Promise.all([note(sub, 'signed_in'), noteSignIn(context, sub)])
}

async function dormant(): Promise<Map<string | undefined, string | undefined>> {
  const section = reportSections.find(({ name }) => name === 'dormant')!
  const to = clock.now()
  const asked = { context, audit: context.audit!, from: to - 90 * day, to, bases: undefined, dormantDays: 90 }
  const rows = await Array.fromAsync(section.rows(asked))
  return new Map(rows.map(([name, , last]) => [name, last]))
}

const [busy, gone, never] = await Promise.all([
  account(op, 'busy'),
  account(op, 'gone'),
  account(op, 'never'),
])
clock.advance(day)
await signIn(gone.sub)
const goneAt = new Date(clock.now()).toISOString().slice(0, 10)
clock.advance(99 * day)
await signIn(busy.sub)
clock.advance(day)
for (const { sub } of [busy, gone]) for (let n = 0; n < 60; n++) await note(sub, 'sign_in_failed')

const judged = async (): Promise<void> => {
  const found = await dormant()
  expect(found.has('busy')).toBe(false)
  expect(found.get('gone')).toStartWith(goneAt)
  expect(found.get('never')).toContain('never')
}

test('while the index of a store from before is being filled', judged)

test('by the index: no events are read', async () => {
  await keepSearchIndexes(context)
  const { store } = context
  const range = store.range.bind(store)
  const read: string[] = []
  store.range = (index, options) => {
    read.push(index)
    return range(index, options)
  }
  await judged()
  expect(read.filter((index) => index.startsWith('user_events'))).toEqual([])
  await signIn(never.sub)
  expect((await dormant()).has('never')).toBe(false)
})
