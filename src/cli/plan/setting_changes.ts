/** What a plan does to settings, and the clients that would have to change. */
import type { Context } from '../../contracts/context.ts'
import { Client } from '../../models/client.ts'
import { allOf } from '../administration.ts'
import { demandsOn } from '../client_demands.ts'
import type { Break, Row } from './row.ts'
import { nameOf, rowOf } from './setting_table.ts'

export interface SettingChange extends Row {
  /** In the file: `keys.signing_algs`. */
  setting: string
  variable: string
  breaks: Break[]
}

type Settings = Readonly<Record<string, string>>

const valueOf = (variable: string, text: string | undefined): unknown =>
  text === undefined ? null : (rowOf(variable)?.form.value(text) ?? text)

export function settingChanges(before: Settings, after: Settings): SettingChange[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])]
  return names
    .filter((name) => before[name] !== after[name])
    .map((variable) => {
      const row = rowOf(variable)
      return {
        setting: row ? nameOf(row) : variable,
        variable,
        from: valueOf(variable, before[variable]),
        to: valueOf(variable, after[variable]),
        breaks: row?.restart
          ? [
              {
                name: 'needs_restart',
                text: 'Servers take it at their next start. Until then the other settings of this version wait too.',
              },
            ]
          : [],
      }
    })
}

const mostNamed = 10

/** Clients that the settings leave without something that they registered. `before` is the provider as it is. */
export async function clientsConcerned(before: Context, after: Context): Promise<Break[]> {
  const clients = await allOf(Client.every(after))
  const found = clients.flatMap((client) => {
    const known = demandsOn(client, before)
    const demands = demandsOn(client, after).filter((each) => !known.includes(each))
    const lost = client.scope
      .split(' ')
      .filter((scope) => before.scopes.includes(scope) && !after.scopes.includes(scope))
      .map((scope) => `the scope ${scope} is not known any more`)
    return [...demands, ...lost].map((text) => `${client.client_id}: ${text}`)
  })
  const shown = found.slice(0, mostNamed)
  const more = found.length - shown.length
  return [
    ...shown.map((text) => ({ name: 'client_concerned', text })),
    ...(more > 0 ? [{ name: 'client_concerned', text: `and ${more} more of the kind` }] : []),
  ]
}
