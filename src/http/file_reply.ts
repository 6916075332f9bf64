/** A file that is downloaded: sent a line at a time, as fast as its reader takes it, so that its length does not matter. */
import type { Context } from '../contracts/context.ts'
import type { Reply } from '../contracts/reply.ts'

export interface SentFile {
  /** The media type. */
  type: string
  /** ASCII letters, digits, `.`, `_` and `-`. */
  name: string
  lines: AsyncIterable<string> | Iterable<string>
}

async function* inOrder(lines: SentFile['lines']): AsyncGenerator<string, undefined> {
  yield* lines
  return undefined
}

/** Characters that are made before the reader asks for more. */
const ahead = 65_536

/**
 * The reply counts as an open stream of `lane` until its end (http/event_stream.ts): throws `too_many_requests` for one too
 * many. When the lines fail, the connection is closed before its end, so that no part passes for the whole.
 */
export async function fileReply(
  { streams, log }: Pick<Context, 'streams' | 'log'>,
  lane: string,
  { type, name, lines }: SentFile,
): Promise<Reply> {
  const ended = Promise.withResolvers<void>()
  const held = streams.run(() => ended.promise, { lane })
  await Promise.race([held, Promise.resolve()]) // a place that is refused is refused at once
  const source = inOrder(lines)
  const encoder = new TextEncoder()
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          let text = ''
          while (text.length < ahead) {
            const { done, value } = await source.next()
            if (done) {
              if (text !== '') controller.enqueue(encoder.encode(text))
              controller.close()
              return ended.resolve()
            }
            text += `${value}\n`
          }
          controller.enqueue(encoder.encode(text))
        } catch (error) {
          log.error('file_not_sent', { file: name, problem: (error as Error).message })
          ended.resolve()
          controller.error(error)
        }
      },
      async cancel() {
        ended.resolve()
        await source.return(undefined)
      },
    },
    { highWaterMark: 0 },
  )
  return {
    status: 200,
    body,
    headers: {
      'content-type': type,
      'content-disposition': `attachment; filename="${name}"`,
      'cache-control': 'no-store',
    },
  }
}
