/** A clock of the lab that was moved destroys nothing for good: entries of the audit trail, accounts. docs/decisions/0095 */
import { expect, test } from 'bun:test'
import { requestDeletion } from '../../src/features/account_data/deletion.ts'
import { createLabClock } from '../../src/lib/lab_clock.ts'
import { exportLines } from '../../src/models/audit/export_lines.ts'
import { note } from '../../src/models/audit/note.ts'
import { User } from '../../src/models/user.ts'
import { provider, turnableClock } from '../support/provider.ts'

const env = {
  LAB: 'true',
  AUDIT_SIGNING_KEY: 'a-key-for-the-audit-trail-of-this-test',
  AUDIT_RETENTION: '30',
}
const tenYears = 3650 * 86_400_000

async function moved() {
  const real = turnableClock()
  const clock = Object.assign(createLabClock(real), { advance: real.advance })
  const op = await provider({ env, clock })
  const run = async (name: string) => op.context.table.jobs.find((job) => job.name === name)!.run(op.context)
  return { op, run, move: (ms: number) => expect(clock.lab.moveTo(real.now() + ms)).toBe(true) }
}

test('ten years ahead, the retention drops no entry', async () => {
  const { op, run, move } = await moved()
  const { audit, store } = op.context
  for (let at = 0; at < 3; at += 1)
    await note(undefined, op.context, 'client_registered', { client_id: `client ${at}` })
  await audit!.checkpoints.extend(audit, { all: true })
  const kept = async () => {
    const lines = await Array.fromAsync(exportLines({ store, issuer: op.issuer }, undefined))
    return lines.filter((line) => line.includes('client_registered')).length
  }
  expect(await kept()).toBe(3)
  move(tenYears)
  await run('audit_retention')
  expect(await kept()).toBe(3)
})

test('ten years ahead, an account is not erased in its grace period', async () => {
  const { op, run, move } = await moved()
  const user = (await User.findByLogin(op.context, 'alice'))!
  await requestDeletion(op.context, user.sub)
  move(tenYears)
  await run('account_deletions')
  expect(await User.find(op.context, user.sub)).toBeDefined()
})
