/** A plan for the terminal and as JSON. No value of a secret is in either. */
import { storeLocation } from '../store_location.ts'
import { print, printable } from '../output.ts'
import { affectedBy, type Affected, type Found, mostPeople } from './affected.ts'
import { clientWords, settingWords } from './affected_words.ts'
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

/** Every so many accounts a line says how far it is. */
const linesEvery = 5_000

function progressLines(): (read: number) => void {
  let next = linesEvery
  return (read) => {
    if (read < next) return
    process.stderr.write(`${read} accounts read\n`)
    next += linesEvery
  }
}

/** `most`: accounts that are read to say whom it concerns. */
export async function shownPlan(plan: Plan, most = mostPeople): Promise<ShownPlan> {
  const { base, changes, settings, lost, under: context } = plan
  const counts = countsOf(plan)
  const found = await affectedBy(plan, context, { most, progress: progressLines() })
  const { clients, isPartial } = found
  const store = storeLocation(context.config) + (context.realm ? `, realm ${context.realm.name}` : '')
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
      ...(settings.length > 0 && {
        affects: { scopes: found.scopes, upstream_providers: found.providers, roles: found.roles },
      }),
      ...(isPartial && { people_are_partial: true, people_read: found.read }),
    },
    show() {
      if (isEmpty(plan))
        return print(`${printable(plan.file)}: nothing to change in ${store} (version ${base.version})`)
      print(`${printable(plan.file)} for ${store} (version ${base.version})`)
      for (const { setting, from, to, breaks } of settings) {
        print(`\n${coloured('change', `~ ${setting}`)}: ${brief(from)} → ${brief(to)}`)
        for (const { text } of breaks) print(`    ${coloured('break', '!')} ${text}`)
      }
      for (const text of [...plan.breaks.map((each) => each.text), ...settingWords(lost, found)])
        print(`    ${coloured('break', '!')} ${printable(text)}`)
      for (const change of changes) showChange(change, clients.get(change.client_id), found)
      print(`\n${counts.created} to create, ${counts.changed} to change, ${counts.removed} to remove`)
    },
  }
}

function showChange(change: Change, affected: Affected | undefined, found: Found): void {
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
  const words = [...breaks.map(({ text }) => text), ...(affected ? clientWords(affected, found) : [])]
  for (const text of words) print(`    ${coloured('break', '!')} ${text}`)
}
