/** Lesson: a client that acts for itself. https://www.rfc-editor.org/rfc/rfc6749#section-4.4 */
import { asClient, command, intoTokens, say, takeOut } from './commands.ts'
import { accessToken, claim, failedWith, isOf, isTokenOf, member } from './evidence.ts'
import type { Lesson } from './lesson.ts'

const isService = (type: string | undefined): boolean => type === 'client_credentials'

export const service: Lesson = {
  id: 'service',
  title: 'A service',
  goal: 'Get a token without an End-User, and see what such a token can and cannot do.',
  steps: [
    {
      id: 'token',
      title: 'Get a token for the client itself',
      todo: (values) => [
        intoTokens(
          asClient(values, '/token', [['grant_type', 'client_credentials']]),
          takeOut('access_token', 'ACCESS_TOKEN'),
        ),
      ],
      done: (exchange) => isTokenOf(exchange, 'client_credentials'),
      question: {
        ask: 'About whom is the token? Which sub does it have?',
        answer: (exchange) => claim(accessToken(exchange), 'sub'),
      },
      hints: ['The page of the flow decodes the token.'],
    },
    {
      id: 'introspect',
      title: 'Ask whether it is active',
      todo: (values) => [asClient(values, '/introspect', [['token', '$ACCESS_TOKEN']])],
      done: (exchange) => isOf(exchange, 'introspection') && member(exchange, 'active') === 'true',
      question: { ask: 'Which exp does the answer have?', answer: (exchange) => member(exchange, 'exp') },
      hints: ['The API that gets the token asks in this way.'],
    },
    {
      id: 'wrong-secret',
      title: 'Send a wrong secret',
      todo: ({ issuer, client_id }) => [
        command(`curl -si -u '${client_id}:wrong' ${issuer}/token -d grant_type=client_credentials`),
      ],
      done: (exchange) =>
        isOf(exchange, 'token') && isService(exchange.grantType) && failedWith(exchange, 'invalid_client'),
      question: { ask: 'Which status does the answer have?', answer: ({ answer }) => `${answer.status}` },
      hints: ['The secret stands after the colon.'],
    },
    {
      id: 'scope',
      title: 'Ask for an identity',
      todo: (values) => [
        say('There is no End-User, so there is nothing that openid could say.'),
        asClient(values, '/token', [
          ['grant_type', 'client_credentials'],
          ['scope', 'openid'],
        ]),
      ],
      done: (exchange) =>
        isOf(exchange, 'token') && isService(exchange.grantType) && failedWith(exchange, 'invalid_scope'),
      question: { ask: 'Which error does the answer have?', answer: (exchange) => member(exchange, 'error') },
      hints: ['The parameter is scope=openid.'],
    },
    {
      id: 'userinfo',
      title: 'Send the token to userinfo',
      todo: ({ issuer }) => [command(`curl -si -H "Authorization: Bearer $ACCESS_TOKEN" ${issuer}/userinfo`)],
      done: (exchange) =>
        isOf(exchange, 'userinfo') &&
        exchange.answer.status >= 401 &&
        exchange.answer.status <= 403 &&
        exchange.tokens.some(({ token }) => token.header.typ === 'at+jwt'),
      question: { ask: 'Which status does the answer have?', answer: ({ answer }) => `${answer.status}` },
      hints: ['The answer has the reason in the header WWW-Authenticate.'],
    },
  ],
}
