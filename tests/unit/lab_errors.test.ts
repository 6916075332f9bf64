/** The parts of the pages about failed requests: comparison, order of causes, and rows that know little of a failure. */
import { describe, expect, test } from 'bun:test'
import {
  type CauseRow,
  causesOf,
  duration,
  type Seen,
  word,
} from '../../src/features/lab_errors/causes/cause.ts'
import { causeRows } from '../../src/features/lab_errors/causes/rows.ts'
import { compare, mostLike } from '../../src/features/lab_errors/compare.ts'
import type { Failure } from '../../src/features/lab_errors/failure.ts'
import { misnamed } from '../lab/explained.ts'
import { provider } from '../support/provider.ts'

describe('compare', () => {
  const parts = (wanted: string, came: string) => {
    const { wanted: a, came: b, difference } = compare('x', wanted, came)
    expect([a.before + a.marked + a.after, b.before + b.marked + b.after]).toEqual([wanted, came])
    return [a.marked, b.marked, difference]
  }
  test.each([
    [
      'https://a/cb',
      'https://a/cb/',
      '',
      '/',
      "First difference at character 13: expected the end, got '/'.",
    ],
    ['https://a/cb', 'http://a/cb', 's', '', "First difference at character 5: expected 's', got ':'."],
    ['openid email', 'openid,email', ' ', ',', "First difference at character 7: expected a space, got ','."],
    ['abc', 'xyz', 'abc', 'xyz', "First difference at character 1: expected 'a', got 'x'."],
    ['aa', 'aaaa', '', 'aa', "First difference at character 3: expected the end, got 'a'."],
    ['', '\n', '', '\n', 'First difference at character 1: expected the end, got a line break.'],
    ['same', 'same', '', '', 'The two are equal.'],
  ] as const)('%p and %p', (wanted, came, a, b, difference) => {
    expect(parts(wanted, came)).toEqual([a, b, difference])
  })
  test('of several values the most similar one is meant', () => {
    expect(mostLike('http://b:3000/cb', ['https://a/cb', 'http://b:5173/cb', 'x'])).toBe('http://b:5173/cb')
    expect(mostLike('x', [])).toBeUndefined()
  })
})

test('durations are in the largest unit that fits', () => {
  expect([400, 1_000, 59_000, 60_000, 7_200_000, 86_400_000, -3_000].map(duration)).toEqual([
    ...['less than a second', '1 second', '59 seconds', '1 minute', '2 hours', '1 day', '3 seconds'],
  ])
})

test('a value in a command is one word of a shell', () => {
  expect(word('https://a.example/cb')).toBe('https://a.example/cb')
  for (const odd of ["a b'; rm -rf ~", '$(reboot)', '`reboot`', 'a&b', 'a\nb', '*', '~', '']) {
    const echoed = Bun.spawnSync(['sh', '-c', `printf %s ${word(odd)}`]).stdout.toString()
    expect(echoed).toBe(odd)
  }
})

const bare: Failure = {
  id: 'x',
  at: 1_000_000,
  kind: 'refused',
  code: 'invalid_request',
  status: 400,
  rule: 'RFC 6749 §3.1',
  expected: 'something',
  request: {
    method: 'POST',
    path: '/token',
    url: { protocol: '', host: '' },
    address: '',
    peer: '',
    headers: {},
    query: {},
    form: {},
  },
  clientId: undefined,
  traces: {},
}

const seen = (failure: Partial<Failure>, more: Partial<Seen> & Pick<Seen, 'context'>): Seen => ({
  failure: { ...bare, ...failure },
  client: undefined,
  isDisabled: false,
  isBlocked: false,
  nearClients: [],
  ...more,
})

