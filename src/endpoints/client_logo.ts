/** The logo of a client that registered itself: fetched by this provider, so that browsers send the client nothing before the End-User has chosen. */
import { HttpError } from '../auth/errors.ts'
import { defineEndpoint } from '../contracts/endpoint.ts'
import { query } from '../http/call.ts'
import { clientLogoPath, logoUriOf } from '../http/client_logo.ts'
import { image } from '../http/reply.ts'
import { OutboundError } from '../outbound/outbound.ts'

const maxBytes = 131_072
const timeoutMs = 5000
/** For as long it is neither fetched again nor asked for by the same browser. */
const keptSeconds = 3600

const noLogo = (problem: string) =>
  new HttpError('not_found', { expected: 'the path of a logo on a page of this provider', problem })

export const clientLogo = defineEndpoint({
  name: 'client_logo',
  path: clientLogoPath,
  advertised: false,
  limited: true,
  page: true,
  async get(call, context) {
    const uri = logoUriOf(query(call, context), context)
    if (uri === undefined) throw noLogo('no page of this provider has this path')
    const options = { purpose: 'client_logo', maxBytes, timeoutMs, cacheFor: keptSeconds } as const
    try {
      const found = await context.outbound.getImage(uri, options)
      return image(found, {
        'cache-control': `private, max-age=${keptSeconds}`,
        'cross-origin-resource-policy': 'same-origin',
      })
    } catch (error) {
      throw error instanceof OutboundError ? noLogo(`the logo ${error.told}`) : error
    }
  },
})
