/**
 * Carries out a version that `latchkey apply` has begun. Each step can be done twice and by two processes, so that whichever
 * comes after a crash ends what was begun. docs/decisions/0087-configuration-files.md
 */
import { seconds } from '../lib/clock.ts'
import { Applied, type Pending, type Put, type State, type Step } from '../models/applied.ts'
import type { Audit } from '../models/audit/audit.ts'
import { note } from '../models/audit/note.ts'
import { Client } from '../models/client.ts'
import type { Memory } from '../models/define_record.ts'
import { endGrants } from './end_grants.ts'

interface Applying extends Memory {
  audit?: Audit | undefined
  config: { applyHistory: number }
}

/** The next record; the same text when the step is done already. */
function withStep(current: Client, step: Put, { version }: Pending): Client | undefined {
  if ((current.managed_by?.version ?? 0) >= version) return undefined
  const { exp: _, former_secret: former, ...rest } = current
  const kept = Object.fromEntries(Object.entries(rest).filter(([name]) => !step.without.includes(name)))
  return {
    ...(kept as unknown as Client),
    ...step.members,
    ...secretsAfter(current, step, former),
    managed_by: {
      file: step.file,
      version,
      ...(step.secret_by_file && { secret: true }),
    },
  }
}

/** The present secret goes on beside a new one until `former_until`; one before it ends. */
function secretsAfter(
  { secret_mac, sealed_secret }: Client,
  { secret, without }: Put,
  former: Client['former_secret'],
): Partial<Client> {
  if (!secret) return former && !without.includes('secret_mac') ? { former_secret: former } : {}
  const { former_until: exp, ...own } = secret
  const goesOn = exp !== undefined && secret_mac !== undefined && sealed_secret !== undefined
  return { ...own, ...(goesOn && { former_secret: { secret_mac, sealed_secret, exp } }) }
}

async function put(memory: Applying, step: Put, pending: Pending, state: State): Promise<void> {
  const { client_id } = step
  const change = (current: Client) => withStep(current, step, pending)
  const isThere = !step.is_new && (await Client.find(memory, client_id)) !== undefined
  if (!isThere) {
    // A command may have removed it since the plan was made.
    const endedAt = step.is_new ? state.ended[client_id] : seconds(memory.clock)
    const since = endedAt === undefined ? {} : { tokens_since: endedAt + 1 }
    const fresh = change({ client_id, client_id_issued_at: pending.at, ...since } as Client)
    if (fresh && (await Client.create(memory, fresh))) return takeBackLate(memory, client_id, pending)
  }
  await Client.updateManaged(memory, client_id, change)
  await Client.index(memory, client_id)
}

/** A process that was stopped here for long looks again after it has written: a later version may have removed the client. */
async function takeBackLate(memory: Applying, clientId: string, { version }: Pending): Promise<void> {
  const now = await Applied.find(memory)
  if (!now || now.version < version) return
  const { clients } = await Applied.document(memory, now)
  if (!Object.hasOwn(clients, clientId)) await remove(memory, clientId, version)
}

async function remove(memory: Applying, clientId: string, version: number): Promise<void> {
  const removed = await Client.removeManaged(memory, clientId)
  // The record of a later version, which this process overtook: it is put back.
  if (removed && (removed.managed_by?.version ?? 0) > version) await Client.create(memory, removed)
  else await endGrants(memory, clientId)
  // A later version may have made it again between the two verbs.
  await Client.index(memory, clientId)
}

const release = (memory: Applying, clientId: string, version: number) =>
  Client.updateManaged(memory, clientId, ({ managed_by, ...client }) =>
    managed_by && managed_by.version < version ? client : undefined,
  )

async function carryOut(memory: Applying, step: Step, pending: Pending, state: State): Promise<void> {
  const client_id = 'client_id' in step ? step.client_id : undefined
  if (step.do === 'put') await put(memory, step, pending, state)
  else if (step.do === 'remove') await remove(memory, step.client_id, pending.version)
  else if (step.do === 'release') await release(memory, step.client_id, pending.version)
  const { changed, before, after } = step
  await note(undefined, memory, 'client_applied', {
    change: step.do === 'put' && step.is_new ? 'create' : step.do,
    client_id,
    version: pending.version,
    changed,
    before,
    after,
  })
}

/** Does all steps and makes the version the present one. */
export async function carryOutAll(memory: Applying, pending: Pending): Promise<void> {
  const [steps, state] = await Promise.all([Applied.stepsOf(memory, pending), Applied.find(memory)])
  if (!steps || state?.pending?.document !== pending.document) return
  // One after the other: a page of clients at once would delay the requests of a busy store.
  for (const step of steps) await carryOut(memory, step, pending, state)
  const { version, what, to, file, created, changed, removed } = pending
  await note(undefined, memory, 'configuration_applied', {
    change: what,
    version,
    to,
    file,
    created,
    changed,
    removed,
  })
  const gone = steps.flatMap((step) => (step.do === 'remove' ? [step.client_id] : []))
  await Applied.finish(memory, pending, gone, memory.config.applyHistory)
}

/** Ends what a process that died has begun. True when there was something. */
export async function finishApply(memory: Applying): Promise<boolean> {
  const pending = (await Applied.find(memory))?.pending
  if (!pending) return false
  memory.log.warn('apply_resumed', {
    version: pending.version,
    since: pending.at,
    now: seconds(memory.clock),
  })
  await carryOutAll(memory, pending)
  return true
}
