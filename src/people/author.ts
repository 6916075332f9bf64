/** By whose act something is changed: an operator at a command line, or an administrator. The log and the audit trail say it. */
import type { AdminRole } from '../auth/admin_roles.ts'
import type { Call } from '../contracts/call.ts'
import type { Context } from '../contracts/context.ts'
import type { Facts } from '../models/audit/kinds.ts'
import { note } from '../models/audit/note.ts'

/** A person with a role, or without `sub` a service client, in a request. */
export interface Administrating {
  call: Call
  sub?: string | undefined
  role?: AdminRole | undefined
}

export type Author = 'operator' | Administrating

export type ChangeFacts = Omit<Facts<'changed_by_operator'>, 'change'>

/** Resolves when the entry is in the store. `change` names what was done, as `account_disabled`. */
export async function noteChange(
  context: Pick<Context, 'log' | 'audit'>,
  author: Author,
  change: string,
  facts: ChangeFacts,
): Promise<void> {
  if (author === 'operator') return note(undefined, context, 'changed_by_operator', { change, ...facts })
  const { call, sub: by, role } = author
  await note(
    call,
    context,
    'changed_by_administrator',
    {
      change,
      ...facts,
      role,
      by: by === undefined ? undefined : context.audit?.pseudonym(by),
      by_client: call.clientId,
    },
    // The log names accounts by their `sub`, as its other lines do.
    { by },
  )
}

const longest = 300

const textOf = (value: unknown): string => {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? 'none')
  return text.length > longest ? `${text.slice(0, longest)}...` : text
}

/** Members of members: `claims.name`. */
const flat = (record: Readonly<Record<string, unknown>>): Map<string, unknown> =>
  new Map(
    Object.entries(record).flatMap(([name, value]) =>
      typeof value === 'object' && value !== null && !Array.isArray(value)
        ? Object.entries(value).map(([member, inner]): [string, unknown] => [`${name}.${member}`, inner])
        : [[name, value] as [string, unknown]],
    ),
  )

/**
 * What differs between two versions of a record. Only members in `open` are told as they are; the value of any other may
 * be a secret or personal data that outlives its erasure in the audit trail, so its fingerprint stands for it.
 */
export function differences(
  { audit }: Pick<Context, 'audit'>,
  before: Readonly<Record<string, unknown>>,
  after: Readonly<Record<string, unknown>>,
  open: readonly string[] = [],
): Pick<ChangeFacts, 'changed' | 'before' | 'after'> {
  const [old, now] = [flat(before), flat(after)]
  const changed = [...new Set([...old.keys(), ...now.keys()])].filter(
    (name) => !Bun.deepEquals(old.get(name), now.get(name)),
  )
  const told = (values: Map<string, unknown>) =>
    Object.fromEntries(
      changed.flatMap((name) => {
        const value = values.get(name)
        if (value === undefined) return []
        if (open.includes(name)) return [[name, textOf(value)]]
        return audit ? [[name, audit.fingerprint(textOf(value))]] : []
      }),
    )
  return { changed, before: told(old), after: told(now) }
}
