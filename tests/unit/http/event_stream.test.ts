/** Streams of events: what changes is told, and a stream ends with its reader, its right, the process and its time. */
import { expect, test } from 'bun:test'
import { createStreams, eventStream } from '../../../src/http/event_stream.ts'

function stream(looks: (string | Error)[], more: { closing?: () => boolean; signal?: AbortSignal } = {}) {
  const left = [...looks]
  const waits: number[] = []
  const reply = eventStream(
    { request: new Request('http://localhost/', more.signal ? { signal: more.signal } : {}) },
    { streams: createStreams(), closing: more.closing ?? (() => false) },
    {
      lane: 'alice',
      async look() {
        const next = left.length > 1 ? left.shift()! : left[0]!
        if (next instanceof Error) throw next
        return next
      },
      wait: async (ms) => void waits.push(ms),
    },
  )
  return { text: () => new Response(reply.body as ReadableStream).text(), waits }
}

const eventsIn = (text: string) => text.split('\n\n').filter((each) => each.startsWith('event:'))

test('a change is told once, and the stream ends after its time', async () => {
  const { text, waits } = stream(['a', 'a', 'b', 'b', 'c'])
  const all = await text()
  expect(all).toStartWith('retry: ')
  expect(eventsIn(all)).toEqual(['event: changed\ndata:', 'event: changed\ndata:'])
  expect(all).toContain(':\n\n')
  expect(waits.length).toBe(120)
})

test('a right that ends ends the stream', async () => {
  const { text, waits } = stream(['a', 'b', new Error('no session')])
  expect(eventsIn(await text())).toHaveLength(1)
  expect(waits.length).toBe(2)
})

test('it ends with the process and with the connection', async () => {
  const stopping = stream(['a'], { closing: () => true })
  expect(eventsIn(await stopping.text())).toEqual([])
  expect(stopping.waits.length).toBe(1)
  const gone = stream(['a'], { signal: AbortSignal.abort() })
  await gone.text()
  expect(gone.waits.length).toBe(1)
})

test('one person has ten streams, and another one is not affected', async () => {
  const streams = createStreams()
  const call = { request: new Request('http://localhost/') }
  const { promise, resolve } = Promise.withResolvers<void>()
  const open = (lane: string) =>
    new Response(
      eventStream(
        call,
        { streams, closing: () => true },
        { lane, look: async () => 'a', wait: () => promise },
      ).body as ReadableStream,
    ).text()
  const ten = Array.from({ length: 10 }, () => open('alice'))
  expect(await open('alice')).toBe('') // refused: nothing was sent
  const other = open('bob')
  resolve()
  for (const text of await Promise.all([...ten, other])) expect(text).toStartWith('retry: ')
})
