/**
 * What `latchkey apply` has applied: a version that one swap moves on, the file of each version, and the steps of one that is
 * under way. docs/decisions/0087-configuration-files.md
 */
import * as v from 'valibot'
import { seconds } from '../lib/clock.ts'
import type { Random } from '../lib/random.ts'
import { defineRecord, type Memory } from './define_record.ts'

const Members = v.record(v.string(), v.unknown())

/** A client as its file has it. No secret is in it, but where the secret is. */
const FileClient = v.object({
  given: Members,
  /** As admitted: what the record has if nothing else changed it. */
  target: Members,
  /** `generate`, or the place of the secret. Absent for a client without one. */
  secret: v.optional(v.string()),
  /** Seconds for which a secret before it goes on. */
  overlap: v.number(),
})

/** A file as it was applied. */
const Document = v.object({
  file: v.string(),
  clients: v.record(v.string(), FileClient),
  /** Values of variables, with references in place of secrets. */
  settings: v.record(v.string(), v.string()),
})

/** For the audit trail. */
const Told = { changed: v.array(v.string()), before: v.array(v.string()), after: v.array(v.string()) }

const Step = v.variant('do', [
  v.object({
    do: v.literal('put'),
    client_id: v.string(),
    is_new: v.boolean(),
    /** Members that the record gets, and those that it loses. */
    members: Members,
    without: v.array(v.string()),
    file: v.string(),
    secret_by_file: v.boolean(),
    secret: v.optional(
      v.object({ secret_mac: v.string(), sealed_secret: v.string(), former_until: v.optional(v.number()) }),
    ),
    ...Told,
  }),
  v.object({ do: v.literal('remove'), client_id: v.string(), ...Told }),
  v.object({ do: v.literal('release'), client_id: v.string(), ...Told }),
  /** Told alone: the document has them. */
  v.object({ do: v.literal('settings'), ...Told }),
])

const Entry = v.object({
  version: v.number(),
  document: v.string(),
  at: v.number(),
  what: v.picklist(['apply', 'rollback', 'release']),
  /** The version that a rollback went back to. */
  to: v.optional(v.number()),
  file: v.string(),
  operator: v.string(),
  created: v.number(),
  changed: v.number(),
  removed: v.number(),
})

const State = v.object({
  /** A random name of this store, so that a plan for one is not applied to another. */
  store: v.string(),
  version: v.number(),
  /** The newest last. */
  history: v.array(Entry),
  /** Begun, and to be finished by any process: its steps can be done twice. */
  pending: v.optional(v.object({ ...Entry.entries, steps: v.string() })),
  /** When a removed client ended, in seconds: tokens from before are not those of a later one with its client_id. */
  ended: v.record(v.string(), v.number()),
})

export interface FileClient extends v.InferOutput<typeof FileClient> {}
export interface Document extends v.InferOutput<typeof Document> {}
export type Step = v.InferOutput<typeof Step>
export type Put = Extract<Step, { do: 'put' }>
export interface Entry extends v.InferOutput<typeof Entry> {}
export interface State extends v.InferOutput<typeof State> {}
export type Pending = NonNullable<State['pending']>

const states = defineRecord('applied', State)
const documents = defineRecord('applied_document', Document)
const stepLists = defineRecord('applied_steps', v.object({ steps: v.array(Step) }))

const one = 'state'

/** Seconds after which no access token of a removed client is valid. ACCESS_TOKEN_TTL is at most a day. */
const longestToken = 2 * 86_400

const emptyDocument: Document = { file: 'latchkey.yaml', clients: {}, settings: {} }

export const Applied = {
  find: (memory: Memory): Promise<State | undefined> => states.find(memory, one),

  /** The state, which the first call makes. */
  async open(memory: Memory & { random: Random }): Promise<State> {
    await states.create(memory, one, { store: memory.random(18), version: 0, history: [], ended: {} })
    const state = await states.find(memory, one)
    if (state) return state
    throw new Error('the record applied:state cannot be read; the log line record_unreadable says why')
  },

  /**
   * The file of the present version. Throws when its record is gone or cannot be read: to go on as if nothing were applied
   * would take settings back and let managed clients go.
   */
  async document(memory: Memory, state: State | undefined): Promise<Document> {
    const newest = state?.history.at(-1)
    if (!newest) return emptyDocument
    const found = await documents.find(memory, newest.document)
    if (found) return found
    // Another process may have begun the next version between the two reads, and dropped this one.
    const later = (await states.find(memory, one))?.history.at(-1)
    const again =
      later && later.document !== newest.document ? await documents.find(memory, later.document) : undefined
    if (again) return again
    throw new Error(
      `the configuration of version ${newest.version} cannot be read; the log line record_unreadable says why`,
    )
  },

  documentOf: (memory: Memory, { document }: Entry) => documents.find(memory, document),

  /** One swap decides between processes: undefined when another one has begun or ended a version since `base`. */
  async begin(
    memory: Memory & { random: Random },
    base: State,
    planned: Omit<Entry, 'version' | 'at' | 'document'> & { document: Document; steps: readonly Step[] },
  ): Promise<Pending | undefined> {
    const { document, steps, ...entry } = planned
    const [documentId, stepsId] = [memory.random(18), memory.random(18)]
    await documents.create(memory, documentId, document)
    await stepLists.create(memory, stepsId, { steps: [...steps] })
    const pending: Pending = {
      ...entry,
      version: base.version + 1,
      at: seconds(memory.clock),
      document: documentId,
      steps: stepsId,
    }
    const isWon = await states.update(memory, one, (current) =>
      current.version === base.version && current.pending === undefined ? { ...current, pending } : undefined,
    )
    if (isWon) return pending
    await Promise.all([documents.take(memory, documentId), stepLists.take(memory, stepsId)])
    return undefined
  },

  /** Undefined when another process has finished it. */
  stepsOf: async (memory: Memory, { steps }: Pending): Promise<readonly Step[] | undefined> =>
    (await stepLists.find(memory, steps))?.steps,

  /** The version is the present one. Of the versions before it at most `keep` remain to go back to. */
  async finish(memory: Memory, pending: Pending, removed: readonly string[], keep: number): Promise<void> {
    const { steps, ...entry } = pending
    const now = seconds(memory.clock)
    let dropped: Entry[] = []
    await states.update(memory, one, (current) => {
      if (current.pending?.document !== pending.document) return undefined
      const { pending: _, ...rest } = current
      const history = [...current.history, entry]
      dropped = history.slice(0, Math.max(0, history.length - keep))
      const ended = Object.entries(current.ended).filter(([, at]) => at > now - longestToken)
      return {
        ...rest,
        version: entry.version,
        history: history.slice(dropped.length),
        ended: Object.fromEntries([...ended, ...removed.map((id) => [id, now] as const)]),
      }
    })
    await Promise.all([
      stepLists.take(memory, steps),
      ...dropped.map(({ document }) => documents.take(memory, document)),
    ])
  },
}
