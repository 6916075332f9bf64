/** Finds the realm of a request by its path, and has it answered there; all else is answered by the server itself. */
import type { App } from '../../app.ts'
import type { Reply } from '../../contracts/reply.ts'
import { describeCall } from '../../http/describe_call.ts'
import { errorReply, refusalOf } from '../../http/error_reply.ts'
import { createHeaders } from '../../http/headers.ts'
import { isRealmName } from '../../models/realm.ts'
import type { Handle } from '../listener.ts'
import type { Apps } from './apps.ts'
import { elapsedNow } from './job_runs.ts'
import type { Known } from './known.ts'
import type { OpenRealm } from './open_realm.ts'

/** The longest name, and the slash after it. */
const longest = 41
/** Milliseconds after which a realm that was not used looks at its keys before it answers. */
const keysOldAfter = 60_000

const wellKnown = '/.well-known/'

/**
 * The name in `<base>/realms/NAME`, also after `/.well-known/<x>` (RFC 8414 §3.1); undefined for every other path. The path is
 * taken as it came: a name that is encoded, or is followed by anything but a slash, a query or the end, is none.
 */
export function realmNameIn(url: string, base: string): string | undefined {
  // Bun leaves the origin out when the Host header is missing or invalid.
  let from = url.startsWith('/') ? 0 : url.indexOf('/', url.indexOf('://') + 3)
  if (from < 0) return undefined
  if (url.startsWith(wellKnown, from)) {
    from = url.indexOf('/', from + wellKnown.length)
    if (from < 0) return undefined
  }
  const prefix = `${base}/realms/`
  if (!url.startsWith(prefix, from)) return undefined
  const start = from + prefix.length
  const [name = ''] = url.slice(start, start + longest).split(/[/?#]/, 1)
  return isRealmName(name) ? name : undefined
}

interface Parts {
  root(): App
  known: Known
  apps: Apps
}

/** Never rejects. */
export function realmHandle({ root, known, apps }: Parts): Handle {
  /** Undefined for a name that is no realm: for the client it is a path like any other that is not served. */
  const find = (name: string): Promise<OpenRealm | undefined> | OpenRealm | undefined => {
    const id = known.id(name)
    if (id instanceof Promise) return id.then((found) => (found === undefined ? undefined : apps.get(name)))
    return id === undefined ? undefined : apps.get(name)
  }

  function answer(
    name: string,
    open: OpenRealm | undefined,
    request: Request,
    readPeer: () => string,
  ): Promise<Response> | Response {
    if (!open) return root().handle(request, readPeer)
    const end = apps.use(name)
    const answered = open.app.handle(request, readPeer)
    if (answered instanceof Promise) return answered.finally(end)
    end()
    return answered
  }

  /** Counts as a request of the realm, so that the realm stays in memory while its keys are read. */
  async function lookAtKeys(name: string, { runs }: OpenRealm): Promise<void> {
    const end = apps.use(name)
    await runs.run('keys')
    end()
  }

  async function later(
    name: string,
    finding: Promise<OpenRealm | undefined> | OpenRealm | undefined,
    request: Request,
    peer: string,
  ): Promise<Response> {
    try {
      const open = await finding
      if (open && hasOldKeys(open)) await lookAtKeys(name, open)
      return await answer(name, open, request, () => peer)
    } catch (error) {
      return refused(error, root(), request, peer)
    }
  }

  return (request, readPeer) => {
    const { context, handle } = root()
    const name = realmNameIn(request.url, context.basePath)
    if (name === undefined) return handle(request, readPeer)
    let found: ReturnType<typeof find>
    try {
      found = find(name)
    } catch (error) {
      return refused(error, root(), request, readPeer())
    }
    // The address is read before anything is awaited, because a closed connection has none.
    if (found instanceof Promise || (found && hasOldKeys(found)))
      return later(name, found, request, readPeer())
    return answer(name, found, request, readPeer)
  }
}

const hasOldKeys = ({ runs }: OpenRealm): boolean => elapsedNow() - runs.keysSeen() > keysOldAfter

/** The answer of a server that cannot open the realm now. */
function refused(error: unknown, { context }: App, request: Request, peer: string): Response {
  const call = describeCall(request, () => peer, context.random(12), context)
  const reply: Reply = errorReply(refusalOf(error, call, context), call, context, 'json')
  const headers = new Headers(createHeaders(context.config)(reply))
  headers.set('x-request-id', call.requestId)
  return new Response(request.method === 'HEAD' ? null : (reply.body as string), {
    status: reply.status,
    headers,
  })
}
