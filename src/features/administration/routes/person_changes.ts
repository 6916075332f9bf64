/** Makes and changes people: create, claims, attributes, roles, address, password; a link for a new password; a copy of the data. */
import * as v from 'valibot'
import { HttpError } from '../../../auth/errors.ts'
import { secret } from '../../../auth/refusal.ts'
import type { Context } from '../../../contracts/context.ts'
import { wordsOf } from '../../../html/words.ts'
import { readMailAddress } from '../../../lib/mail_address.ts'
import { User } from '../../../models/user.ts'
import {
  addAccount,
  changeAccount,
  resetAddress,
  sendReset,
  setEmail,
  setPassword,
} from '../../../people/account_changes.ts'
import { AccountRecord, changeEntries, problemsOf } from '../../../people/account_record.ts'
import { differences, noteChange } from '../../../people/author.ts'
import { accountOf, clashesWith } from '../../../people/new_account.ts'
import { newPasswordProblem, wordsAbout } from '../../../people/new_password.ts'
import { hashPassword } from '../../../people/password.ts'
import { exportPerson } from '../../../people/person_data.ts'
import { withHonestPhone } from '../../../people/profile_fields.ts'
import { tellOfOperator } from '../../../people/tell_owner.ts'
import { type Actor, authorOf, requireRightOver } from '../actor.ts'
import { Person, personOf, requireChangeable } from '../person.ts'
import { defineRoute } from '../route.ts'
import { versionOf } from '../version.ts'

const conflict = (expected: string, problem: string, next?: string) =>
  new HttpError('conflict', { expected, problem: `${problem}; nothing was changed`, next })

const password = v.pipe(v.string(), v.maxLength(1000), v.description('Checked as one that a person chooses'))

/** Throws 422 with the words of the page that takes a new password. */
async function hashOf(context: Context, user: User, chosen: string): Promise<string> {
  const problem = await newPasswordProblem(context, chosen, wordsAbout(user))
  if (problem)
    throw new HttpError('unprocessable', {
      expected: 'a password that the rules of this provider accept',
      came: secret(chosen),
      problem: `${wordsOf('en').text(problem)} Nothing was changed.`,
    })
  return hashPassword(chosen)
}

async function requireFree(context: Context, user: User): Promise<void> {
  const clashes = await clashesWith(user, context)
  if (clashes.length > 0) throw conflict('names that no other account has', clashes.join('; '))
}

/** Applications let people in by roles and attributes: a caller who gives them could give itself rights there. Throws 403. */
export function requireMayGive({ scopes }: Actor, body: { roles?: unknown; attributes?: unknown }): void {
  if ((body.roles === undefined && body.attributes === undefined) || scopes.has('admin:roles.write')) return
  throw new HttpError('forbidden', {
    expected: 'the scope admin:roles.write, for roles and attributes',
    came: [...scopes].join(' '),
    problem: 'roles and attributes are rights in applications, which this caller may not give',
    next: 'leave roles and attributes out, or ask an operator',
  })
}

/** Null removes a member, and what is not named stays. An object within a member is replaced as a whole. */
function merged(
  current: Readonly<Record<string, unknown>>,
  changes: Readonly<Record<string, unknown>> = {},
): Record<string, unknown> {
  return Object.fromEntries(Object.entries({ ...current, ...changes }).filter(([, value]) => value !== null))
}

/** A phone number that changes loses its flag, unless the caller gives it. */
function claimsOf(
  { claims }: User,
  changes: Readonly<Record<string, unknown>> = {},
): Record<string, unknown> {
  const after = merged(claims, changes)
  return 'phone_number_verified' in changes ? after : withHonestPhone(claims, after)
}

/** Told in the audit trail as they are. */
const open = ['roles', 'language', 'disabled', 'claims.email_verified', 'claims.phone_number_verified']

const told = ({ claims, attributes, roles, language }: User) => ({ claims, attributes, roles, language })

const gone = () => conflict('an account that exists', 'the account was removed or is being changed')

