/** What an administrator sees and changes of a person beside roles and state: standard claims, the verified address, attributes. */
import { holdsRole } from '../../../auth/admin_roles.ts'
import type { AdminRole } from '../../../auth/admin_roles.ts'
import { HttpError } from '../../../auth/errors.ts'
import { isAttributeName } from '../../../auth/person_claims.ts'
import { foreignText } from '../../../html/foreign_text.ts'
import { formField } from '../../../html/form_field.ts'
import type { Html, ViewValue } from '../../../html/view.ts'
import { type Said, say } from '../../../lib/say.ts'
import {
  addressRows,
  claimRows,
  claimsWith,
  readFields,
  type Row,
  type Texts,
  textsOfClaims,
} from '../../../people/profile_fields.ts'
import { personChangeRoutes } from '../routes/person_changes.ts'
import { peopleRoutes } from '../routes/people.ts'
import type { PageAction, PageInput } from './page.ts'
import { actionForm, code, facts, lead, linesField, section, state, textField } from './parts.ts'
import { claimFieldView, flaggedView } from './views.ts'

type Path = '/admin/people/{sub}'
type Input = PageInput<Path>
type Members = Readonly<Record<string, unknown>>

interface Person {
  administration_role: AdminRole | null
  claims: Members
  attributes: Members
}

const rows: readonly Row[] = [...claimRows, ...addressRows]

const verified = (flag: unknown): Html =>
  flag === true ? state('good', say('admin.verified')) : state('doubtful', say('access.unchecked'))

/** The address and the number, each with what its flag says. */
export function provenFacts({ claims }: Person): (readonly [Said, ViewValue])[] {
  const shown = (value: unknown, flag: unknown) =>
    flaggedView({ text: foreignText(`${value}`), flag: verified(flag) })
  const { email, phone_number } = claims
  return [
    ...(typeof email === 'string'
      ? [[say('admin.email'), shown(email, claims.email_verified)] as const]
      : []),
    ...(typeof phone_number === 'string'
      ? [[say('profile.phone_number'), shown(phone_number, claims.phone_number_verified)] as const]
      : []),
  ]
}

/** Claims that no field has, such as those of an import. */
export function otherClaims({ claims }: Person): Html[] {
  const known = new Set([
    ...claimRows.map(({ name }) => name),
    ...['address', 'email', 'email_verified', 'phone_number_verified'],
  ])
  const others = Object.entries(claims).filter(
    ([name, value]) =>
      !known.has(name) || (typeof value !== 'string' && !name.includes('verified') && name !== 'address'),
  )
  return others.length === 0
    ? []
    : [
        section(say('admin.other_claims'), [
          facts(others.map(([name, value]) => [code(name), foreignText(textOfValue(value), 300)])),
        ]),
      ]
}

/** Forms for a person whom the role of the administrator reaches. `sent` is a form that was refused a moment ago. */
export function claimForms(input: Input, person: Person, etag: string): Html[] {
  const { action, csrf, actor, may, sent } = input
  if (!may('admin:people.write') || !holdsRole(actor.scopes, person.administration_role ?? undefined))
    return []
  const before = textsOfClaims(person.claims)
  const isSent = sent?.claims !== undefined
  const texts: Texts = isSent ? { ...before, ...(sent as Texts) } : before
  const problems = isSent ? readFields(rows, texts, before).problems : {}
  const field = ({ name, label, hint, autocomplete: _own, ...row }: Row) =>
    formField({
      ...row,
      name,
      label: say(label),
      autocomplete: 'off',
      value: texts[name],
      problem: problems[name],
      // That hint speaks to the owner of the account.
      hint: hint && name !== 'preferred_username' ? say(hint) : undefined,
    })
  const form = { action, csrf, text: say('admin.save') }
  return [
    section(say('profile.title'), [
      lead({ text: say('admin.claims_hint') }),
      actionForm({
        ...form,
        name: 'claims',
        hidden: { claims_etag: etag },
        fields: rows.map((row) => claimFieldView({ field: field(row) })),
      }),
    ]),
    section(say('admin.email_change'), [
      actionForm({
        ...form,
        name: 'set_email',
        hidden: { email_etag: etag },
        fields: [
          textField({
            name: 'email',
            type: 'email',
            label: say('admin.email'),
            value: sent?.email ?? (typeof person.claims.email === 'string' ? person.claims.email : ''),
            hint: say('admin.email_hint'),
            required: true,
          }),
        ],
      }),
    ]),
    ...(may('admin:roles.write')
      ? [
          section(say('admin.attributes'), [
            actionForm({
              ...form,
              name: 'set_attributes',
              hidden: { attributes_etag: etag },
              fields: [
                linesField({
                  name: 'attributes',
                  label: say('admin.attributes'),
                  value: sent?.attributes ?? linesOfAttributes(person.attributes),
                  hint: say('admin.attributes_hint'),
                }),
              ],
            }),
          ]),
        ]
      : []),
  ]
}

