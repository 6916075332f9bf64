/** Issue 10, section 5: apply is all or nothing. The store fails at each verb, and a process stops at each while another goes on. */
import { expect, test } from 'bun:test'
import { carryOut } from '../../src/cli/plan/carry_out.ts'
import { Refusal } from '../../src/cli/failure.ts'
import { finishApply } from '../../src/clients/apply_steps.ts'
import { Applied } from '../../src/models/applied.ts'
import { Client } from '../../src/models/client.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { StoreUnavailable } from '../../src/store/store.ts'
import { applyFile, clientsOf, fileOf, planOf } from '../support/configuration.ts'
import { failingStore, pausingStore } from '../support/odd_stores.ts'
import { provider, turnableClock } from '../support/provider.ts'

const web = { client_id: 'web', redirect_uris: ['https://web.example/cb'] }
const job = { client_id: 'job', grant_types: ['client_credentials'], scope: '' }
const app = { client_id: 'app', redirect_uris: ['app.example:/cb'], token_endpoint_auth_method: 'none' }
const launcher = { ...app, client_id: 'launcher', initiate_login_uri: 'https://app.example/login' }

const first = fileOf(web, job)
/** Changes one, removes one, creates two. */
const second = fileOf({ ...web, client_name: 'Web', scope: 'openid' }, app, launcher)

type Clients = Record<string, object>

async function expected(): Promise<{ before: Clients; after: Clients }> {
  const op = await provider()
  await applyFile(op.context, first)
  const before = await clientsOf(op.context)
  await applyFile(op.context, second)
  return { before, after: await clientsOf(op.context) }
}

test('the store goes away at each verb in turn: the next start finds the old state, or makes the new one', async () => {
  const { before, after } = await expected()
  const seen = { old: 0, new: 0 }
  for (let verbs = 0; ; verbs++) {
    const clock = turnableClock()
    const failing = failingStore(memoryStore(clock))
    const op = await provider({ store: failing.store, clock })
    await applyFile(op.context, first)
    const plan = await planOf(op.context, second)
    failing.failAfter(verbs)
    const failure = await carryOut(plan, { what: 'apply' }, undefined, op.context).catch(
      (error: unknown) => error,
    )
    failing.recover()
    const isWhole = !(failure instanceof Error)
    if (!isWhole) expect(failure).toBeInstanceOf(StoreUnavailable)

    await finishApply(op.context)
    const state = (await Applied.find(op.context))!
    expect(state.pending).toBeUndefined()
    const which = state.version === 1 ? 'old' : 'new'
    expect([verbs, await clientsOf(op.context)]).toEqual([verbs, which === 'old' ? before : after])
    expect(await Client.launchers(op.context, 10)).toEqual(which === 'old' ? [] : ['launcher'])
    seen[which] += 1
    // The same file again comes to the same end, whatever was left.
    if (which === 'old') await applyFile(op.context, second)
    expect((await planOf(op.context, second)).changes).toEqual([])
    expect(await clientsOf(op.context)).toEqual(after)
    if (isWhole) break
  }
  expect(seen.old).toBeGreaterThan(2)
  expect(seen.new).toBeGreaterThan(10)
}, 240_000)

test('a process stops at each verb for long: what another one applied after it stays', async () => {
  const third = fileOf({ ...web, client_name: 'Third' }, job)
  const op = await provider()
  await applyFile(op.context, third)
  const after = await clientsOf(op.context)
  for (let verbs = 0; ; verbs++) {
    const clock = turnableClock()
    const store = memoryStore(clock)
    const pausing = pausingStore(store)
    const [slow, other] = [await provider({ store: pausing.store, clock }), await provider({ store, clock })]
    await applyFile(other.context, first)
    const plan = await planOf(slow.context, second)
    const { paused, go } = pausing.pauseAfter(verbs)
    const run = carryOut(plan, { what: 'apply' }, undefined, slow.context).then(
      () => 'done',
      (error: unknown) => error,
    )
    const reached = await Promise.race([paused.then(() => 'paused'), run])
    await finishApply(other.context)
    await applyFile(other.context, third)
    go()
    const end = await run
    if (end !== 'done') expect(end).toBeInstanceOf(Refusal)
    expect([verbs, await clientsOf(other.context)]).toEqual([verbs, after])
    expect((await planOf(other.context, third)).changes).toEqual([])
    if (reached !== 'paused') break
    expect(verbs).toBeLessThan(200)
  }
}, 240_000)

test('of two applies at once one wins, and the other one changes nothing', async () => {
  const store = memoryStore(turnableClock())
  const [one, two] = [await provider({ store }), await provider({ store })]
  const plans = [await planOf(one.context, fileOf(web)), await planOf(two.context, fileOf(job))]
  const ends = await Promise.allSettled([
    carryOut(plans[0]!, { what: 'apply' }, undefined, one.context),
    carryOut(plans[1]!, { what: 'apply' }, undefined, two.context),
  ])
  const lost = ends.filter((each) => each.status === 'rejected')
  expect(lost).toHaveLength(1)
  expect(String((lost[0] as PromiseRejectedResult).reason)).toContain('another apply or rollback came first')
  const managed = (await Client.list(one.context)).filter((client) => client.managed_by)
  expect(managed).toHaveLength(1)
})
