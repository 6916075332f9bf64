/** Gives each request of a flow to the recorder of the lab. Not recorded: the lab, the administration, accounts and public documents. */
import type { Context } from '../contracts/context.ts'
import type { RecordedRequest } from '../contracts/sockets.ts'
import type { SentAnswer, Recorder } from '../lib/recorder.ts'
import { cookiesOfRealm } from './cookie.ts'
import { describeCall } from './describe_call.ts'
import { keptBody } from './kept_body.ts'
import type { Route } from './router.ts'

type Handle = (request: Request, readPeer: () => string) => Promise<Response> | Response

/** What is below these is no part of a flow. A page of an account reads all grants of its End-User. */
const besideFlows = /^\/(?:lab|classroom|admin|account|user)(?:\/|$)/

/** `find` tells the endpoint of a path. */
export function recordedRequests(
  handle: Handle,
  find: (path: string) => Route | undefined,
  context: Context,
  recorder: Recorder,
): Handle {
  const listeners = context.table.lab.recorded
  const kept = (request: RecordedRequest): void => {
    for (const tell of listeners) tell(context, request)
  }
  return (request, readPeer) => {
    const { path } = describeCall(request, readPeer, '', context)
    const endpoint = find(path)?.endpoint
    // Anyone may read documents of cors 'any', and they belong to no flow.
    if (!endpoint || endpoint.cors === 'any' || besideFlows.test(endpoint.path))
      return handle(request, readPeer)
    const { name, page = false } = endpoint
    return recorder.exchange(
      {
        method: request.method,
        url: request.url,
        headers: headersOf(request, context),
        body: keptBody(request),
        endpoint: { name, page },
      },
      () => handle(request, readPeer),
      answered,
      kept,
    )
  }
}

/** The lab of a realm shows no cookie of the server, also where it shows secrets. */
const headersOf = ({ headers }: Request, { config, realm }: Context): [string, string][] =>
  [...headers].map(([name, value]) => [
    name,
    realm && name === 'cookie' ? cookiesOfRealm(config, value) : value,
  ])

const longestBody = 500_000

/** A stream, such as that of events, has no end; a picture says nothing. */
async function answered(response: Response): Promise<SentAnswer> {
  const type = response.headers.get('content-type') ?? ''
  const isText = /^(?:text|application)\//.test(type) && !type.startsWith('text/event-stream')
  const body = isText && response.body !== null ? await response.clone().text() : ''
  return { status: response.status, headers: [...response.headers], body: body.slice(0, longestBody) }
}
