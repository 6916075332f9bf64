/** Reports of faults, sent to Sentry or a server with its protocol. Loaded only with SENTRY_DSN. https://develop.sentry.dev/sdk/data-model/envelopes/ docs/decisions/0090-error-reports.md */
import {
  createStackParser,
  createTransport,
  type ErrorEvent,
  type Event,
  type StackFrame,
} from '@sentry/core'
import { nodeStackLineParser, ServerRuntimeClient } from '@sentry/core/server'
import type { Config } from '../config.ts'
import type { ErrorReports } from '../lib/error_reports.ts'
import type { Fields, Log } from '../lib/log.ts'
import type { Clock } from '../lib/clock.ts'
import { commit, version } from '../version.ts'

/** Reports that wait for Sentry. Later ones are dropped. */
const mostWaiting = 32
/** Milliseconds. */
const [sendMs, closeMs, pause] = [5_000, 2_000, 60_000]
/** Kinds of faults that are told apart, so that each is reported once in `pause`. */
const mostKinds = 200
const longestProblem = 200

/** The fields of a line that say nothing of a person or a secret, and their form. */
const tags: Readonly<Record<string, RegExp>> = {
  request_id: /^[\w-]{1,64}$/,
  trace_id: /^[0-9a-f]{32}$/,
  job: /^[a-z_]{1,40}$/,
}

const className = /^[A-Z][A-Za-z]{0,60}(?=:|\n|$)/
/** A name as code has it, of a file of ours or of a package. */
const functionName = /^[\w$.<>#[\] ]{1,80}$/
const ownFile = /(?:^|\/)((?:src|node_modules)\/[\w@.+/-]{1,200})$/

const parseStack = createStackParser(nodeStackLineParser())

function frameOf({ function: name, filename = '', lineno, colno }: StackFrame): StackFrame[] {
  const file = filename.startsWith('/$bunfs/') ? 'latchkey' : ownFile.exec(filename)?.[1]
  if (file === undefined) return []
  return [
    {
      filename: file,
      in_app: !file.startsWith('node_modules'),
      ...(name !== undefined && functionName.test(name) && { function: name }),
      ...(lineno !== undefined && { lineno }),
      ...(colno !== undefined && { colno }),
    },
  ]
}

/** The class of an error and its frames. Its message is not looked at: it may quote a person or a secret, in several lines. */
function faultIn({ stack, problem }: Fields): { type: string; frames: StackFrame[] } {
  const text = typeof stack === 'string' ? stack : ''
  const type = className.exec(text)?.[0] ?? 'Error'
  const message = typeof problem === 'string' ? problem : ''
  const head = [`${type}: ${message}\n`, `${type}\n`].find((each) => text.startsWith(each))
  return { type, frames: head === undefined ? [] : parseStack(text.slice(head.length)).flatMap(frameOf) }
}

/** All that is sent of a line. */
function eventOf(event: string, fields: Fields, repeated: number): Event {
  const { type, frames } = faultIn(fields)
  const known = Object.entries(tags).flatMap(([name, form]) => {
    const value = fields[name]
    return typeof value === 'string' && form.test(value) ? [[name, value]] : []
  })
  return {
    level: 'error',
    logger: 'latchkey',
    fingerprint: [event, type, frames.at(-1)?.filename ?? ''],
    tags: { event, ...Object.fromEntries(known), ...(repeated > 0 && { repeated }) },
    exception: { values: [{ type, value: event, ...(frames.length > 0 && { stacktrace: { frames } }) }] },
  }
}

/** What a report may have: the SDK adds the name of the machine, and later versions may add more. */
function onlyAllowed(event: ErrorEvent): ErrorEvent {
  const { event_id, timestamp, platform, level, logger, release, environment, fingerprint, tags, exception } =
    event
  return {
    ...{ event_id, timestamp, platform, level, logger, release, environment, fingerprint, tags, exception },
    type: undefined,
  } as ErrorEvent
}

interface Parts {
  clock: Clock
  log: Log
}

export function openErrorReports(config: Config, dsn: string, { clock, log }: Parts): ErrorReports {
  let problem: string | undefined
  const note = (found: string | undefined) => {
    if (found !== undefined && problem === undefined) log.warn('error_reports_not_sent', { problem: found })
    if (found === undefined && problem !== undefined) log.info('error_reports_sent_again')
    problem = found
  }
  const seen = new Map<string, { at: number; repeated: number }>()

  /** How often it came since its last report; undefined when it was reported a moment ago. */
  function turnOf(kind: string): number | undefined {
    const before = seen.get(kind)
    const now = clock.now()
    if (before && now - before.at < pause) {
      before.repeated++
      return undefined
    }
    seen.delete(kind)
    if (seen.size >= mostKinds) seen.delete(seen.keys().next().value!)
    seen.set(kind, { at: now, repeated: 0 })
    return before?.repeated ?? 0
  }

  const client = new ServerRuntimeClient({
    dsn,
    release: `latchkey@${version}+${commit}`,
    environment: config.sentryEnvironment ?? config.environment,
    platform: 'node',
    integrations: [],
    stackParser: parseStack,
    sendClientReports: false,
    beforeSend: onlyAllowed,
    transport: (options) =>
      createTransport({ ...options, bufferSize: mostWaiting }, async ({ body }) => {
        try {
          const answer = await fetch(options.url, {
            method: 'POST',
            body: typeof body === 'string' ? body : new Uint8Array(body),
            redirect: 'manual',
            signal: AbortSignal.timeout(sendMs),
            ...(options.headers && { headers: options.headers }),
          })
          await answer.body?.cancel()
          note(answer.ok ? undefined : `it answered ${answer.status}`)
          const header = (name: string) => answer.headers.get(name)
          return {
            statusCode: answer.status,
            headers: {
              'x-sentry-rate-limits': header('x-sentry-rate-limits'),
              'retry-after': header('retry-after'),
            },
          }
        } catch (error) {
          note((error as Error).message.slice(0, longestProblem))
          throw error
        }
      }),
  })
  client.init()

  return {
    take(event, fields) {
      const first = faultIn(fields)
      const repeated = turnOf(`${event} ${first.type} ${first.frames.at(-1)?.filename ?? ''}`)
      if (repeated !== undefined) client.captureEvent(eventOf(event, fields, repeated))
    },
    problem: () => problem,
    close: async () => void (await Promise.race([client.close(closeMs), Bun.sleep(closeMs)])),
  }
}
