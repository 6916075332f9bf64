/** Rows of sockets: how many there are, how the fillings of features are joined, and what fails the boot. */
import { describe, expect, test } from 'bun:test'
import { byName, distinct, each, flat, members, named, ordered } from '../../../src/contracts/join.ts'
import { sockets } from '../../../src/contracts/sockets.ts'
import type { Feature } from '../../../src/contracts/feature.ts'
import { buildTable } from '../../../src/table.ts'

test('there are at most 38 sockets and that of the lab, the algorithms of the key ring among them', () => {
  const { lab, ...others } = sockets
  expect(Object.keys(lab)).toEqual(['answers', 'modes', 'refused', 'explains', 'answered', 'recorded'])
  expect(Object.keys(others).length + 1).toBeLessThanOrEqual(38)
})

describe('a row joins', () => {
  const [a, b, c] = [
    { name: 'a', order: 3 },
    { name: 'b', order: 1 },
    { name: 'c', order: 2 },
  ]

  test('lists by name, in the order of the features', () => {
    expect([...byName([[b], [a, c]], 'x')]).toEqual([
      ['b', b],
      ['a', a],
      ['c', c],
    ])
    expect(named([[b], [a, c]], 'x')).toEqual([b, a, c])
  })

  test('lists by their order', () => expect(ordered([[a], [b, c]], 'x')).toEqual([b, c, a]))

  test('values, lists and sets', () => {
    expect(each([[1], [1, 2]])).toEqual([[1], [1, 2]])
    expect(flat([[1], [1, 2]])).toEqual([1, 1, 2])
    expect(distinct([[1], [1, 2]])).toEqual(new Set([1, 2]))
  })

  test('members of objects', () =>
    expect(
      members<{ entries: Record<string, number> }>([{ entries: { a: 1 } }, { entries: { b: 2 } }], 'x'),
    ).toEqual({ a: 1, b: 2 }))

  test('nothing twice under one name', () => {
    const twice = 'two features claim a of x'
    expect(() => byName([[a], [a]], 'x')).toThrow(twice)
    expect(() => named([[a], [a]], 'x')).toThrow(twice)
    expect(() => ordered([[a], [a]], 'x')).toThrow(twice)
    expect(() => members([{ entries: { a: 1 } }, { entries: { a: 1 } }], 'x')).toThrow(twice)
  })
})

describe('the table', () => {
  const data = (name: string) => ({ name, read: async () => undefined, erase: async () => undefined })
  const first: Feature = {
    name: 'first',
    sessions: { signedOut: () => ['first'] },
    repeatable: ['resource'],
    personData: [data('here')],
  }
  const second: Feature = {
    name: 'second',
    sessions: { signedOut: () => ['second'], begun: () => ['second'] },
    logout: { channel: () => 'server' },
  }

  test('has a value for every row, filled or not', () => {
    const table: Record<string, unknown> = { ...buildTable([]) }
    for (const [socket, row] of Object.entries(sockets)) {
      expect(table[socket], socket).toBeDefined()
      if (typeof row === 'object') expect(Object.keys(table[socket] as object)).toEqual(Object.keys(row))
    }
    expect(buildTable([]).sessions).toEqual({ holds: [], begun: [], signedIn: [], signedOut: [] })
  })

  test('joins each row of a group by itself, the core and then the features in their order', () => {
    const table = buildTable([first, second])
    expect(table.features).toEqual(['core', 'first', 'second'])
    expect(table.sessions).toEqual({
      holds: [],
      begun: [second.sessions!.begun!],
      signedIn: [],
      signedOut: [first.sessions!.signedOut!, second.sessions!.signedOut!],
    })
    expect(table.logout.channel).toHaveLength(1)
    expect(table.repeatable).toEqual(new Set(['resource']))
  })

  test('knows what features that are left out keep of people, and nothing else of them', () => {
    const table = buildTable([second], [first])
    expect(table.personData.map(({ name }) => name)).toContain('here')
    expect(table.features).not.toContain('first')
    expect(table.repeatable).toEqual(new Set())
  })

  test('is refused where two features claim one name or one path', () => {
    const [endpoint] = buildTable([]).endpoints
    expect(() => buildTable([first, first])).toThrow('two features claim first of features')
    expect(() => buildTable([first, { name: 'other', personData: [data('here')] }])).toThrow(
      'two features claim here of personData',
    )
    const samePath = { ...endpoint!, name: 'two' }
    expect(() => buildTable([{ name: 'x', endpoints: [samePath] }])).toThrow(endpoint!.path)
  })
})
