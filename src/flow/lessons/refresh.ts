/** Lesson: refresh tokens, their rotation and the detection of a stolen one. https://www.rfc-editor.org/rfc/rfc9700#section-4.14.2 */
import {
  asClient,
  codeLives,
  intoTokens,
  makeVerifier,
  pasteCode,
  printRequest,
  redeem,
  say,
  signInAs,
  takeOut,
} from './commands.ts'
import { accessToken, claim, failedWith, isOf, isTokenOf, member } from './evidence.ts'
import type { Lesson, Values } from './lesson.ts'

const takeRefresh = (variable: string) => takeOut('refresh_token', variable)

const refreshWith = (values: Values, variable: string) =>
  asClient(values, '/token', [
    ['grant_type', 'refresh_token'],
    ['refresh_token', `$${variable}`],
  ])

export const refresh: Lesson = {
  id: 'refresh',
  title: 'Refresh tokens',
  goal: 'Get new tokens without the End-User, and see what happens when an old refresh token comes back.',
  steps: [
    {
      id: 'get',
      title: 'Get a refresh token',
      todo: (values) => [
        makeVerifier,
        printRequest(values, { scope: 'openid profile offline_access', prompt: 'consent' }),
        signInAs(values),
        pasteCode,
        intoTokens(redeem(values), takeRefresh('FIRST')),
      ],
      done: (exchange) =>
        isTokenOf(exchange, 'authorization_code') && member(exchange, 'refresh_token') !== undefined,
      hints: [codeLives],
    },
    {
      id: 'refresh',
      title: 'Refresh',
      todo: (values) => [intoTokens(refreshWith(values, 'FIRST'), takeRefresh('SECOND'))],
      done: (exchange) => isTokenOf(exchange, 'refresh_token'),
      question: {
        ask: 'The access token is a new one. Which jti does it have?',
        answer: (exchange) => claim(accessToken(exchange), 'jti'),
      },
      hints: ['The client authenticates as it does with a code.'],
    },
    {
      id: 'rotate',
      title: 'Refresh with the new token',
      todo: (values) => [
        say(
          'Each use gives a new refresh token. The provider accepts a repetition of the last one for some seconds, because an answer can be lost.',
        ),
        intoTokens(refreshWith(values, 'SECOND'), takeRefresh('THIRD')),
      ],
      done: (exchange, flow) =>
        isTokenOf(exchange, 'refresh_token') &&
        flow.exchanges.filter((each) => isTokenOf(each, 'refresh_token')).length >= 2,
      hints: ['Use the refresh token of the last answer.'],
    },
    {
      id: 'reuse',
      title: 'Send the first token again',
      todo: (values) => [
        say('Two programs now use one family of tokens, and one of them stole it.'),
        refreshWith(values, 'FIRST'),
      ],
      done: (exchange, flow) =>
        isOf(exchange, 'token') &&
        exchange.grantType === 'refresh_token' &&
        failedWith(exchange, 'invalid_grant') &&
        flow.exchanges.some((each) => isTokenOf(each, 'refresh_token')),
      question: { ask: 'Which error does the answer have?', answer: (exchange) => member(exchange, 'error') },
      hints: ['Refresh twice before: the first token must be two steps old.'],
    },
    {
      id: 'ended',
      title: 'Try the newest token',
      todo: (values) => [
        say('The provider cannot know which of the two programs is the client. It ended the whole family.'),
        refreshWith(values, 'THIRD'),
      ],
      done: (exchange, flow) =>
        isOf(exchange, 'token') &&
        exchange.grantType === 'refresh_token' &&
        failedWith(exchange, 'invalid_grant') &&
        flow.exchanges.filter(
          (each) => each.grantType === 'refresh_token' && failedWith(each, 'invalid_grant'),
        ).length >= 2,
      question: { ask: 'Which status does the answer have?', answer: ({ answer }) => `${answer.status}` },
      hints: ['The End-User must sign in again.'],
    },
  ],
}
