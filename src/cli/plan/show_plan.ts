/** A plan for the terminal and as JSON. No value of a secret is in either. */
import { storeLocation } from '../store_location.ts'
import type { Context } from '../../contracts/context.ts'
import { print, printable } from '../output.ts'
import { affectedBy, type Affected } from './affected.ts'
import { type Change, countsOf, isEmpty, type Plan } from './make_plan.ts'

/** A value longer than this is shortened on the terminal; JSON has the whole. */
const longestValue = 300

export interface ShownPlan {
  facts: Record<string, unknown>
  show(): void
}

const colours = { create: '32', change: '33', remove: '31', release: '36', break: '31' } as const
const signs = { create: '+', change: '~', remove: '-', release: '•' } as const

/** Colours on a terminal alone, and not with NO_COLOR (https://no-color.org). */
const coloured = (name: keyof typeof colours, text: string): string =>
  process.stdout.isTTY && !process.env.NO_COLOR ? `\u001b[${colours[name]}m${text}\u001b[0m` : text

const brief = (value: unknown): string => {
  const text = value === null ? 'unset' : printable(value)
  return text.length > longestValue ? `${text.slice(0, longestValue)}…` : text
}

const many = (count: number, one: string, several = `${one}s`): string =>
  `${count} ${count === 1 ? one : several}`

function affectedWords({ people, names, grants, consents, scopes }: Affected, isPartial: boolean): string[] {
  if (people === 0) return isPartial ? ['No End-User among the first 20,000 is concerned.'] : []
  const more = people > names.length ? `, and ${people - names.length} more` : ''
  const least = isPartial ? 'at least ' : ''
  return [
    `Concerns ${least}${many(people, 'person', 'people')} (${names.map(printable).join(', ')}${more}) with ${many(grants, 'grant')} and ${many(consents, 'consent')}.`,
    ...Object.entries(scopes).map(
      ([scope, count]) => `${many(count, 'person', 'people')} agreed to ${printable(scope)}.`,
    ),
  ]
}

export async function shownPlan(plan: Plan, context: Context): Promise<ShownPlan> {
  const { base, changes, settings } = plan
  const counts = countsOf(plan)
  const { clients, isPartial } = await affectedBy(changes, context)
  const store = storeLocation(context.config)
  return {
    facts: {
      store,
      version: base.version,
      file: plan.file,
      ...counts,
      changes: changes.map(({ current: _, after: __, ...change }) => ({
        ...change,
        ...(clients.has(change.client_id) && { affects: clients.get(change.client_id) }),
      })),
      settings,
      breaks: plan.breaks,
      ...(isPartial && { people_are_partial: true }),
    },
    show() {
      if (isEmpty(plan))
        return print(`${printable(plan.file)}: nothing to change in ${store} (version ${base.version})`)
      print(`${printable(plan.file)} for ${store} (version ${base.version})`)
      for (const { setting, from, to, breaks } of settings) {
        print(`\n${coloured('change', `~ ${setting}`)}: ${brief(from)} → ${brief(to)}`)
        for (const { text } of breaks) print(`    ${coloured('break', '!')} ${text}`)
      }
      for (const { text } of plan.breaks) print(`    ${coloured('break', '!')} ${printable(text)}`)
      for (const change of changes) showChange(change, clients.get(change.client_id), isPartial)
      print(`\n${counts.created} to create, ${counts.changed} to change, ${counts.removed} to remove`)
    },
  }
}

function showChange(change: Change, affected: Affected | undefined, isPartial: boolean): void {
  const { client_id, client_name: name, do: what, members, breaks } = change
  const title = `${signs[what]} ${printable(client_id)}${name === undefined ? '' : ` (${printable(name)})`}: ${what}`
  print(`\n${coloured(what, title)}`)
  const rows = Object.entries(members)
  const width = Math.max(...rows.map(([member]) => member.length))
  for (const [member, { from, to }] of rows)
    print(
      what === 'create'
        ? `    ${printable(member).padEnd(width)}  ${brief(to)}`
        : `    ${printable(member).padEnd(width)}  ${brief(from)} → ${brief(to)}`,
    )
  const words = [...breaks.map(({ text }) => text), ...(affected ? affectedWords(affected, isPartial) : [])]
  for (const text of words) print(`    ${coloured('break', '!')} ${text}`)
}
