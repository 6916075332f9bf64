/** `latchkey user import` and `user export`: accounts from and to files, as JSON or CSV. */
import { note } from '../models/audit/note.ts'
import { readFileSync } from 'node:fs'
import * as v from 'valibot'
import { hashFloor, readPasswordHash } from '../auth/password_hash.ts'
import type { Context } from '../contracts/context.ts'
import { Event } from '../models/event.ts'
import { nameKeysOf } from '../models/names.ts'
import { isClientId } from '../models/subjects.ts'
import { User } from '../models/user.ts'
import { allOf, withContext } from './administration.ts'
import { defineCommand } from './command.ts'
import { Refusal, UsageError } from './failure.ts'
import { print, printable, printJson } from './output.ts'
import { type FileRecord, readCsv, readJson, writeCsv } from './user_file.ts'
import { accountOf, canonicalProven, clashesWith } from '../people/new_account.ts'
import { AccountRecord, problemsOf } from '../people/account_record.ts'

const formatOption = {
  type: 'string',
  value: 'json|csv',
  help: 'json or csv. Default: the extension of the file, else json',
} as const

function formatOf(format: string | undefined, file = ''): 'json' | 'csv' {
  const chosen = format ?? (/\.csv$/i.test(file) ? 'csv' : 'json')
  if (chosen !== 'json' && chosen !== 'csv')
    throw new UsageError(`--format: expected json or csv, got ${printable(chosen)}`)
  return chosen
}

interface Problem {
  at: string
  problem: string
}
interface Ready {
  at: string
  user: User
}

export const importUsers = defineCommand({
  takes: ['FILE'],
  options: {
    format: formatOption,
    'dry-run': { type: 'boolean', help: 'Report problems and planned changes without importing' },
    'weak-hashes': {
      type: 'boolean',
      help: `Import password hashes below the floor too (${hashFloor}). The next sign-in replaces each`,
    },
    partial: { type: 'boolean', help: 'Import the valid accounts and skip the others' },
  },
  run: ({ format, partial, 'dry-run': dryRun, 'weak-hashes': weakHashes }, [file]) =>
    withContext('accounts', async (context) => {
      const chosen = formatOf(format, file)
      const text = readFileSync(file === '-' ? 0 : file, 'utf8')
      const given = chosen === 'csv' ? await readCsv(text) : readJson(text)
      const { ready, problems } = await judge(context, given, weakHashes ?? false)
      const go = !dryRun && (partial || problems.length === 0)
      // A command that is stopped in between has made accounts.
      if (go)
        await note(undefined, context, 'changed_by_operator', {
          change: 'accounts_import_begun',
          given: given.length,
        })
      const made = go ? await make(context, ready, problems) : 0
      if (go)
        await note(undefined, context, 'changed_by_operator', {
          change: 'accounts_imported',
          imported: made,
          given: given.length,
          problems: problems.length,
        })
      const done = { people: given.length, imported: made, dry_run: dryRun ?? false, problems }
      return {
        facts: done,
        show() {
          for (const { at, problem } of problems) print(`${at}: ${printable(problem)}`)
          print(outcome(done, go))
        },
        failure:
          problems.length > 0 && !partial
            ? new Refusal(`${problems.length} problems; nothing was imported`)
            : undefined,
      }
    }),
})

function outcome(
  { people, imported, problems }: { people: number; imported: number; problems: Problem[] },
  go: boolean,
): string {
  if (go) return `imported ${imported} of ${people}`
  return problems.length > 0 ? `imported none of ${people}` : `all ${people} can be imported`
}

/** Checks all records before the first account is created: against each other, and against existing accounts. */
async function judge(
  context: Context,
  given: readonly FileRecord[],
  weakHashes: boolean,
): Promise<{ ready: Ready[]; problems: Problem[] }> {
  const [ready, problems] = [[] as Ready[], [] as Problem[]]
  const seen = new Map<string, string>()
  for (const { at, record } of given) {
    const read = v.safeParse(AccountRecord, record)
    if (!read.success) {
      problems.push(...problemsOf(read.issues).map((problem) => ({ at, problem })))
      continue
    }
    const user = accountOf(read.output, context)
    const weak = weakHashes ? [] : weaknessOf(user)
    const clashes = [...weak, ...inFile(user, at, seen), ...(await clashesWith(user, context))]
    if (clashes.length === 0) ready.push({ at, user })
    problems.push(...clashes.map((problem) => ({ at, problem })))
  }
  return { ready, problems }
}

/** OWASP ASVS 5.0 V11.4.2: an attacker who steals such hashes finds the passwords fast. They stay until each next sign-in. */
const weaknessOf = ({ password_hash }: User): string[] =>
  password_hash !== undefined && readPasswordHash(password_hash)?.isWeak
    ? [`password_hash: is weaker than the floor (${hashFloor}); --weak-hashes imports it all the same`]
    : []

/** Names that look alike are equal: of `Alice`, `ａｌｉｃｅ` and `alıce` one can be imported. */
function inFile(user: User, at: string, seen: Map<string, string>): string[] {
  const email = canonicalProven(user)
  const keys = [
    ...nameKeysOf(user).map((key) => ['username', `name ${key}`] as const),
    ['sub', `sub ${user.sub}`],
    ...(email === undefined ? [] : [['email', `email ${email}`]]),
  ] as const
  const clashes = keys.flatMap(([member, key]) => {
    const before = seen.get(key)
    if (before === undefined) seen.set(key, at)
    return before === undefined ? [] : [`${member}: is the same as in ${before}`]
  })
  return [...new Set(clashes)]
}

/** A username or address that was taken since the check is a problem of that record alone. */
async function make(context: Context, ready: readonly Ready[], problems: Problem[]): Promise<number> {
  let made = 0
  for (const { at, user } of ready)
    if (await isClientId(context, user.sub))
      problems.push({ at, problem: 'sub: is the client_id of a client that was just made' })
    else if (await User.create(context, user)) {
      made++
      await Event.add(context, context.random, { sub: user.sub, kind: 'account_added' })
    } else
      problems.push({
        at,
        problem: 'username or sub was just taken, or the sub belonged to a deleted account',
      })
  return made
}

export const exportUsers = defineCommand({
  takes: [],
  options: {
    format: formatOption,
    'with-hashes': {
      type: 'boolean',
      help: 'Include password hashes. Keep the output secret: hashes can be cracked',
    },
  },
  run: ({ format, 'with-hashes': withHashes }) =>
    withContext('accounts', async (context) => {
      const chosen = formatOf(format)
      const users = await allOf(User.everyone(context))
      const records = users.map((user) => shown(user, withHashes ?? false))
      await note(undefined, context, 'changed_by_operator', {
        change: 'accounts_exported',
        people: users.length,
        hashes: withHashes ?? false,
      })
      return {
        facts: records,
        show: () => (chosen === 'csv' ? print(writeCsv(records)) : printJson(records)),
      }
    }),
})

/** Members are named one by one, so that a new member of the record is not exported without a decision. */
function shown(user: User, withHashes: boolean): Record<string, unknown> {
  const {
    username,
    sub,
    disabled,
    claims,
    attributes,
    roles,
    language,
    created_at,
    updated_at,
    password_hash,
  } = user
  const record = { username, sub, disabled, claims, attributes, roles, language, created_at, updated_at }
  return withHashes ? { ...record, password_hash } : record
}
