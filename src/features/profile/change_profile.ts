/** /account/profile: the standard claims that an End-User edits. The email address has its own page, because it must be proven. */
import type { Context } from '../../contracts/context.ts'
import { accountForm, signedInForm } from '../../flow/account_form.ts'
import { defineEndpoint, type Submitted } from '../../contracts/endpoint.ts'
import { type SignedInPerson, pageOfPerson } from '../../flow/signed_in_person.ts'
import { accountPage } from '../../flow/account_page.ts'
import { query } from '../../http/call.ts'
import type { Call } from '../../contracts/call.ts'
import { formField } from '../../html/form_field.ts'
import { hiddenField } from '../../html/page_parts.ts'
import { page, redirectWithin } from '../../http/reply.ts'
import type { Reply } from '../../contracts/reply.ts'
import { noteEvent } from '../../people/tell_owner.ts'
import { defineView } from '../../html/view.ts'
import { readLine } from '../../auth/person_claims.ts'
import { type Said, say } from '../../lib/say.ts'
import { canonicalUsername, User } from '../../models/user.ts'
import { addressRows, claimRows, type Row } from './fields.ts'
import { normalize } from '../../lib/normalize.ts'

export const profilePath = '/account/profile'
const purpose = 'profile'

const view = defineView(
  'account_profile',
  '<form method="post" action="{{action}}">{{hidden}}{{fields}}<fieldset><legend>{{t profile.address}}</legend>{{address}}</fieldset>{{attributes}}<div class="actions"><button class="primary" type="submit" name="save" value="save">{{t profile.save}}</button></div></form>',
  ['action', 'hidden', 'fields', 'address', 'attributes'],
)

type Texts = Readonly<Record<string, string>>
type Problems = Readonly<Record<string, Said>>

const attributeField = (name: string): string => `attribute.${name}`
const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')
const membersOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}

export const changeProfile = defineEndpoint({
  name: 'account_profile',
  path: profilePath,
  advertised: false,
  limited: true,
  page: true,
  get: pageOfPerson(profilePath, (call, context, person) =>
    show(call, context, person, 200, textsOf(person.user, context), {}),
  ),
  form: signedInForm(profilePath, purpose),
  post: save,
})

function textsOf({ claims, attributes }: User, context: Context): Texts {
  const address = membersOf(claims.address)
  return Object.fromEntries([
    ...claimRows.map(({ name }) => [name, textOf(claims[name])]),
    ...addressRows.map(({ name }) => [name, textOf(address[name])]),
    ...context.config.editableAttributes.map((name) => [attributeField(name), textOf(attributes[name])]),
  ])
}

function show(
  call: Call,
  context: Context,
  person: SignedInPerson,
  status: number,
  texts: Texts,
  problems: Problems,
): Reply {
  const { csrf, cookies } = accountForm(call, context, person.session, purpose)
  const field = ({ name, label, hint, ...row }: Row) =>
    formField({
      ...row,
      name,
      label: say(label),
      value: texts[name],
      problem: problems[name],
      hint: hint && say(hint),
    })
  const html = accountPage(context, {
    current: profilePath,
    title: say('profile.title'),
    done: query(call, context).done === 'saved' ? say('profile.done') : undefined,
    problem: Object.keys(problems).length > 0 ? say('profile.problems') : undefined,
    main: view({
      action: `${context.basePath}${profilePath}`,
      hidden: hiddenField({ name: 'csrf_token', value: csrf }),
      fields: claimRows.map(field),
      address: addressRows.map(field),
      attributes: context.config.editableAttributes.map((name) =>
        formField({
          name: attributeField(name),
          label: name,
          value: texts[attributeField(name)],
          autocomplete: 'off',
          problem: problems[attributeField(name)],
        }),
      ),
    }),
  })
  return { ...page(status, html), cookies }
}

/** Reads only the fields of the rows, so that a form cannot set any other claim. */
async function save(call: Call, context: Context, person: SignedInPerson & Submitted): Promise<Reply> {
  const { user, fields } = person
  const attributeRows = context.config.editableAttributes.map((name) => ({
    name: attributeField(name),
    read: readLine,
    problem: 'profile.problem_line' as const,
  }))
  const rows = [...claimRows, ...addressRows, ...attributeRows]
  const texts = Object.fromEntries(
    rows.map(({ name }) => [name, normalize(fields[name] ?? '', 'NFC').trim()]),
  )
  const before = textsOf(user, context)
  // An unchanged value is kept without a check, and stays proven: it may be older than these rules.
  const values = Object.fromEntries(
    rows.map(({ name, read }) => {
      const text = texts[name] ?? ''
      return [name, text === '' || text === before[name] ? text : read(text)]
    }),
  )
  const problems: Record<string, Said> = Object.fromEntries(
    rows.filter(({ name }) => values[name] === undefined).map(({ name, problem }) => [name, say(problem)]),
  )
  const wanted = values.preferred_username
  if (wanted !== undefined && wanted !== before.preferred_username && (await isTaken(context, wanted, user)))
    problems.preferred_username = say('new_account.username_taken')
  if (Object.keys(problems).length > 0) return show(call, context, person, 400, texts, problems)
  const change = (current: User) => changed(current, values as Texts, context)
  const isRenamed = wanted !== before.preferred_username
  if ((await User.updateNames(context, user, isRenamed ? wanted : undefined, change)) === 'taken') {
    const taken = say('new_account.username_taken')
    return show(call, context, person, 400, texts, { preferred_username: taken })
  }
  await noteEvent(call, context, user.sub, { kind: 'profile_changed' })
  return redirectWithin(`${context.basePath}${profilePath}?done=saved`)
}

/** Clients show preferred_username as the End-User's name, so it must not be the username or address of another account. */
async function isTaken(context: Context, wanted: string, user: User): Promise<boolean> {
  if (wanted === '' || canonicalUsername(wanted) === canonicalUsername(user.username)) return false
  const holder = await User.findByLogin(context, wanted)
  return holder === undefined ? canonicalUsername(wanted).includes('@') : holder.sub !== user.sub
}

function changed(current: User, values: Texts, context: Context): User {
  const claims: Record<string, unknown> = { ...current.claims }
  for (const { name } of claimRows) setOrDrop(claims, name, values[name])
  if (claims.phone_number === undefined) delete claims.phone_number_verified
  // A new number is not verified yet.
  else if (claims.phone_number !== current.claims.phone_number) claims.phone_number_verified = false
  claims.address = addressOf(current.claims.address, values)
  if (claims.address === undefined) delete claims.address
  const attributes = { ...current.attributes }
  for (const name of context.config.editableAttributes)
    setOrDrop(attributes, name, values[attributeField(name)], current.attributes[name])
  return { ...current, claims, attributes }
}

/** A value that is not text was not shown in the form, so an empty field does not delete it. */
function setOrDrop(
  record: Record<string, unknown>,
  name: string,
  value: string | undefined,
  before = record[name],
): void {
  if (value) record[name] = value
  else if (before === undefined || typeof before === 'string') delete record[name]
}

/** `formatted` repeats the other members, so it is dropped when one of them changes. */
function addressOf(before: unknown, values: Texts): unknown {
  const { formatted, ...members } = membersOf(before)
  const after: Record<string, unknown> = { ...members }
  for (const { name } of addressRows) setOrDrop(after, name, values[name])
  const same = addressRows.every(({ name }) => after[name] === members[name])
  const whole = same && formatted !== undefined ? { ...after, formatted } : after
  return Object.keys(whole).length > 0 ? whole : undefined
}
