/** A flow as an HTTP archive, which the developer tools of browsers open. http://www.softwareishard.com/blog/har-12-spec/ */
import type { Exchange, Flow, Message } from '../../../models/recording/recorded.ts'
import { version } from '../../../version.ts'
import { headerOf } from '../words.ts'

const named = (headers: Message['headers']) => headers.map(([name, value]) => ({ name, value }))

const query = (url: string) =>
  [...new URLSearchParams(/\?([^#]*)/.exec(url)?.[1] ?? '')].map(([name, value]) => ({ name, value }))

const unknownSize = -1

function entry({ at, took, request, answer }: Exchange) {
  const { body } = request
  const text = answer.body ?? ''
  return {
    startedDateTime: new Date(at).toISOString(),
    time: took,
    request: {
      method: request.method,
      url: request.url,
      httpVersion: 'HTTP/1.1',
      cookies: [],
      headers: named(request.headers),
      queryString: query(request.url),
      ...(body !== undefined && {
        postData: { mimeType: headerOf(request.headers, 'content-type') ?? '', text: body },
      }),
      headersSize: unknownSize,
      bodySize: unknownSize,
    },
    response: {
      status: answer.status,
      statusText: '',
      httpVersion: 'HTTP/1.1',
      cookies: [],
      headers: named(answer.headers),
      content: { size: text.length, mimeType: headerOf(answer.headers, 'content-type') ?? '', text },
      redirectURL: headerOf(answer.headers, 'location') ?? '',
      headersSize: unknownSize,
      bodySize: unknownSize,
    },
    cache: {},
    timings: { send: 0, wait: took, receive: 0 },
  }
}

export const asHar = ({ exchanges }: Flow): string =>
  JSON.stringify(
    { log: { version: '1.2', creator: { name: 'Latchkey', version }, entries: exchanges.map(entry) } },
    undefined,
    2,
  )
