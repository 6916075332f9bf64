/** The realms of a server: who answers a request, their jobs, and what builds on them. docs/realms.md */
import type { App } from '../../app.ts'
import type { Config } from '../../config.ts'
import { realmSettingProblem } from '../../config/realm_setting.ts'
import type { Table } from '../../contracts/context.ts'
import type { Realms } from '../../contracts/realms.ts'
import { createLabClock } from '../../lib/lab_clock.ts'
import type { Clock } from '../../lib/clock.ts'
import { systemRandom } from '../../lib/random.ts'
import type { Memory } from '../../models/define_record.ts'
import { Realm } from '../../models/realm.ts'
import { buildTable, featuresFor, featuresLeftOut } from '../../table.ts'
import type { Handle } from '../listener.ts'
import type { Observers } from '../observed.ts'
import type { Opened } from '../open.ts'
import { createApps } from './apps.ts'
import { writtenRealms } from './check_realm.ts'
import { realmHandle } from './handle.ts'
import { elapsedNow } from './job_runs.ts'
import { createKnown } from './known.ts'
import type { Host } from './open_realm.ts'
import { everyEntry, realmIssuer, type Root } from './realm_config.ts'
import { removeRealms } from './removal.ts'
import { createScheduler, type Scheduler } from './scheduler.ts'

/** How many realms are in memory at once. One takes about 90 kB of heap, and its caches. */
export const mostInMemory = 1_000
/** Clocks that were moved, of realms that are not in memory. */
const mostClocks = 10_000

export interface RealmParts {
  /** The store and the log of the server without its recorder and traces. */
  opened: Opened
  observers?: Partial<Observers>
  /** Its configuration and environment as they are now. */
  root(): Root
  app(): App
  most?: number
}

export interface RealmServer {
  /** For the context of the server. */
  realms: Realms
  /** In place of that of the server. */
  handle: Handle
  scheduler: Scheduler
  /** How many realms are in memory. */
  inMemory(): number
  /** The settings of the server have changed. */
  adopt(): void
  /** Writes what is in memory alone. */
  close(): Promise<void>
}

export function createRealms({
  opened,
  observers = {},
  root,
  app,
  most = mostInMemory,
}: RealmParts): RealmServer {
  const memory: Memory = { store: opened.store, clock: opened.clock, log: opened.log }
  const known = createKnown(memory, elapsedNow)
  let generation = 0
  const host: Host = {
    opened,
    observers,
    root,
    context: () => app().context,
    tableFor: sharedTables(),
    clockFor: sharedClocks(),
    listening: sharedListening(app),
  }
  const apps = createApps({ host, memory, version: known.version, generation: () => generation, most })
  const scheduler = createScheduler({
    known,
    apps,
    log: opened.log,
    remove: () => removeRealms(memory),
  })
  /** This instance sees its own change at once. */
  const seen = async <T>(change: () => Promise<T>): Promise<T> => {
    const result = await change()
    await known.look()
    return result
  }
  const written = writtenRealms(memory, systemRandom, root)
  const realms: Realms = {
    create: (made) => seen(async () => written.create(made)),
    find: (name) => Realm.find(memory, name),
    update: (name, change) => seen(() => written.update(name, change)),
    remove: (name, id, check) => seen(() => written.remove(name, id, check)),
    async list() {
      const keys = await Realm.keys(memory)
      const found = await Promise.all(keys.map(({ name }) => Realm.find(memory, name)))
      return found.filter((each) => each !== undefined)
    },
    problemOfSetting: (name) => realmSettingProblem(everyEntry, name, 'administration'),
    issuerOf: (name) => realmIssuer(root().config, name),
    async open(name) {
      if ((await known.id(name)) === undefined) return undefined
      const open = await apps.get(name)
      apps.use(name)()
      return open?.app.context
    },
  }
  return {
    realms,
    handle: realmHandle({ root: app, known, apps }),
    scheduler,
    inMemory: () => apps.list().length,
    adopt: () => void generation++,
    async close() {
      scheduler.stop()
      await apps.close()
    },
  }
}

/** One table for all realms with the same features. */
function sharedTables(): (config: Config) => Table {
  const tables = new Map<string, Table>()
  return (config) => {
    const features = featuresFor(config)
    const key = features.map(({ name }) => name).join(' ')
    const table = tables.get(key) ?? buildTable(features, featuresLeftOut(config))
    if (tables.size < 100) tables.set(key, table)
    return table
  }
}

/** A realm that comes back into memory has the time that its lab was moved to. */
function sharedClocks(): (id: string, real: Clock) => Clock {
  const clocks = new Map<string, ReturnType<typeof createLabClock>>()
  const isMoved = ({ lab }: ReturnType<typeof createLabClock>) => {
    const { aheadMs, isStopped } = lab.state()
    return isStopped || aheadMs !== 0
  }
  return (id, real) => {
    const clock = clocks.get(id) ?? createLabClock(real)
    clocks.delete(id)
    clocks.set(id, clock)
    if (clocks.size <= mostClocks) return clock
    const [oldest] = [...clocks].find(([, each]) => !isMoved(each)) ?? clocks.keys()
    clocks.delete(oldest as string)
    return clock
  }
}

/** One subscription for all recorders: that of the server, or one for the realms. */
function sharedListening(app: () => App): Host['listening'] {
  let own: ReturnType<Host['listening']> | undefined
  return () => {
    const { recorder } = app().context
    if (recorder) return Promise.resolve(recorder.listening)
    return (own ??= import('../../models/recording/recorder.ts').then(({ listen }) => listen()))
  }
}
