/** A recorded flow as a file. */
import { HttpError } from '../../auth/errors.ts'
import type { Call } from '../../contracts/call.ts'
import type { Context } from '../../contracts/context.ts'
import type { Reply } from '../../contracts/reply.ts'
import { query } from '../../http/call.ts'
import { clientsOf, kindsOf, outcomeOf, peopleOf } from '../../models/recording/flow_kinds.ts'
import type { Flow } from '../../models/recording/recorded.ts'
import { asCurl } from './exports/curl.ts'
import { asHar } from './exports/har.ts'
import { asMarkdown } from './exports/markdown.ts'
import { flowOf } from './found_flow.ts'

interface Format {
  title: string
  type: string
  ending: string
  write(flow: Flow, issuer: string): string
}

const asJson = (flow: Flow): string =>
  JSON.stringify(
    {
      id: flow.id,
      kinds: kindsOf(flow),
      outcome: outcomeOf(flow),
      clients: clientsOf(flow),
      people: peopleOf(flow),
      dropped: flow.dropped,
      exchanges: flow.exchanges,
    },
    undefined,
    2,
  )

export const formats: ReadonlyMap<string, Format> = new Map([
  ['markdown', { title: 'Markdown', type: 'text/markdown', ending: 'md', write: asMarkdown }],
  ['har', { title: 'HAR', type: 'application/json', ending: 'har', write: asHar }],
  ['curl', { title: 'curl script', type: 'text/x-shellscript', ending: 'sh', write: asCurl }],
  ['json', { title: 'JSON', type: 'application/json', ending: 'json', write: asJson }],
])

/** A file is downloaded and never shown: what a browser sent may be markup. */
const file = ({ type, ending, write }: Format, flow: Flow, issuer: string): Reply => ({
  status: 200,
  body: write(flow, issuer),
  headers: {
    'content-type': `${type}; charset=utf-8`,
    'content-disposition': `attachment; filename="flow-${flow.id}.${ending}"`,
    'cache-control': 'no-store',
  },
})

export function send(call: Call, context: Context): Reply {
  const { as = 'json' } = query(call, context)
  const format = formats.get(as)
  if (!format)
    throw new HttpError('bad_request', {
      expected: `as is among ${[...formats.keys()].join(', ')}`,
      came: as,
    })
  return file(format, flowOf(call, context), context.config.issuer)
}
