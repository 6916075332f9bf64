/** `latchkey config check`: prints the effective configuration with warnings and notes, or all its problems. docs/configuration.md */
import { type Config, ConfigError } from '../config.ts'
import { readNamed } from '../config/named_files.ts'
import { type Env, given } from '../config/read.ts'
import { type EffectiveSetting } from '../config/effective_setting.ts'
import { inheritedEnv } from '../config/realm_setting.ts'
import { faultOf } from '../config/setting_fault.ts'
import { withOpened } from './administration.ts'
import { storeLocation } from './store_location.ts'
import { chosenRealm } from './in_realm.ts'
import { type Answer, defineCommand } from './command.ts'
import { notesOn } from './config_notes.ts'
import { warningsAbout } from './config_warnings.ts'
import { deepProblems } from './deep_check.ts'
import { effectiveSettings } from './effective_settings.ts'
import { everyEntry } from './realms/realm_config.ts'
import type { Environment } from './environment.ts'
import { UsageError } from './failure.ts'
import { print, printable, printTable } from './output.ts'
import { looksOf } from '../html/looks.ts'
import { featureNotes, featuresFor } from '../table.ts'
import { readSettings } from './open.ts'
import { serviceTrials } from './service_trials.ts'
import type { Trial } from './trial.ts'
import { trials } from './trials.ts'
import { checkProfiles, type ProfileFinding, registeredClients } from './profile_check.ts'

export const check = defineCommand({
  takes: [],
  options: {
    changed: {
      type: 'boolean',
      help: 'Show only the settings that you set, and those that PROFILE changes, in place of all',
    },
    deep: {
      type: 'boolean',
      help: 'Try what the settings name: store, keys, certificates, address, and other servers such as the mail relay',
    },
    deploy: {
      type: 'boolean',
      help: 'Check what is asked for before going live, with --deep; exit code 1 for an error (docs/going_live.md)',
    },
  },
  async run({ changed, deep, deploy }) {
    if (deploy && changed)
      throw new UsageError('--changed shows settings, and --deploy shows none: leave one out')
    try {
      const { config, environment } = await readSettings()
      if (chosenRealm() !== undefined) {
        if (deep || deploy)
          throw new UsageError(
            '--deep and --deploy try what the server has for all realms: leave --realm out',
          )
        return await reportOfRealm(config, environment, changed ?? false)
      }
      const warnings = [...warningsAbout(config)]
      const notes = [...notesOn(config)]
      const together = [...problemsIn(() => featuresFor(config)), ...problemsIn(() => looksOf(config))]
      const outside =
        deep || deploy
          ? await deepProblems(allTrials(config, together), config, environment.env, {
              warn: (text) => void warnings.push(text),
              note: (text) => void notes.push(text),
            })
          : fileProblems(config, environment)
      const problems = [...new Set([...together, ...outside])]
      if (deploy) {
        const { deployAnswer } = await import('./deploy_check/deploy_check.ts')
        return await deployAnswer(config, environment, problems)
      }
      if (problems.length > 0) throw new ConfigError(problems)
      return await report(config, environment, { warnings, notes, onlyChanged: changed ?? false })
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      return { facts: { ok: false, problems: error.problems }, show() {}, failure: error }
    }
  },
})

/** Other servers are tried only when the features agree with their settings. */
const allTrials = (config: Config, together: readonly string[]): readonly Trial[] =>
  together.length > 0 ? trials : [...trials, ...serviceTrials(config)]

