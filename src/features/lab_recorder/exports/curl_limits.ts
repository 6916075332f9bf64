/** What a script with curl cannot do as a browser or a client did it, for its head. */
import { peopleOf } from '../../../models/recording/flow_kinds.ts'
import type { Exchange, Flow } from '../../../models/recording/recorded.ts'
import { headerOf } from '../words.ts'

const isForm = ({ request }: Exchange, name: string): boolean =>
  new RegExp(`(?:^|&)${name}=`).test(request.body ?? '')

/** A page of the End-User's device, which needs a session that began in another flow. */
export const isOfDevice = ({ from }: Exchange): boolean => from === 'device'

/** Whether the script signs in by itself before the first page of the device. */
export const signsInFirst = ({ exchanges }: Flow): boolean => {
  const first = exchanges.findIndex(isOfDevice)
  return first >= 0 && !exchanges.slice(0, first).some(({ endpoint }) => endpoint === 'login')
}

const limits: readonly (readonly [isIn: (exchange: Exchange) => boolean, says: string])[] = [
  [
    ({ request }) => headerOf(request.headers, 'dpop') !== undefined,
    'It makes no DPoP proofs, so requests that came with one are refused.',
  ],
  [
    (exchange) => isForm(exchange, 'client_assertion'),
    'Each client_assertion is for one request: PARAMETER_CLIENT_ASSERTION is a new one, and a second request with it is refused.',
  ],
  [
    (exchange) => isForm(exchange, 'request') || /[?&]request=/.test(exchange.request.url),
    'It signs no request objects: PARAMETER_REQUEST is one that the client signed.',
  ],
  [
    (exchange) => exchange.from !== 'client' && isForm(exchange, 'code'),
    'The code of the second step comes from CODE; a code that was used before is refused.',
  ],
  [({ endpoint }) => endpoint.startsWith('passkey'), 'It has no passkey: a browser is needed for that step.'],
  [({ endpoint }) => endpoint.startsWith('upstream'), 'It cannot sign in at another provider.'],
]

/** Sentences for the head of the script. */
export function limitsOf(flow: Flow): string[] {
  const found = limits.filter(([isIn]) => flow.exchanges.some(isIn)).map(([, says]) => says)
  if (flow.dropped > 0) found.push('Requests in the middle were not kept, so it may stop there.')
  if (signsInFirst(flow)) {
    const [name = 'the End-User'] = peopleOf(flow)
    found.push(`It signs ${name} in before the page of the device, because that sign-in is another flow.`)
  }
  return found
}
