/** Every kind of record and index that the code names is in a backup, or left out of it for a reason. */
import { expect, test } from 'bun:test'
import { Glob } from 'bun'
import { isKept, isListed, leftOut } from '../../../src/cli/backup/kinds.ts'

const root = `${import.meta.dir}/../../../src/`
const sources = await Promise.all(
  [...new Glob('{models,people,features,clients,flow,grants,http}/**/*.ts').scanSync(root)].map((path) =>
    Bun.file(root + path).text(),
  ),
)
const all = sources.join('\n')
const named = (pattern: RegExp): string[] => [...all.matchAll(pattern)].map(([, name]) => name!)

/** Keys that are written by other means than a record, and expire by themselves. */
const passing = [
  'assertion',
  'backchannel_jti',
  'dpop',
  'factor_code_tries',
  'half_done',
  'jwt_bearer',
  'pushed_request_used',
  'second_factor_told',
  'tries',
]

test('each kind that the code defines is listed', () => {
  const records = named(/define(?:Record|LeaseQueue)\(\s*'([a-z_]+)'/g)
  const indexes = [
    ...named(/\b(?:[a-z]*[iI]ndex) = '([a-z_]+)'/g),
    ...named(/\bindex: '([a-z_]+)'/g),
    ...named(/=> `([a-z_]+):\$\{(?:sub|sid)\}`/g),
  ]
  expect(records.length).toBeGreaterThan(40)
  expect(indexes.length).toBeGreaterThan(15)
  expect([...records, ...indexes].filter((name) => !isListed(name))).toEqual([])
})

test('each other key is one that expires by itself', () => {
  const constants = named(/[a-z]Key = (?:\([^)]*\)(?:: string)? => )?['`]([a-z_]+)/g)
  expect(constants.length).toBeGreaterThan(3)
  const keys = [...constants, ...named(/`([a-z_]+):\$\{(?:sha256|user\.|what|jkt|id\b)/g)]
  expect(keys.length).toBeGreaterThan(5)
  expect(keys.filter((name) => !isListed(name) && !passing.includes(name))).toEqual([])
})

test('what is not listed, or listed as left out, is not kept; the configuration has nobody in it', () => {
  const value = (key: string) => ({ kind: 'value', key, value: '' }) as const
  for (const name of [...Object.keys(leftOut), ...passing, 'unknown', '__proto__', 'constructor', ''])
    expect([name, isKept(value(`${name}:x`), 'everything')]).toEqual([name, false])
  expect(isKept(value('user:x'), 'everything')).toBe(true)
  expect(isKept(value('user:x'), 'configuration')).toBe(false)
  expect(isKept(value('client:x'), 'configuration')).toBe(true)
  expect(isKept({ kind: 'member', index: 'users', member: 'x', score: 1 }, 'configuration')).toBe(false)
  expect(isKept({ kind: 'member', index: 'clients', member: 'x', score: 1 }, 'configuration')).toBe(true)
})
