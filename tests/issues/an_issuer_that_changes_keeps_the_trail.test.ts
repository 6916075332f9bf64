/** A provider that gets another ISSUER_URL goes on with its audit trail. No checkpoint followed: each attempt found the place taken. */
import { expect, test } from 'bun:test'
import { trail } from '../support/audit_trail.ts'

test('entries before and after a change of the issuer are one trail that verifies', async () => {
  const before = await trail({ issuer: 'https://old.example' })
  await before.write(1, 2)
  await before.sign()
  await before.audit.close()

  const { store, clock } = before
  const after = await trail({ store, clock, issuer: 'https://new.example', isServer: true })
  expect(after.logged.filter((line) => line.includes('audit_issuer_differs'))).toHaveLength(1)
  await after.write(3)
  await after.sign()

  expect(after.logged.filter((line) => line.includes('audit_trail_damaged'))).toEqual([])
  expect((await after.audit.checkpoints.newest())?.number).toBe(2)
  const { findings, entries, uncovered } = await after.verify()
  // With `audit_gap`: the server before did not stop.
  expect([findings, entries, uncovered]).toEqual([[], 4, 0])
})

test('a chain that begins after the change, such as that of a new instance, is of the same trail', async () => {
  const before = await trail({ issuer: 'https://old.example' })
  await before.write(1)
  await before.sign()

  const { store, clock } = before
  const other = await trail({ store, clock, issuer: 'https://new.example', chain: 'two' })
  await other.write(2)
  await other.sign()
  await before.write(3)
  await before.sign()
  const { findings, entries } = await before.verify()
  expect([findings, entries]).toEqual([[], 3])
})
