/** Authorization endpoint. https://openid.net/specs/openid-connect-core-1_0.html#AuthorizationEndpoint */
import { formEncode } from '../auth/redirect_uri.ts'
import { query } from '../http/call.ts'
import { formOfAnySite } from '../http/csrf.ts'
import { redirectWithin, withinUrl } from '../http/reply.ts'
import { authorizationRequest } from '../openapi/authorization.ts'
import { pageTroubles, seeOther } from '../openapi/parts.ts'
import { defineEndpoint } from '../contracts/endpoint.ts'
import { proceed } from '../flow/authorization_flow.ts'
import { withOpenHint, withSealedHint } from '../flow/id_token_hint.ts'

export const authorization = defineEndpoint({
  name: 'authorization',
  path: '/authorize',
  limited: true,
  page: true,
  api: (described) => ({
    GET: {
      summary: 'The End-User signs in and consents; the client gets a code',
      description:
        'For browsers. Errors go back to the client with `state` and `iss`, except for an unknown client or redirect_uri: those are a page.',
      query: authorizationRequest(described),
      responses: {
        303: seeOther('To the next page, or to redirect_uri with code (or error), state and iss'),
        ...pageTroubles,
      },
    },
    POST: {
      summary: 'The same with parameters in a form',
      form: authorizationRequest(described),
      responses: { 303: seeOther('To the same request as a GET'), ...pageTroubles },
    },
  }),
  // A sealed hint that has expired stays a hint, which is refused: without one, any End-User would do.
  get(call, context) {
    const params = query(call, context)
    return proceed(call, context, withOpenHint(params, context, params.sealed_hint))
  },
  // A POST from another site has no cookies of ours (SameSite=Lax). The redirect makes it a GET, which has them.
  form: formOfAnySite,
  post: (_call, context, { fields }) =>
    redirectWithin(withinUrl(`${context.basePath}/authorize?${formEncode(withSealedHint(fields, context))}`)),
})
