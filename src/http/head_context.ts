/** The context for HEAD requests, which run the `get` of an endpoint without lasting effects. https://www.rfc-editor.org/rfc/rfc9110#section-9.2.1 */
import type { Context } from '../contracts/context.ts'
import { ownMember } from '../lib/own_member.ts'
import { type Kind } from '../models/audit/kind.ts'
import { kinds } from '../models/audit/kinds.ts'
import type { Log } from '../lib/log.ts'
import { OutboundError } from '../outbound/error.ts'
import { createUsage } from '../models/usage/usage.ts'
import type { Outbound } from '../outbound/outbound.ts'
import { readOnlyStore } from '../store/read_only.ts'

/**
 * Made once, at the start. The store keeps no write, so no mail is put into the outbox, either. No job is woken. No
 * event is counted, logged or audited, since it did not happen; refusals, warnings and errors are logged. A request to another
 * server is made only with GET: a code of an upstream provider, for example, would be spent by a POST.
 */
export const headContext = (context: Context): Context => ({
  ...context,
  store: readOnlyStore(context.store),
  soon: () => {},
  audit: undefined,
  log: withoutEvents(context.log),
  metrics: { ...context.metrics, count: () => {} },
  usage: createUsage(0),
  outbound: readingOutbound(context.outbound),
})

const audited: Readonly<Record<string, Kind>> = kinds

/** What was done is not told, because it was not done; refusals and faults are. No copy of its methods: the level of the log changes while the server runs. */
const withoutEvents = (log: Log): Log => ({
  debug: (event, fields) => log.debug(event, fields),
  warn(event, fields) {
    if (ownMember(audited, event)?.outcome !== 'success') log.warn(event, fields)
  },
  error: (event, fields) => log.error(event, fields),
  info(event, fields) {
    if (event === 'refused') log.info(event, fields)
  },
})

const readingOutbound = ({ fetch, ...getters }: Outbound): Outbound => ({
  ...getters,
  async fetch(url, options) {
    if ((options.method ?? 'GET') === 'GET') return fetch(url, options)
    throw new OutboundError('refused', 'was not requested, because this request was HEAD')
  },
})
