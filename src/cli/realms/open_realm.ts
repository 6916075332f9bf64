/** Opens a realm: its store, its keys, its observers and its application. docs/decisions/0100-realms.md */
import { finishApply } from '../../clients/apply_steps.ts'
import { type App, createApp } from '../../app.ts'
import type { Config, Entry } from '../../config.ts'
import type { EffectiveSetting } from '../../config/effective_setting.ts'
import { inheritedEnv, maySet } from '../../config/realm_setting.ts'
import type { Context, Table } from '../../contracts/context.ts'
import { type Clock, realClock } from '../../lib/clock.ts'
import { type AdjustableLog, type Fields, logWith } from '../../lib/log.ts'
import { textOfRealm } from '../../lib/realm_commands.ts'
import type { Audit } from '../../models/audit/audit.ts'
import { record as note } from '../../models/audit/note.ts'
import { type Birth, neverLost, openBirth } from '../../models/birth.ts'
import { type KeyRing, loadKeyRing } from '../../models/key_ring.ts'
import type { RealmRecord } from '../../models/realm.ts'
import { recordedKeys } from '../../models/recorded_keys.ts'
import type { FlowRecorder, Listening } from '../../models/recording/recorder.ts'
import { tracedKeys } from '../../models/traced_keys.ts'
import { writeUsage } from '../../people/usage.ts'
import { realmStore } from '../../store/realm.ts'
import { version } from '../../version.ts'
import { closeTrail, openTrail, settingsFor } from '../audit_trail.ts'
import { effectiveSettings } from '../effective_settings.ts'
import { type Observers, traced, withRecorder } from '../observed.ts'
import { type Opened, openRoot, ringOptions } from '../open.ts'
import { seedDemo } from '../seed_demo.ts'
import { createRuns, type Runs } from './job_runs.ts'
import { everyEntry, realmConfig, type Root } from './realm_config.ts'

/** What realms have of the server. */
export interface Host {
  /** Its store and its log without its recorder and traces. */
  opened: Opened
  observers: Partial<Observers>
  root(): Root
  context(): Context
  tableFor(config: Config): Table
  /** The clock of the lab of this realm, which is as it was when the realm was last in memory. */
  clockFor(id: string, real: Clock): Clock
  listening(): Promise<Listening>
}

/** What stays while a realm is in memory, whatever its settings become. */
interface Lasting {
  opened: Opened
  recorder: FlowRecorder | undefined
  audit: Audit | undefined
  birth: Birth
  lastingRoot: Uint8Array | undefined
}

export interface OpenRealm {
  record: RealmRecord
  app: App
  keys: KeyRing
  runs: Runs
  lasting: Lasting
  /** Writes what is in memory alone, once. */
  close(): Promise<void>
  isClosed(): boolean
}

/** Bytes of the flows of one realm. */
const recordedBytes = 4_194_304

/** Throws ConfigError for settings that this release does not take. `before`: the same realm with other settings. */
export async function openRealm(host: Host, record: RealmRecord, before?: OpenRealm): Promise<OpenRealm> {
  const config = realmConfig(host.root(), record)
  const goesOn = before && isAlike(before, config) ? before : undefined
  if (before && !goesOn) await before.close()
  const lasting = goesOn?.lasting ?? (await openLasting(host, record, config))
  try {
    return await openApp(host, record, { config, lasting, previous: goesOn?.app.context })
  } catch (error) {
    if (!goesOn) await endTrail({ ...lasting.opened, audit: lasting.audit })
    throw error
  }
}

interface Parts {
  config: Config
  lasting: Lasting
  previous: Context | undefined
}

async function openApp(
  host: Host,
  record: RealmRecord,
  { config, lasting, previous }: Parts,
): Promise<OpenRealm> {
  const opened = { ...lasting.opened, config }
  const { tracing, errorReports } = host.observers
  const { recorder, audit, birth, lastingRoot } = lasting
  const ring = await loadKeyRing(ringOptions(opened, opened.store))
  const kept = recorder ? recordedKeys(ring, recorder) : ring
  const keys = tracing ? tracedKeys(kept, tracing) : kept
  const root = host.context()
  if (!previous) await finishApply({ ...opened, audit }) // of latchkey --realm NAME apply
  let runs: Runs | undefined
  const app = createApp({
    ...opened,
    config,
    keys,
    birth,
    audit,
    tracing,
    recorder,
    errorReports,
    lastingRoot,
    host: root,
    table: host.tableFor(config),
    random: root.random,
    closing: root.closing,
    soon: (job) => void runs?.run(job),
    realm: record,
    ownSettings: () => settingsOf(host, config, record),
    previous,
  })
  if (record.demo) await seedDemo(opened)
  runs = createRuns(app.context, keys)
  let closed: Promise<void> | undefined
  return {
    ...{ record, app, keys, runs, lasting },
    close: () => (closed ??= close(app.context)),
    isClosed: () => closed !== undefined,
  }
}

