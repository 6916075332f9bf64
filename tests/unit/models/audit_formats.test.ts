/** Entries in OCSF and ECS: every kind fits the schema of OCSF 1.8.0 (tests/vectors/ocsf_1.8.0.json, from schema.ocsf.io). */
import { describe, expect, test } from 'bun:test'
import { csvLine } from '../../../src/lib/csv.ts'
import type { Entry } from '../../../src/models/audit/entry.ts'
import { formats } from '../../../src/models/audit/formats/format.ts'
import { kinds, type KindName } from '../../../src/models/audit/kinds.ts'
import type { Kind } from '../../../src/models/audit/kind.ts'
import vectors from '../../vectors/ocsf_1.8.0.json'

interface Attribute {
  type: string
  array?: boolean
  required?: boolean
  values?: number[]
}
interface Shape {
  uid?: number
  attributes: Record<string, Attribute>
  at_least_one?: string[]
}
const classes = vectors.classes as unknown as Record<string, Shape>
const objects = vectors.objects as unknown as Record<string, Shape>
const scalars: Record<string, string> = {
  integer_t: 'number',
  long_t: 'number',
  timestamp_t: 'number',
  boolean_t: 'boolean',
}

/** What does not fit the schema, by path. */
function misfits(value: Record<string, unknown>, shape: Shape, path: string): string[] {
  const found: string[] = []
  for (const [name, { required }] of Object.entries(shape.attributes))
    if (required && value[name] === undefined) found.push(`${path}.${name} is missing`)
  if (shape.at_least_one && !shape.at_least_one.some((name) => value[name] !== undefined))
    found.push(`${path} has none of ${shape.at_least_one.join(', ')}`)
  for (const [name, member] of Object.entries(value)) {
    const attribute = shape.attributes[name]
    const at = `${path}.${name}`
    if (!attribute) found.push(`${at} is not in the schema`)
    else if (attribute.array) {
      if (!Array.isArray(member)) found.push(`${at} is no array`)
    } else if (objects[attribute.type])
      found.push(...misfits(member as Record<string, unknown>, objects[attribute.type]!, at))
    else if (attribute.type.endsWith('_t')) {
      const type = scalars[attribute.type] ?? 'string'
      if (attribute.type !== 'json_t' && typeof member !== type) found.push(`${at} is no ${type}`)
      if (attribute.values && !attribute.values.includes(member as number))
        found.push(`${at} has no value ${String(member)}`)
    } else if (typeof member !== 'object') found.push(`${at} is no object`)
  }
  return found
}

const full: Partial<Entry> = {
  operator: 'root',
  subject: 'a-pseudonym',
  client_id: 'app',
  request_id: 'r-1',
  trace_id: '0af7651916cd43dd8448eb211c80319c',
  address: '203.0.113.7',
  device: 'Firefox',
  reason: 'wrong_password',
  details: { path: '/token', change: 'roles_set', roles: ['owner'] },
}

const entryOf = (kind: KindName, more: Partial<Entry>): Entry => {
  const { outcome, actor } = kinds[kind] as Kind
  return {
    ...{ v: 1, chain: 'one', seq: 7, time: '2026-11-29T10:00:00.000Z', kind, outcome, actor },
    ...{ key: 'abcdefgh', mac: 'm'.repeat(43) },
    ...more,
  }
}

const origin = { issuer: 'https://id.example', version: '1.2.3' }
const written = (format: 'ocsf' | 'ecs', entry: Entry): Record<string, unknown> => {
  const line = formats[format]({ entry, line: JSON.stringify(entry) }, origin)
  expect(line).not.toContain('\n')
  return JSON.parse(line) as Record<string, unknown>
}

describe.each(Object.keys(kinds) as KindName[])('%s', (kind) => {
  test.each([
    ['with all members', full],
    ['with the least', {}],
  ])('%s', (_, more) => {
    const entry = entryOf(kind, more)
    const event = written('ocsf', entry)
    const shape = Object.values(classes).find(({ uid }) => uid === event.class_uid)!
    expect(misfits(event, shape, '')).toEqual([])
    expect(event).toMatchObject({
      category_uid: Math.floor(shape.uid! / 1000),
      type_uid: shape.uid! * 100 + (event.activity_id as number),
      activity_name: kind,
      time: Date.parse(entry.time),
    })
    const document = written('ecs', entry)
    expect(document).toMatchObject({
      '@timestamp': entry.time,
      event: { action: kind, id: 'one:7', outcome: entry.outcome === 'success' ? 'success' : 'failure' },
      latchkey: { chain: 'one', seq: 7, mac: entry.mac },
    })
  })
})

test('the check of the schema can fail', () => {
  expect(misfits({ class_uid: 'x', nonsense: 1 }, classes.authentication!, '')).toEqual(
    expect.arrayContaining([
      '.user is missing',
      '.class_uid is no number',
      '.nonsense is not in the schema',
      ' has none of service, dst_endpoint',
    ]),
  )
})

test('the classes that the issue names', () => {
  const uidOf = (kind: KindName) => written('ocsf', entryOf(kind, full)).class_uid
  expect(uidOf('signed_in')).toBe(3002)
  expect(uidOf('password_changed')).toBe(3001)
  expect(uidOf('tokens_issued')).toBe(6003)
})

test('a text of a request is a string of JSON and nothing else, whatever it has', () => {
  const evil = '"},"class_uid":1,"x":{"\n=cmd|calc\u2028'
  const entry = entryOf('sign_in_failed', { ...full, device: evil, client_id: evil, address: evil })
  for (const format of ['ocsf', 'ecs'] as const)
    expect(JSON.stringify(written(format, entry))).toContain(JSON.stringify(evil).slice(1, -1))
  expect(written('ocsf', entry).class_uid).toBe(3002)
  expect((written('ecs', entry).source as Record<string, unknown>).ip).toBeUndefined()
  expect(csvLine(['=cmd|calc'])).toBe("'=cmd|calc")
})
