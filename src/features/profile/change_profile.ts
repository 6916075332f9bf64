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
import {
  addressRows,
  claimRows,
  claimsWith,
  type Problems,
  readFields,
  type Row,
  setOrDrop,
  textOf,
  type Texts,
  textsOfClaims,
} from '../../people/profile_fields.ts'

export const profilePath = '/account/profile'
const purpose = 'profile'

const view = defineView(
  'account_profile',
  '<form method="post" action="{{action}}">{{hidden}}{{fields}}<fieldset><legend>{{t profile.address}}</legend>{{address}}</fieldset>{{attributes}}<div class="actions"><button class="primary" type="submit" name="save" value="save">{{t profile.save}}</button></div></form>',
  ['action', 'hidden', 'fields', 'address', 'attributes'],
)

const attributeField = (name: string): string => `attribute.${name}`

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

const textsOf = ({ claims, attributes }: User, context: Context): Texts => ({
  ...textsOfClaims(claims),
  ...Object.fromEntries(
    context.config.editableAttributes.map((name) => [attributeField(name), textOf(attributes[name])]),
  ),
})

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

async function save(call: Call, context: Context, person: SignedInPerson & Submitted): Promise<Reply> {
  const { user, fields } = person
  const attributeRows = context.config.editableAttributes.map((name) => ({
    name: attributeField(name),
    read: readLine,
    problem: 'profile.problem_line' as const,
  }))
  const rows = [...claimRows, ...addressRows, ...attributeRows]
  const before = textsOf(user, context)
  const read = readFields(rows, fields, before)
  const { texts, values } = read
  const problems: Record<string, Said> = { ...read.problems }
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
  const attributes = { ...current.attributes }
  for (const name of context.config.editableAttributes)
    setOrDrop(attributes, name, values[attributeField(name)], current.attributes[name])
  return { ...current, claims: claimsWith(current.claims, values), attributes }
}
