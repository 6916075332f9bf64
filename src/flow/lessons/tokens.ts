/** Lesson: what tokens say, for whom they are, and how long they hold. https://www.rfc-editor.org/rfc/rfc9068 */
import {
  asClient,
  codeLives,
  command,
  intoTokens,
  makeVerifier,
  pasteCode,
  printRequest,
  redeem,
  say,
  signInAs,
  takeOut,
} from './commands.ts'
import { accessToken, claim, idToken, isOf, isTokenOf, member } from './evidence.ts'
import type { Lesson } from './lesson.ts'

export const tokens: Lesson = {
  id: 'tokens',
  title: 'Tokens',
  goal: 'Know the access token from the ID Token: what each says, for whom it is, and how it ends.',
  steps: [
    {
      id: 'get',
      title: 'Get both tokens',
      todo: (values) => [
        makeVerifier,
        printRequest(values),
        signInAs(values),
        pasteCode,
        intoTokens(redeem(values), takeOut('access_token', 'ACCESS_TOKEN'), takeOut('id_token', 'ID_TOKEN')),
        { page: '/lab/token', title: 'Paste each token here to see what it says' },
      ],
      done: (exchange) => isTokenOf(exchange, 'authorization_code') && idToken(exchange) !== undefined,
      question: {
        ask: 'For whom is the ID Token? Which aud does it have?',
        answer: (exchange) => claim(idToken(exchange), 'aud'),
      },
      hints: [codeLives, 'The page of your flow shows both tokens decoded.'],
    },
    {
      id: 'introspect',
      title: 'Ask the provider about the access token',
      todo: (values) => [asClient(values, '/introspect', [['token', '$ACCESS_TOKEN']])],
      done: (exchange) => isOf(exchange, 'introspection') && member(exchange, 'active') === 'true',
      question: {
        ask: 'When does the token end? Which exp does the answer have?',
        answer: (exchange) => member(exchange, 'exp'),
      },
      hints: ['The answer is active=false for everything that is no token of this client.'],
    },
    {
      id: 'wrong-token',
      title: 'Send the ID Token to an API',
      todo: ({ issuer }) => [
        say('An API must refuse a token that is not for it.'),
        command(`curl -si -H "Authorization: Bearer $ID_TOKEN" ${issuer}/userinfo`),
      ],
      done: (exchange) =>
        isOf(exchange, 'userinfo') &&
        exchange.answer.status === 401 &&
        exchange.tokens.some(({ where, token }) => where === 'Authorization' && token.header.typ === 'JWT'),
      question: { ask: 'Which status does the answer have?', answer: ({ answer }) => `${answer.status}` },
      hints: ['The header typ of the two tokens differs.'],
    },
    {
      id: 'use',
      title: 'Send the access token',
      todo: ({ issuer }) => [command(`curl -si -H "Authorization: Bearer $ACCESS_TOKEN" ${issuer}/userinfo`)],
      done: (exchange) => isOf(exchange, 'userinfo') && exchange.answer.status === 200,
      question: {
        ask: 'Which jti does the access token have? It is in the flow, decoded.',
        answer: (exchange, flow) =>
          claim(
            flow.exchanges.map(accessToken).findLast((each) => each !== undefined),
            'jti',
          ) ?? claim(accessToken(exchange), 'jti'),
      },
      hints: ['The lab decodes each token of a flow.'],
    },
    {
      id: 'revoke',
      title: 'Revoke it',
      todo: (values) => [asClient(values, '/revoke', [['token', '$ACCESS_TOKEN']])],
      done: (exchange) => isOf(exchange, 'revocation') && exchange.answer.status === 200,
      hints: ['The answer is 200 with no body, also for a token that is unknown.'],
    },
    {
      id: 'revoked',
      title: 'Ask again',
      todo: (values) => [asClient(values, '/introspect', [['token', '$ACCESS_TOKEN']])],
      done: (exchange, flow) =>
        isOf(exchange, 'introspection') &&
        member(exchange, 'active') === 'false' &&
        flow.exchanges.some((each) => isOf(each, 'revocation')),
      question: {
        ask: 'Which value does active have now?',
        answer: (exchange) => member(exchange, 'active'),
      },
      hints: ['A JWT is readable after it was revoked. Only the provider knows that it has ended.'],
    },
  ],
}
