/** The public signing keys. https://www.rfc-editor.org/rfc/rfc7517#section-5 */
import { publicJson } from '../http/reply.ts'
import { jsonReply, ref } from '../openapi/parts.ts'
import { defineEndpoint } from '../contracts/endpoint.ts'

export const jwks = defineEndpoint({
  name: 'jwks',
  path: '/jwks.json',
  aliases: ['/.well-known/jwks.json'],
  cors: 'any',
  advertised: false, // as jwks_uri, in discovery.ts
  api: () => ({
    GET: {
      summary: 'Public signing keys',
      responses: { 200: jsonReply('JWK set', ref('Jwks'), 'application/jwk-set+json') },
    },
  }),
  get: (_call, { keys, config }) =>
    publicJson(keys.jwks().body, config.jwksMaxAge, 'application/jwk-set+json'),
})
