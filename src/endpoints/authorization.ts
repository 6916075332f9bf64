/** Authorization endpoint. https://openid.net/specs/openid-connect-core-1_0.html#AuthorizationEndpoint */
import { formEncode } from '../auth/redirect_uri.ts'
import { query } from '../http/call.ts'
import { formOfAnySite } from '../http/csrf.ts'
import { redirectWithin, withinUrl } from '../http/reply.ts'
import { defineEndpoint } from '../contracts/endpoint.ts'
import { proceed } from '../flow/authorization_flow.ts'

export const authorization = defineEndpoint({
  name: 'authorization',
  path: '/authorize',
  limited: true,
  page: true,
  get: (call, context) => proceed(call, context, query(call, context)),
  // A POST from another site has no cookies of ours (SameSite=Lax). The redirect makes it a GET, which has them.
  form: formOfAnySite,
  post: (_call, { basePath }, { fields }) =>
    redirectWithin(withinUrl(`${basePath}/authorize?${formEncode(fields)}`)),
})
