/** Sends a request of the playground to this provider, inside of this process: no name is resolved and no connection is opened, whatever was edited. */
import type { Call } from '../../contracts/call.ts'
import type { Context } from '../../contracts/context.ts'
import { ofProxies } from '../../http/metrics_access.ts'
import { boundedText } from '../../lib/bounded_text.ts'
import { type Draft, encoded, requireSendable } from './draft.ts'
import type { Answer } from './flow.ts'

const mostBytes = 65_536

/**
 * The request comes from where the request of the page came from, with what proxies said of it: it may do what its sender
 * may do by curl, counts for the rate limits of the sender, and has none of the cookies of the browser.
 */
export async function send(call: Call, context: Context, draft: Draft): Promise<Answer> {
  const url = requireSendable(draft, context)
  const headers = new Headers()
  for (const [name, value] of draft.headers) headers.append(name, value)
  for (const name of ofProxies) {
    const value = call.request.headers.get(name)
    if (value !== null) headers.set(name, value)
  }
  const { method } = draft
  // Bytes have no content type of their own: one that was taken out is not sent.
  const body = method === 'POST' ? new TextEncoder().encode(encoded(draft.params)) : undefined
  return read(await context.answer(new Request(url, { method, headers, ...(body && { body }) }), call.peer))
}

async function read(response: Response): Promise<Answer> {
  const text = await textOf(response)
  return {
    status: response.status,
    headers: [...response.headers],
    text,
    members: membersOf(text),
  }
}

/** A stream of events does not end by itself. */
async function textOf({ headers, body }: Response): Promise<string> {
  if (!headers.get('content-type')?.startsWith('text/event-stream'))
    return (await boundedText(body, mostBytes)) ?? `(more than ${mostBytes} bytes)`
  await body?.cancel()
  return '(a stream of events)'
}

function membersOf(text: string): Answer['members'] {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Answer['members'])
      : {}
  } catch {
    return {}
  }
}
