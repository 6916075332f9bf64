/** Server-sent events: tells a page of this provider that something has changed. https://html.spec.whatwg.org/multipage/server-sent-events.html */
import { HttpError } from '../auth/errors.ts'
import type { Call } from '../contracts/call.ts'
import type { Context } from '../contracts/context.ts'
import type { Reply } from '../contracts/reply.ts'
import { createLimiter, type Limiter, ownLanes } from '../lib/limiter.ts'

/** Open streams of one process, and of one lane such as a person. */
const mostStreams = 200
/** In a lab each student of a class has one. */
const mostStreamsOfLab = 1_000
const mostOfLane = 10
/** Milliseconds between two looks. */
const everyMs = 5_000
/** Looks after which a stream ends; the browser opens it again, with the rights that it then has. */
const mostLooks = 120
/** Milliseconds that the browser waits before it opens a stream again. */
const retryMs = 5_000

export const createStreams = (inLab = false, most = inLab ? mostStreamsOfLab : mostStreams): Limiter =>
  createLimiter({
    atOnce: most,
    waiting: 0,
    lane: { atOnce: mostOfLane, waiting: 0 },
    refusal: () =>
      new HttpError('too_many_requests', {
        expected: `at most ${mostOfLane} streams of one person and ${most} in all`,
        retryAfter: 30,
      }),
  })

/** The process has one limit; each realm has lanes of its own, since people and addresses of two realms may have one name. */
export const streamsOf = (
  { config, realm }: Pick<Context, 'config' | 'realm'>,
  shared: Limiter | undefined,
): Limiter => {
  if (!shared) return createStreams(config.lab)
  return realm ? ownLanes(shared, realm.id) : shared
}

/**
 * `look` resolves to the present state as a text: the stream sends `changed` when it differs from that before. When it
 * rejects, as for a person whose right has ended, the stream ends. `wait` is for tests.
 */
export function eventStream(
  { request }: Pick<Call, 'request'>,
  context: Pick<Context, 'streams' | 'closing'>,
  {
    lane,
    look,
    wait = Bun.sleep,
  }: { lane: string; look(): Promise<string>; wait?(ms: number): Promise<unknown> },
): Reply {
  const encoder = new TextEncoder()
  let isOpen = true
  const cancelled = Promise.withResolvers<void>()
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      const send = (text: string) => isOpen && controller.enqueue(encoder.encode(text))
      const watch = async () => {
        send(`retry: ${retryMs}\n\n`)
        let last = await look()
        for (let looks = 0; looks < mostLooks; looks++) {
          await Promise.race([wait(everyMs), cancelled.promise]) // its place is free at once
          if (!isOpen || request.signal.aborted || context.closing()) return
          const now = await look()
          // Without news, a comment keeps the connection open.
          send(now === last ? ':\n\n' : 'event: changed\ndata:\n\n')
          last = now
        }
      }
      context.streams
        .run(watch, { lane })
        .catch(() => {}) // the reason is in the log of the request that the page makes next
        .finally(() => {
          if (!isOpen) return
          isOpen = false
          controller.close()
        })
    },
    cancel() {
      isOpen = false
      cancelled.resolve()
    },
  })
  return {
    status: 200,
    body,
    headers: { 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no' },
  }
}
