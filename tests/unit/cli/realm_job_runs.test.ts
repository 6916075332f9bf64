/** Jobs of a realm: each one at a time, and requests that need fresh keys wait for the look that runs. */
import { expect, test } from 'bun:test'
import { createRuns } from '../../../src/cli/realms/job_runs.ts'
import { provider } from '../../support/provider.ts'

/** Looks at keys, each of which ends when it is told to. */
async function looks() {
  const op = await provider()
  const open: (() => void)[] = []
  const keys = {
    ...op.context.keys,
    rotateDue: () => new Promise<[]>((resolve) => open.push(() => resolve([]))),
  }
  return { open, runs: createRuns(op.context, keys) }
}

/** All that is ready has run. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

test('a second request for a job waits for the run that runs, and for one after it', async () => {
  const { open, runs } = await looks()
  const ended: string[] = []
  const seen = runs.keysSeen()
  const asking = (name: string) => runs.run('keys').then(() => ended.push(name))
  const first = asking('first')
  await settled()
  const second = asking('second')
  await settled()
  expect([open.length, ended, runs.keysSeen()]).toEqual([1, [], seen])
  open[0]!()
  await settled()
  expect([open.length, ended]).toEqual([2, []])
  expect(runs.keysSeen()).toBeGreaterThan(seen)
  open[1]!()
  await Promise.all([first, second])
  expect(open).toHaveLength(2)
  const third = runs.run('keys')
  await settled()
  expect(open).toHaveLength(3)
  open[2]!()
  await third
})
