/** The provider as it would be under the settings of a configuration file. */
import { ConfigError } from '../../config.ts'
import type { Context } from '../../contracts/context.ts'
import { contradictions, placed } from '../applied_settings.ts'
import type { Scene } from '../administration.ts'
import { readConfig } from '../open.ts'
import { nameOf, rowOf } from './setting_table.ts'
import type { Place, Problems } from './source.ts'

interface Asked {
  file: string
  settings: Readonly<Record<string, string>>
  settingPlaces: Readonly<Record<string, Place>>
}

const nowhere: Place = { line: 1, column: 1 }

/** The settings of a realm are in its record, which the server keeps. */
function ofRealm(context: Context, { name }: { name: string }, asked: Asked, problems: Problems): Context {
  for (const variable of Object.keys(asked.settings)) {
    const row = rowOf(variable)
    problems.add(
      asked.settingPlaces[variable] ?? nowhere,
      row ? nameOf(row) : variable,
      `the file of a realm has clients alone; the settings of a realm are those of latchkey realm set ${name}`,
    )
  }
  problems.requireNone()
  return context
}

/** Adds each fault of the settings to `problems`, and throws them. `before`: the provider as it is. */
export async function contextUnder(
  asked: Asked,
  scene: Scene,
  problems: Problems,
  before: Context,
): Promise<Context> {
  if (before.realm) return ofRealm(before, before.realm, asked, problems)
  const { file, settings, settingPlaces } = asked
  const add = (line: string) => {
    const [, variable = '', problem = line] = /^([A-Z_]+): (.*)$/s.exec(line) ?? []
    const row = rowOf(variable)
    problems.add(settingPlaces[variable] ?? nowhere, row ? nameOf(row) : variable, problem)
  }
  contradictions(scene.env, settings, file).forEach(add)
  problems.requireNone()
  try {
    return scene.make(readConfig({ ...scene.env, ...(await placed(settings)) }))
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    error.problems.forEach(add)
    problems.requireNone()
    throw error
  }
}
