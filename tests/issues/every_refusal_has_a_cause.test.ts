/** Half of all refusals had no probable cause on their page. Each that a client's author can meet has one now, and says how to mend it. */
import { expect, test } from 'bun:test'
import { httpRefusals } from '../../src/auth/errors.ts'
import { causesOfFailure, causeRows, knownRows } from '../../src/features/lab_errors/causes/rows.ts'
import type { Failure } from '../../src/features/lab_errors/failure.ts'
import { misnamed } from '../lab/explained.ts'
import { provider } from '../support/provider.ts'
import { refusalsInSource } from '../support/refusals_in_source.ts'

const bare: Failure = {
  id: 'x',
  at: 0,
  kind: 'refused',
  code: 'of_a_test',
  status: 400,
  rule: 'RFC 6749 §5.2',
  expected: '',
  request: {
    method: 'POST',
    path: '/x',
    url: { protocol: 'http:', host: 'localhost' },
    address: '127.0.0.1',
    peer: '127.0.0.1',
    headers: {},
    query: {},
    form: {},
  },
  clientId: undefined,
  traces: {},
}

const { context } = await provider()
const causesFor = (failure: Partial<Failure>) =>
  causesOfFailure({
    failure: { ...bare, ...failure },
    client: undefined,
    isDisabled: false,
    context,
    isBlocked: false,
    nearClients: [],
  })

/** Refusals that no request of a client can get, or whose text is made when it is read. */
const without: Readonly<Record<string, string>> = {
  'what the page asks for': 'the log alone has it',
  'x is required for grant_type x': 'the code decides: invalid_request',
}

const all = await refusalsInSource(`${import.meta.dir}/../../src`)

test('the source is read: its refusals are many, and each has rules and a demand', () => {
  expect(all.length).toBeGreaterThan(250)
  expect(new Set(all.map(({ path }) => path)).size).toBeGreaterThan(50)
  for (const { rules, says } of all) expect([rules.length > 0, says.length > 0]).toEqual([true, true])
})

test('each refusal has a cause that says how to mend it', () => {
  const missing = all.flatMap(({ path, says }) => {
    const isExcused = says.some((each) => Object.keys(without).some((text) => each.startsWith(text)))
    const isOfParameter = says.some((each) => each.startsWith('x${issue'))
    const causes = says.flatMap((expected) => causesFor({ expected }))
    const isMended = causes.some(({ title, mend }) => title !== '' && mend.length > 0)
    return isExcused || isOfParameter || isMended ? [] : [`${path}: ${says.join(' / ')}`]
  })
  expect(missing).toEqual([])
})

test('a demand that no row knows is not explained, so the test above can fail', () => {
  expect(causesFor({ expected: 'a moon that is full' })).toEqual([])
})

/** Of the pages of End-Users and of the administration API, which say by themselves what to do. */
const ofOthers = [
  ...['session_limit', 'account_being_deleted', 'forbidden', 'conflict'],
  ...['precondition_failed', 'unprocessable', 'precondition_required'],
]

test.each([
  ...Object.keys(httpRefusals).filter((code) => !ofOthers.includes(code)),
  ...['invalid_request', 'invalid_client_metadata'],
])('the code %s has a cause, whatever is demanded', (code) => {
  const headers = { origin: 'https://other.example' }
  const request = { ...bare.request, headers }
  expect(causesFor({ code, expected: 'a moon that is full', request })).not.toEqual([])
})

test('each command and setting exists, and each row has a name of its own', async () => {
  const demands = all.flatMap(({ says }) => says)
  const lines = demands.flatMap((expected) =>
    causesFor({ expected }).flatMap(({ mend }) => mend.flatMap(({ code = [] }) => code)),
  )
  expect(await misnamed(lines)).toEqual([])
  const names = [...causeRows, ...knownRows].map(({ name }) => name)
  expect(names.filter((name, at) => names.indexOf(name) !== at)).toEqual([])
})

test('each row of the table explains a refusal of the source', () => {
  const used = new Set(
    all.flatMap(({ says }) => says.flatMap((expected) => causesFor({ expected }))).map(({ name }) => name),
  )
  const ofText = knownRows.filter(({ codes }) => codes === undefined).map(({ name }) => name)
  expect(ofText.filter((name) => !used.has(name))).toEqual([])
})