export const personChangeRoutes = {
  create: defineRoute({
    method: 'POST',
    path: '/people',
    summary: 'Creates a person',
    scope: 'admin:people.write',
    changes: 'a new account; without a password it signs in by other means, or by a link that is mailed',
    creates: { once: [] },
    body: {
      username: v.string(),
      email: v.optional(v.string()),
      email_verified: v.optional(v.pipe(v.boolean(), v.description('The caller is sure of the address'))),
      name: v.optional(v.string()),
      claims: v.optional(v.record(v.string(), v.unknown())),
      attributes: changeEntries.attributes,
      roles: changeEntries.roles,
      language: v.optional(v.string()),
      password: v.optional(password),
    },
    answer: Person,
    async run(call, context, { body, actor }) {
      requireMayGive(actor, body)
      const { password: chosen, email, email_verified, name, ...rest } = body
      const named = Object.entries({ email, email_verified, name }).filter(([, value]) => value !== undefined)
      const claims = { ...rest.claims, ...Object.fromEntries(named) }
      const read = v.safeParse(AccountRecord, { ...rest, claims })
      if (!read.success)
        throw new HttpError('bad_request', {
          expected: 'an account',
          came: secret(body),
          problem: problemsOf(read.issues).join('; '),
        })
      const account = accountOf(read.output, context)
      await requireFree(context, account)
      const password_hash = chosen === undefined ? undefined : await hashOf(context, account, chosen)
      const user = { ...account, ...(password_hash !== undefined && { password_hash }) }
      if (!(await addAccount(context, authorOf(call, actor), user))) {
        await requireFree(context, user)
        throw conflict('names that no other account has', 'the username or the address was just taken')
      }
      return {
        answer: await personOf(context, user),
        etag: versionOf((await User.find(context, user.sub)) ?? user),
        location: `/people/${encodeURIComponent(user.sub)}`,
      }
    },
  }),

  change: defineRoute({
    method: 'PATCH',
    path: '/people/{sub}',
    summary: 'Changes claims, attributes, roles and language of a person; null removes a member',
    scope: 'admin:people.write',
    changes: 'the account',
    guarded: true,
    body: changeEntries,
    answer: Person,
    async run(call, context, { params, body, actor, requireMatch }) {
      const user = await requireChangeable(context, actor, params.sub)
      requireMayGive(actor, body)
      requireMatch(user)
      let before = user
      const after = await changeAccount(
        context,
        user,
        (current) => {
          requireMatch(current)
          before = current
          return {
            claims: claimsOf(current, body.claims),
            attributes: merged(current.attributes, body.attributes),
            ...(body.roles && { roles: [...new Set(body.roles)] }),
            ...(body.language !== undefined && { language: body.language ?? undefined }),
          }
        },
        body.claims?.preferred_username ?? undefined,
      )
      if (after === 'taken')
        throw conflict('a preferred_username of its own', 'preferred_username looks like the name of another')
      if (!after) throw gone()
      const facts = differences(context, told(before), told(after), open)
      const isOfRoles = facts.changed?.includes('roles') ?? false
      if (facts.changed?.some((each) => each !== 'roles'))
        await tellOfOperator(context, after, { kind: 'profile_set' })
      if (isOfRoles) await tellOfOperator(context, after, { kind: 'roles_set' })
      const change = isOfRoles ? 'roles_set' : 'profile_set'
      await noteChange(context, authorOf(call, actor), change, {
        sub: after.sub,
        ...(isOfRoles && { roles: after.roles, roles_before: before.roles }),
        ...facts,
      })
      return { answer: await personOf(context, after), etag: versionOf(after) }
    },
  }),

  email: defineRoute({
    method: 'PUT',
    path: '/people/{sub}/email',
    summary: 'Sets the verified email address of a person; the caller is sure of it',
    scope: 'admin:people.write',
    changes: 'the verified address, to which links for a new password are mailed',
    guarded: true,
    body: { email: v.pipe(v.string(), v.maxLength(320)) },
    answer: Person,
    async run(call, context, { params, body, actor, requireMatch }) {
      const user = await requireChangeable(context, actor, params.sub)
      requireMatch(user)
      const address = readMailAddress(body.email)
      if (address === undefined)
        throw new HttpError('bad_request', {
          expected: 'an address such as name@example.com',
          came: body.email,
        })
      const refused = await setEmail(context, authorOf(call, actor), user, address)
      if (refused !== undefined)
        throw conflict('an address of no other account', 'the address belongs to another account')
      const after = await User.find(context, user.sub)
      if (!after) throw gone()
      return { answer: await personOf(context, after), etag: versionOf(after) }
    },
  }),

  password: defineRoute({
    method: 'PUT',
    path: '/people/{sub}/password',
    summary: 'Sets a new password and ends all access',
    scope: 'admin:people.write',
    changes: 'the password, sessions, grants and tokens of the person',
    body: { password },
    async run(call, context, { params, body, actor }) {
      const user = await requireChangeable(context, actor, params.sub)
      const hash = await hashOf(context, user, body.password)
      await requireRightOver(context, actor, user.sub) // again: the hash takes long, and the person may have got a role
      await setPassword(context, authorOf(call, actor), user, hash)
      return { answer: undefined }
    },
  }),

  sendReset: defineRoute({
    method: 'POST',
    path: '/people/{sub}/send_reset',
    summary: 'Mails a person a link to choose a new password',
    scope: 'admin:people.write',
    changes: 'a mail in the outbox; the old password works until the link is used',
    answer: v.object({ sub: v.string(), email: v.pipe(v.string(), v.description('Where the link goes')) }),
    async run(call, context, { params, actor }) {
      const user = await requireChangeable(context, actor, params.sub)
      const found = resetAddress(context, user)
      if (typeof found !== 'object') throw conflict('an account that a link can be mailed to', noLink[found])
      await sendReset(context, authorOf(call, actor), user, found.to)
      return { answer: { sub: user.sub, email: found.to } }
    },
  }),

  exportData: defineRoute({
    method: 'POST',
    path: '/people/{sub}/export',
    summary: 'Everything that is stored about a person, as the person may export it',
    scope: 'admin:people.write',
    changes: 'the audit trail, which tells of the copy',
    answer: v.looseObject({ issuer: v.string(), sub: v.string(), exported_at: v.string() }),
    async run(call, context, { params, actor }) {
      const { sub } = await requireChangeable(context, actor, params.sub)
      const copy = JSON.parse(await exportPerson(sub, context)) as {
        issuer: string
        sub: string
        exported_at: string
      }
      await noteChange(context, authorOf(call, actor), 'account_exported', { sub })
      return { answer: copy }
    },
  }),
}

const noLink = {
  no_recovery: 'this provider mails no links: PASSWORD_RECOVERY and SMTP_URL are not set',
  disabled: 'the account is disabled',
  no_password: 'the account has no password',
  no_address: 'the account has no verified email address',
} as const