export const claimActions: Readonly<Record<string, PageAction<Path>>> = {
  claims: {
    done: say('admin.saved'),
    async run({ params, fields, ask }) {
      const { answer: person } = await ask(peopleRoutes.show, { params })
      const before = textsOfClaims(person.claims)
      const { values, problems } = readFields(rows, { ...before, ...fields }, before)
      if (Object.keys(problems).length > 0)
        throw new HttpError('bad_request', {
          expected: `other values of ${Object.keys(problems).join(', ')}`,
          say: say('admin.claims_problems'),
        })
      const claims = changesOf(person.claims, claimsWith(person.claims, values as Texts))
      await ask(personChangeRoutes.change, { params, ifMatch: fields.claims_etag, body: { claims } })
    },
  },
  set_email: {
    done: say('admin.saved'),
    run: async ({ params, fields, ask }) =>
      void (await ask(personChangeRoutes.email, {
        params,
        ifMatch: fields.email_etag,
        body: { email: fields.email?.trim() },
      })),
  },
  set_attributes: {
    done: say('admin.saved'),
    async run({ params, fields, ask }) {
      const { answer: person } = await ask(peopleRoutes.show, { params })
      const given = fields.attributes === undefined ? person.attributes : attributesIn(fields.attributes)
      const attributes = changesOf(person.attributes, given)
      await ask(personChangeRoutes.change, {
        params,
        ifMatch: fields.attributes_etag,
        body: { attributes },
      })
    },
  },
}

/** As the API takes it: null removes a member. */
function changesOf(before: Members, after: Members): Record<string, unknown> {
  const names = new Set([...Object.keys(before), ...Object.keys(after)])
  return Object.fromEntries(
    [...names]
      .filter((name) => !Bun.deepEquals(before[name], after[name]))
      .map((name) => [name, after[name] ?? null]),
  )
}

const fromJson = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/** A text as it is, where it does not read as JSON; any other value as JSON. */
const textOfValue = (value: unknown): string =>
  typeof value === 'string' && fromJson(value) === value && !/[\r\n]/.test(value) && value === value.trim()
    ? value
    : JSON.stringify(value)

const linesOfAttributes = (attributes: Members): string =>
  Object.entries(attributes)
    .map(([name, value]) => `${name}=${textOfValue(value)}`)
    .join('\n')

/** Throws 400 with the line that is none. */
function attributesIn(text: string): Record<string, unknown> {
  const lines = text.split(/\r\n?|\n/).filter((line) => line.trim() !== '')
  return Object.fromEntries(
    lines.map((line) => {
      const at = line.indexOf('=')
      const name = line.slice(0, Math.max(0, at)).trim()
      if (!isAttributeName(name))
        throw new HttpError('bad_request', {
          expected: 'lines such as team=blue',
          say: say('admin.attributes_problem', { text: foreignText(line, 60) }),
        })
      return [name, fromJson(line.slice(at + 1).trim())] as const
    }),
  )
}