test('causes are in the order of certainty, then of the rows', async () => {
  const row = (
    name: string,
    certainty: 'proven' | 'likely' | 'possible',
    more: Partial<CauseRow> = {},
  ): CauseRow => ({
    name,
    explain: () => ({ certainty, title: name, evidence: [], mend: [] }),
    ...more,
  })
  const rows = [
    row('a', 'possible'),
    row('b', 'proven'),
    row('c', 'likely'),
    row('d', 'proven'),
    row('other code', 'proven', { codes: ['invalid_grant'] }),
    row('other rule', 'proven', { rule: 'RFC 7636' }),
    row('longer rule', 'proven', { rule: 'RFC 6749 §3' }),
    row('e', 'likely', { codes: ['invalid_request'], rule: 'RFC 6749' }),
  ]
  expect(causesOf(rows, seen({}, await provider())).map(({ name }) => name)).toEqual([
    'b',
    'd',
    'c',
    'e',
    'a',
  ])
})

test('no row needs more than a failure has, and none says nothing or undefined', async () => {
  const codes = [...new Set(['cors_blocked', ...causeRows.flatMap((each) => each.codes ?? [])])]
  const rules = [...new Set([bare.rule, ...causeRows.flatMap((each) => each.rule ?? [])])]
  const hidden = { hidden: { characters: 3, mark: 'x' } }
  const names = [
    'client_id',
    'redirect_uri',
    'scope',
    'grant_type',
    'code_challenge',
    'code_challenge_method',
  ]
  const texts = ['', 'a', 'http://[', '%', 'openid,email', 'x'.repeat(500)]
  const headers = { via: '', origin: 'null', authorization: '', 'content-type': '', 'sec-fetch-mode': 'cors' }
  const failures: Partial<Failure>[] = [
    {},
    { request: { ...bare.request, headers } },
    { request: { ...bare.request, form: Object.fromEntries(names.map((name) => [name, hidden])) } },
    ...texts.map((text) => ({
      clientId: text,
      came: { text },
      expected: `redirect_uri is ${text}`,
      request: { ...bare.request, headers, form: Object.fromEntries(names.map((name) => [name, { text }])) },
    })),
    ...[
      {},
      { iss: 1, sub: null, aud: [], exp: 'x', iat: {}, htu: 5 },
      { exp: 1e300, iat: 1e15, aud: 'x' },
      { exp: -1e300, iat: -1e300 },
      { exp: -1e13, iat: -1e12 },
    ].map((claims): Partial<Failure> => ({
      traces: {
        assertion: { header: {}, claims },
        proof: { header: {}, claims },
        token: { look: 'JWT', jwt: { header: {}, claims }, place: 'header' },
      },
    })),
  ]
  const { context } = await provider()
  let explained = 0
  const lines = new Set<string>()
  for (const code of codes)
    for (const rule of rules)
      for (const failure of failures)
        for (const isBlocked of [false, true]) {
          const about = seen({ ...failure, code, rule: rule as Failure['rule'] }, { context, isBlocked })
          for (const cause of causesOf(causeRows, about)) {
            explained++
            for (const { code = [] } of cause.mend) for (const each of [code].flat()) lines.add(each)
            const said = [
              cause.title,
              ...cause.evidence,
              ...cause.mend.flatMap(({ text, code = [] }) => [text, ...[code].flat()]),
            ]
            expect(said.filter((each) => /undefined|NaN|\[object/.test(each) || each.trim() === '')).toEqual(
              [],
            )
          }
        }
  expect(explained).toBeGreaterThan(1_000)
  expect(await misnamed([...lines])).toEqual([])
})

test('a variable that is not set is a cause only of a refusal of its parameter', async () => {
  const { context } = await provider()
  const first = (expected: string, unset: string[]) =>
    causesOf(causeRows, seen({ expected, traces: { unset } }, { context }))[0]?.name
  expect(first('client_id is required', ['client_id'])).toBe('variable_not_set')
  expect(first('a code_verifier whose SHA-256 is the challenge', ['code'])).toBeUndefined()
  expect(first('client_id is required', ['state'])).toBeUndefined()
})

test('each row has a name of its own', () => {
  const names = causeRows.map(({ name }) => name)
  expect(new Set(names).size).toBe(names.length)
})
