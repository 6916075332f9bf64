/** Types of authorization_details as the operator declares them: their members, and words for pages. https://www.rfc-editor.org/rfc/rfc9396#section-2 */
import * as v from 'valibot'
import { type Config, defineEntries, featureConfig } from '../../config.ts'
import { OwnText, readJsonSetting } from '../../config/json_setting.ts'
import * as is from '../../config/schemas.ts'
import type { OwnWords } from '../../lib/say.ts'

const kinds = ['text', 'texts', 'number', 'boolean', 'object', 'objects'] as const
type Kind = (typeof kinds)[number]

/** A member that a type declares. */
export interface Member {
  type?: Kind | undefined
  required?: boolean | undefined
  values?: string[] | undefined
  description?: OwnWords | undefined
  members?: Record<string, Member> | undefined
}
export interface DetailType {
  description?: OwnWords | undefined
  members: Record<string, Member>
}

/** §2.2: the members whose form the specification says. */
const common: Readonly<Record<string, Kind>> = {
  locations: 'texts',
  actions: 'texts',
  datatypes: 'texts',
  privileges: 'texts',
  identifier: 'text',
}

const Name = v.pipe(
  v.string(),
  v.regex(/^[\x21\x23-\x5b\x5d-\x7e]{1,100}$/, 'a type or a member is a name without spaces'),
)
const MemberName = v.pipe(
  Name,
  v.check((name) => name !== 'type', 'a name other than type'),
)

const Member: v.GenericSchema<Member> = v.pipe(
  v.strictObject({
    type: v.optional(v.picklist(kinds, `expected one of ${kinds.join(', ')}`)),
    required: v.optional(v.boolean()),
    values: v.optional(v.pipe(v.array(v.string()), v.nonEmpty())),
    description: v.optional(OwnText),
    members: v.optional(v.lazy(() => Members)),
  }),
  v.check(
    ({ type, members }) => (type === 'object' || type === 'objects') === (members !== undefined),
    'members are for the types object and objects, which need them',
  ),
  v.check(
    ({ type, values }) => values === undefined || type === undefined || type.startsWith('text'),
    'values are for text and texts',
  ),
)
const Members: v.GenericSchema<Record<string, Member>> = v.record(MemberName, Member)

const Type: v.GenericSchema<DetailType> = v.strictObject({
  description: v.optional(OwnText),
  members: v.pipe(
    Members,
    v.check(
      (members) =>
        Object.entries(members).every(
          ([name, { type }]) => type === undefined || !Object.hasOwn(common, name) || type === common[name],
        ),
      `the members ${Object.keys(common).join(', ')} have the form of RFC 9396 2.2`,
    ),
  ),
})
const Types = v.record(Name, Type)

/** A type that is a name alone: the members of §2.2, of which each may be absent. */
const bare: DetailType = { members: Object.fromEntries(Object.keys(common).map((name) => [name, {}])) }

const expected =
  'space-separated names, JSON such as {"payment":{"description":"Make a payment","members":{"amount":{"required":true}}}}, or the path of a .json file with it'

const types = v.pipe(
  v.string(),
  v.rawTransform<string, Readonly<Record<string, DetailType>>>(({ dataset, addIssue, NEVER }) => {
    const text = dataset.value.trim()
    if (text.startsWith('{') || text.endsWith('.json'))
      return readJsonSetting(text, Types, expected, addIssue) ?? NEVER
    const names = v.safeParse(is.words, text)
    if (names.success) return Object.fromEntries(names.output.map((name) => [name, bare]))
    addIssue({ message: `expected ${expected}` })
    return NEVER
  }),
  v.description(expected),
)

export const env = defineEntries([
  {
    name: 'AUTHORIZATION_DETAILS_TYPES',
    realm: 'own_or_server_by_command',
    schema: types,
    default: '',
    help: 'Types of authorization_details that your APIs understand (RFC 9396). A type declares its members; a request with any other member is refused. A member has a type (text, texts, number, boolean, object, objects), required, values and members, and a description for the consent page, as the type has. A type that is a name alone has the members of RFC 9396 §2.2. Empty: none is accepted.',
  },
])

export const typesOf = (config: Config): Readonly<Record<string, DetailType>> =>
  featureConfig(config, 'authorization_details', env).authorizationDetailsTypes

const Text = v.pipe(v.string('expected text'), v.maxLength(500, 'expected at most 500 characters'))

const list = (item: v.GenericSchema): v.GenericSchema =>
  v.pipe(v.array(item, 'expected an array'), v.maxLength(50, 'expected at most 50 items'))

const textOf = ({ values }: Member): v.GenericSchema =>
  values ? v.picklist(values, `expected one of ${values.join(', ')}`) : Text

const forms: Record<Kind, (member: Member) => v.GenericSchema> = {
  text: textOf,
  texts: (member) => list(textOf(member)),
  number: () => v.number('expected a number'),
  boolean: () => v.boolean('expected true or false'),
  object: ({ members = {} }) => objectOf(members),
  objects: ({ members = {} }) => list(objectOf(members)),
}

const objectOf = (members: Readonly<Record<string, Member>>, more: v.ObjectEntries = {}): v.GenericSchema =>
  v.strictObject(
    {
      ...Object.fromEntries(
        Object.entries(members).map(([name, member]) => {
          const form = forms[member.type ?? common[name] ?? 'text'](member)
          return [name, member.required === true ? form : v.optional(form)]
        }),
      ),
      ...more,
    },
    (issue) =>
      issue.expected === 'never'
        ? `is no member that the type declares: ${Object.keys(members).join(', ') || 'none'}`
        : issue.received === 'undefined'
          ? 'is required'
          : 'expected an object',
  )

/** The form of an object of this type (§5: unknown members and wrong values are refused). */
export const formOf = ({ members }: DetailType): v.GenericSchema => objectOf(members, { type: v.string() })
