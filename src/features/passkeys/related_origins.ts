/** Related origins: browsers ask the RP ID which other origins may use its passkeys. https://www.w3.org/TR/webauthn-3/#sctn-related-origins */
import { HttpError } from '../../auth/errors.ts'
import { defineEndpoint } from '../../contracts/endpoint.ts'
import { publicJson } from '../../http/reply.ts'
import { jsonReply, object, words } from '../../openapi/parts.ts'
import { settings } from './settings.ts'

export const relatedOrigins = defineEndpoint({
  name: 'passkey_related_origins',
  path: '/.well-known/webauthn',
  advertised: false,
  api: () => ({
    GET: {
      summary: 'The origins that may use the passkeys of this provider',
      responses: {
        200: jsonReply('As PASSKEY_RELATED_ORIGINS', object({ origins: words('Origins') }, ['origins'])),
        404: { description: 'There is none' },
      },
    },
  }),
  get(call, context) {
    const origins = settings(context).passkeyRelatedOrigins
    if (origins.length === 0)
      throw new HttpError('not_found', {
        expected: 'PASSKEY_RELATED_ORIGINS with an origin',
        came: call.path,
        problem: 'no other origin may use the passkeys of this provider',
      })
    return publicJson(JSON.stringify({ origins }), context.config.jwksMaxAge)
  },
})