const sentences = ['expected', 'problem', 'detail', 'hint'] as const

/** The commands that a line of the log tells are for the realm. */
const hintsOf =
  (realm: string) =>
  (fields: Fields): Fields => {
    const told = sentences.flatMap((name) => {
      const text = fields[name]
      return typeof text === 'string' ? [[name, textOfRealm(realm, text)] as const] : []
    })
    return { ...fields, ...Object.fromEntries(told) }
  }

/** Those that a realm may set, in the order of the documentation. */
function settingsOf(host: Host, config: Config, { name: realm, settings }: RealmRecord): EffectiveSetting[] {
  const env = { ...inheritedEnv(everyEntry, host.root().env), ...settings }
  return effectiveSettings(config, { env, written: env, fromDotenv: () => false })
    .filter(({ name }) => mayBeSet.has(name))
    .map((each) => ({
      ...each,
      help: textOfRealm(realm, each.help),
      ...(Object.hasOwn(settings, each.name) && { from: 'realm' as const }),
    }))
}

const mayBeSet: ReadonlySet<string> = new Set(
  everyEntry.flatMap((entry: Entry) => (maySet(entry) ? [entry.name] : [])),
)

/** The recorder and the clock depend on two settings. */
const isAlike = ({ app: { context } }: OpenRealm, { lab, labShowSecrets }: Config): boolean =>
  context.config.lab === lab && context.config.labShowSecrets === labShowSecrets

async function openLasting(host: Host, record: RealmRecord, config: Config): Promise<Lasting> {
  const { tracing } = host.observers
  const real = realClock(host.opened.clock)
  const plain: Opened = {
    config,
    clock: config.lab ? host.clockFor(record.id, real) : real,
    log: logWith(host.opened.log, { realm: record.name }, hintsOf(record.name)),
    store: realmStore(host.opened.store, record.id),
  }
  const listening = config.lab ? { listening: await host.listening() } : {}
  const { opened: recording, recorder } = await withRecorder(plain, { bytes: recordedBytes, ...listening })
  const opened = tracing ? traced(recording, tracing) : recording
  const lastingRoot = await openRoot(opened)
  const birth = await birthOf(host, opened, record)
  // Last: what begins a trail has to end it.
  const audit = await trailOf(host, opened, record)
  return { opened, recorder, audit, birth, lastingRoot }
}

async function trailOf(host: Host, opened: Opened, { settings }: RealmRecord): Promise<Audit | undefined> {
  if (opened.config.auditSigningKey === undefined) return undefined
  const trail = await openTrail(opened, 'server')
  const { tracing } = host.observers
  const audit = trail && tracing ? { ...trail, traceId: tracing.traceId } : trail
  if (audit) await note(undefined, audit, 'started', { version, settings: settingsFor(audit, settings) })
  return audit
}

/** Of the server and of the realm: what either has lost counts. An administrator of a realm renews that of the realm alone. */
async function birthOf(host: Host, opened: Opened, { created_at }: RealmRecord): Promise<Birth> {
  const root = host.context().birth
  if (opened.config.store.kind === 'memory') return neverLost
  const own = await openBirth({ ...opened, log: withoutNotices(opened.log) }, created_at)
  return {
    async since() {
      const [one, other] = await Promise.all([root.since(), own.since()])
      return {
        dated: Math.max(one.dated, other.dated),
        undated: Math.max(one.undated, other.undated),
      }
    },
    beat: () => own.beat(),
    renew: () => own.renew(),
  }
}

/** A realm is not in use for hours, and that is no sign of an older copy of the store. */
const withoutNotices = (log: AdjustableLog): AdjustableLog => ({ ...log, info: () => {} })

async function close(context: Context): Promise<void> {
  context.recorder?.close()
  await writeUsage(context).catch((error: unknown) => notWritten(context, error))
  await endTrail(context)
}

async function endTrail({ audit, log }: Pick<Context, 'audit' | 'log'>): Promise<void> {
  if (!audit) return
  try {
    await note(undefined, audit, 'stopped', { signal: 'realm' })
    await closeTrail(audit)
  } catch (error) {
    notWritten({ log }, error)
  }
}

const notWritten = ({ log }: Pick<Context, 'log'>, error: unknown): void =>
  log.error('audit_not_written', { problem: String(error) })
