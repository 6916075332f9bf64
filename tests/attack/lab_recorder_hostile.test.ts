/** Requests that are made to break their own recording: each is answered as without the lab, and none costs more than its size. docs/lab.md */
import { expect, test } from 'bun:test'
import { type FlowRecorder, openRecorder } from '../../src/models/recording/recorder.ts'
import type { Flow } from '../../src/models/recording/recorded.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { demo, formPost } from '../support/client.ts'
import { type Provider, provider } from '../support/provider.ts'

const lab = (env: Record<string, string> = {}): Promise<Provider> =>
  provider({ env: { LAB: 'true', REGISTRATION: 'open', ...env } })
const flows = (op: Provider): Flow[] => op.context.recorder!.flows.list()

const json = (body: string): RequestInit => ({
  method: 'POST',
  body,
  headers: { 'content-type': 'application/json' },
})
const deep = (levels: number): string => `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`

test.each([
  ['a quoted word of the recorder', '/token', formPost(demo, { client_secret: '"headers"' })],
  ['a name of a member', '/token', formPost(demo, { password: 'endpoint' })],
  ['a kind of a step', '/token', formPost(demo, { password: 'verified' })],
  ['a header', '/token', { ...formPost(demo, {}), headers: { 'x-api-key': '"endpoint"' } }],
  ['half of a surrogate pair', '/register', json('{"client_secret":"\\ud800aaaaaaaa"}')],
  ['half of a surrogate pair in a form', '/token', formPost(demo, { pin: '\ud800aaaaaaaa' })],
  ['many levels', '/register', json(deep(5_000))],
  ['more levels than the stack holds', '/register', json(deep(31_000))],
  ['many lists', '/register', json('['.repeat(30_000) + ']'.repeat(30_000))],
] as [string, string, RequestInit][])(
  '%s is answered as without the lab, and recorded',
  async (_, path, init) => {
    const [plain, op] = await Promise.all([provider({ env: { REGISTRATION: 'open' } }), lab()])
    const [expected, response] = [await plain.fetch(path, init), await op.fetch(path, init)]
    expect(response.status).toBe(expected.status)
    const [flow, ...others] = flows(op)
    expect(others).toEqual([])
    const [exchange] = flow!.exchanges
    expect(exchange!.endpoint).toBe(path === '/token' ? 'token' : 'registration')
    expect(exchange!.answer.status).toBe(expected.status)
    // Each level costs two more characters on each line.
    expect(exchange!.request.body?.length ?? 0).toBeLessThan(20_000)
    for (const as of ['json', 'markdown', 'har', 'curl'])
      expect((await op.fetch(`/lab/flow/export?id=${flow!.id}&as=${as}`)).status).toBe(200)
    expect((await op.fetch(`/lab/flow?id=${flow!.id}`)).status).toBe(200)
  },
)

test('indented levels are bounded', async () => {
  const op = await lab()
  await op.fetch('/register', json(deep(5_000)))
  expect(flows(op)[0]!.exchanges[0]!.request.body).toContain('deeper than 50 levels')
})

test.each([['canary"quoted\\7f3a'], ['canary of words+7f3a'], ['canary<7f3a>&amp']])(
  'a secret such as %s appears in no spelling',
  async (secret) => {
    const op = await lab()
    const body = JSON.stringify({ client_secret: secret, client_name: secret, note: `so ${secret} it is` })
    await op.fetch(`/register?${new URLSearchParams({ state: secret })}`, json(body))
    await op.fetch('/token', formPost(demo, { pin: secret, state: secret, scope: secret }))
    expect(flows(op)).toHaveLength(2)
    const kept = JSON.stringify(flows(op))
    expect(kept).toContain('[masked ')
    expect(kept).not.toMatch(/canary/)
  },
)

/** Records a request during which the records of `keys` are read. */
const touch = (recorder: FlowRecorder, ...keys: string[]) =>
  recorder.exchange(
    {
      method: 'POST',
      url: 'http://localhost:5000/token',
      headers: [],
      body: () => undefined,
      endpoint: { name: 'token', page: false },
    },
    () => {
      for (const key of keys) recorder.store({ verb: 'get', key })
    },
    async () => ({ status: 200, headers: [['content-type', 'text/plain']], body: 'x'.repeat(2_000) }),
  )

test('keys of exchanges that a flow has dropped are dropped, too', async () => {
  const recorder = openRecorder({ clock: systemClock }, false, 2_000_000)
  for (let at = 0; at < 500; at += 1) await touch(recorder, 'grant:one', `access:${at}`)
  const [flow, ...others] = recorder.flows.list()
  expect(others).toEqual([])
  expect(flow!.dropped).toBeGreaterThan(100)
  await touch(recorder, 'access:0')
  await touch(recorder, 'access:499')
  expect(recorder.flows.list()).toHaveLength(1)
  await touch(recorder, 'access:100')
  expect(recorder.flows.list()).toHaveLength(2)
  await touch(recorder, 'grant:one', 'access:101')
  recorder.close()
  expect(recorder.flows.list().map(({ id }) => id)[0]).toBe(flow!.id)
})

test('an exchange of several flows joins none, or that of its own interaction', async () => {
  const recorder = openRecorder({ clock: systemClock }, false)
  await touch(recorder, 'interaction:a', 'grant:a')
  await touch(recorder, 'interaction:b', 'grant:b')
  await touch(recorder, 'grant:a', 'grant:b')
  const { flows: all } = recorder
  expect(all.list().map(({ exchanges }) => exchanges.length)).toEqual([1, 1, 1])
  await touch(recorder, 'interaction:b', 'grant:a', 'grant:b')
  await touch(recorder, 'grant:a')
  recorder.close()
  expect(all.list().map(({ exchanges }) => exchanges.length)).toEqual([2, 2, 1])
})

test('an answer is given and the log says so when its recording fails', async () => {
  const lines: unknown[] = []
  const log = { error: (event: string, fields: unknown) => lines.push([event, fields]) }
  const recorder = openRecorder({ clock: systemClock, log }, false)
  const answer = recorder.exchange(
    {
      method: 'GET',
      url: 'http://localhost:5000/token',
      headers: [],
      body: () => {
        throw new Error('no body')
      },
      endpoint: { name: 'token', page: false },
    },
    () => {
      // A value that has no JSON.
      recorder.log('info', 'heard', { problem: 1n } as never)
      return 'the answer'
    },
    async () => ({ status: 200, headers: [], body: '' }),
  )
  expect(await answer).toBe('the answer')
  recorder.close()
  expect(lines.map((line) => (line as string[])[0])).toEqual([
    'exchange_not_recorded',
    'exchange_not_recorded',
  ])
  expect(recorder.flows.list()).toEqual([])
})
