/** Authorization endpoint: read the request, see what the person must still do, answer. https://openid.net/specs/openid-connect-core-1_0.html#AuthorizationEndpoint */
import { formEncode } from '../auth/redirect_uri.ts'
import { form, query } from '../http/call.ts'
import { redirectWithin, withinUrl } from '../http/reply.ts'
import { defineEndpoint } from '../contracts/endpoint.ts'
import { proceed } from '../flow/authorization_flow.ts'

export const authorization = defineEndpoint({
  name: 'authorization',
  path: '/authorize',
  methods: ['GET', 'POST'],
  limited: true,
  page: true,
  async handle(call, context) {
    if (call.method !== 'POST') return proceed(call, context, query(call, context))
    // A form from another site comes without our cookies (SameSite=Lax); the navigation it is turned into has them.
    return redirectWithin(withinUrl(`${context.basePath}/authorize?${formEncode(await form(call, context))}`))
  },
})