function problemsIn(run: () => unknown): readonly string[] {
  try {
    run()
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
}

async function report(
  config: Config,
  environment: Environment,
  { warnings, notes: own, onlyChanged }: { warnings: string[]; notes: string[]; onlyChanged: boolean },
): Promise<Answer> {
  const all = effectiveSettings(config, environment)
  const settings = onlyChanged ? all.filter(({ from }) => from !== 'default') : all
  const notes = [...own, ...featureNotes(config)]
  const profiles = onlyChanged ? [] : await profilesFor(config, environment.env, warnings)
  const facts = { ok: true, settings: valuesOf(settings), warnings, notes }
  const between = () => {
    if (!onlyChanged) printProfiles(profiles, config)
  }
  return {
    facts: { ...facts, ...(!onlyChanged && { profiles }) },
    show: () => printReport({ settings, warnings, notes }, between),
  }
}

const valuesOf = (settings: readonly EffectiveSetting[]) =>
  Object.fromEntries(settings.map(({ name, value }) => [name, value]))

interface Report {
  settings: readonly EffectiveSetting[]
  warnings: readonly string[]
  notes: readonly string[]
}

function printReport({ settings, warnings, notes }: Report, between: () => void = () => {}): void {
  if (settings.length === 0)
    print('All settings have their defaults; config check without --changed shows them.')
  else
    printTable(
      ['VARIABLE', 'VALUE', 'FROM'],
      settings.map(({ name, value, from }) => [name, value ?? '', from]),
    )
  between()
  for (const note of notes) print(`\nnote: ${printable(note)}`)
  for (const warning of warnings) process.stderr.write(`warning: ${printable(warning)}\n`)
  print('\nok')
}

/** What a realm has: settings of its own, and those of the server. */
const reportOfRealm = (config: Config, read: Environment, onlyChanged: boolean): Promise<Answer> =>
  withOpened(config, read.env, async ({ config: own, realm }) => {
    const problems = [...problemsIn(() => featuresFor(own)), ...problemsIn(() => looksOf(own))]
    if (problems.length > 0) throw new ConfigError(problems)
    const inherited = (env: Env) => inheritedEnv(everyEntry, env)
    const environment = { ...read, env: inherited(read.env), written: inherited(read.written) }
    const settings = effectiveSettings(own, environment).map((each) =>
      Object.hasOwn(realm?.settings ?? {}, each.name) ? { ...each, from: 'realm' as const } : each,
    )
    const shown = onlyChanged ? settings.filter(({ from }) => from !== 'default') : settings
    const notes = [...featureNotes(own)]
    return {
      facts: { ok: true, realm: realm?.name, settings: valuesOf(shown), warnings: [], notes },
      show: () => printReport({ settings: shown, warnings: [], notes }),
    }
  })

/** Empty, with a warning, when the store cannot be read: the configuration itself may be correct. */
async function profilesFor(config: Config, env: Env, warnings: string[]): Promise<ProfileFinding[]> {
  try {
    return checkProfiles(await registeredClients(config), env)
  } catch (error) {
    warnings.push(`the clients of ${storeLocation(config)} could not be read: ${(error as Error).message}`)
    return []
  }
}

/** The number of clients that are printed for one profile; --json prints all. */
const mostClients = 50

/** Prints what would change: rules that apply to a client already are left out. */
function printProfiles(found: readonly ProfileFinding[], config: Config): void {
  const now = new Map(
    found
      .find(({ profile }) => profile === config.profile)
      ?.clients.map(({ client_id, demands }) => [client_id, demands]),
  )
  for (const { profile, problems, clients } of found) {
    if (profile === config.profile) continue
    if (problems.length > 0)
      print(`\nPROFILE=${profile}, which is not in use, would not start with these settings:`)
    for (const problem of problems) print(`  ${printable(problem)}`)
    const changed = clients.flatMap(({ client_id, demands }) => {
      const fresh = demands.filter((demand) => !now.get(client_id)?.includes(demand))
      return fresh.length > 0 ? [{ client_id, fresh }] : []
    })
    const words = changed.length === 1 ? 'a client' : `${changed.length} clients`
    if (changed.length > 0)
      print(`\nPROFILE=${profile}, which is not in use, would refuse ${words} as registered now:`)
    for (const { client_id, fresh } of changed.slice(0, mostClients))
      for (const demand of fresh) print(`  ${printable(client_id)}: ${printable(demand)}`)
    if (changed.length > mostClients) print(`  … --json lists all`)
  }
}

/** Files that `serve` needs and that cannot be read. */
function fileProblems(
  { tls, redisCaPath, postgresCaPath, outboundCaPath }: Config,
  { env }: Environment,
): string[] {
  const named = {
    TLS_CERT_PATH: tls?.certPath,
    TLS_KEY_PATH: tls?.keyPath,
    REDIS_CA_PATH: redisCaPath,
    POSTGRES_CA_PATH: postgresCaPath,
    OUTBOUND_CA_PATH: outboundCaPath,
    PRIVATE_KEY_PATH: given(env, 'PRIVATE_KEY_PATH'),
  }
  return Object.entries(named).flatMap(([name, path]) =>
    path === undefined ? [] : faultOf(() => readNamed(name, path)),
  )
}
