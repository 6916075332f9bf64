/** The log of Latchkey comes after its answers: a lesson is judged when the log has caught up. */
import { afterAll, expect, test } from 'bun:test'
import { addressesAt, defaultPorts } from '../../examples/attack_lab/addresses.ts'
import type { Fact } from '../../examples/attack_lab/facts.ts'
import { providerLog } from '../../examples/attack_lab/provider_log.ts'
import { until } from '../support/until.ts'

/** Answers each request at once. Its log is written by the test. */
const asked: string[] = []
const provider = Bun.serve({
  hostname: '127.0.0.1',
  port: 0,
  fetch: ({ url }) => (asked.push(new URL(url).pathname), new Response(null, { status: 404 })),
})
afterAll(() => provider.stop(true))

function followed() {
  const facts: Fact[] = []
  let write = (_: string) => {}
  let end = () => {}
  const stream = new ReadableStream<Uint8Array>({
    start(controller) {
      write = (text) => controller.enqueue(new TextEncoder().encode(text))
      end = () => controller.close()
    },
  })
  const at = { ...addressesAt(defaultPorts), provider: `http://127.0.0.1:${provider.port}` }
  const log = providerLog(stream, { at, weak: () => false, note: (fact) => facts.push(fact) })
  return { log, facts, write, end }
}

const refused = (path: string) =>
  `${JSON.stringify({ event: 'refused', rule: 'RFC 1', problem: 'no', path })}\n`

test('caughtUp waits for the line of its own request, and so for every line before', async () => {
  const { log, facts, write, end } = followed()
  const following = log.follow()
  let isThere = false
  const caughtUp = log.caughtUp().then(() => (isThere = true))
  await until(() => asked.length > 0, 'the request')
  const [own = ''] = asked.splice(0)
  write(refused('/token').slice(0, 20))
  write(`${refused('/token').slice(20)}not JSON\n`)
  await until(() => facts.length > 0, 'the first line')
  expect(isThere).toBe(false)
  write(refused(own))
  await caughtUp
  expect(facts).toEqual([{ what: 'provider refused', rule: 'RFC 1', problem: 'no', path: '/token' }])
  end()
  await following
})

test('caughtUp waits for no log that has ended, and for no provider that is gone', async () => {
  const { log, write, end } = followed()
  write(`${JSON.stringify({ event: 'started' })}\n`)
  expect(await log.started()).toBe(true)
  const following = log.follow()
  const caughtUp = log.caughtUp()
  await until(() => asked.length > 0, 'the request')
  end()
  await Promise.all([following, caughtUp])
  await log.caughtUp()
  await provider.stop(true)
  await followed().log.caughtUp()
})

test('a log that ends before the start says so', async () => {
  const { log, end } = followed()
  end()
  expect(await log.started()).toBe(false)
})
