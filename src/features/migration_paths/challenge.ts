/** /auth/challenge: a PKCE pair, to see what one looks like. It is not kept. https://www.rfc-editor.org/rfc/rfc7636#section-4 */
import { codeChallengeMethods, generatePkce } from '../../auth/pkce.ts'
import { defineEndpoint } from '../../contracts/endpoint.ts'
import { json } from '../../http/reply.ts'
import { jsonReply, object, text, troubles } from '../../openapi/parts.ts'

const explanation =
  'For learning alone. A client makes its own pair: the verifier shows that the same client asks at both endpoints, and shows it only while no other party has seen the verifier. This provider, and each party that reads this answer on its way, has seen it. Make 32 random bytes, write them as base64url, and send the base64url of their text by SHA-256 as code_challenge.'

export const challenge = defineEndpoint({
  name: 'migration_challenge',
  path: '/auth/challenge',
  advertised: false,
  limited: true,
  api: () => ({
    POST: {
      summary: 'A PKCE pair, for learning: a client makes its own',
      responses: {
        200: jsonReply(
          'The pair',
          object(
            {
              code_verifier: text('For the token request'),
              code_challenge: text('Its SHA-256, for the authorization request'),
              code_challenge_method: text('S256'),
              explanation: text('Why a client makes its own'),
            },
            ['code_verifier', 'code_challenge', 'code_challenge_method', 'explanation'],
          ),
        ),
        ...troubles,
      },
    },
  }),
  post: (_call, { random }) =>
    json(200, {
      ...generatePkce(random),
      code_challenge_method: codeChallengeMethods[0],
      explanation,
    }),
})
