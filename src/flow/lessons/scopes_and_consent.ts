/** Lesson: scopes, claims and consent. https://openid.net/specs/openid-connect-core-1_0.html#ScopeClaims */
import {
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
import { hasCode, isOf, isTokenOf, member, response, scopesOf } from './evidence.ts'
import type { Lesson } from './lesson.ts'
import type { Flow } from '../../models/recording/recorded.ts'

const tokensAndUserinfo = (issuer: string) =>
  command(
    takeOut('access_token', 'ACCESS_TOKEN'),
    `curl -s -H "Authorization: Bearer $ACCESS_TOKEN" ${issuer}/userinfo`,
  )

const askedConsent = ({ exchanges }: Flow): boolean => exchanges.some((each) => isOf(each, 'consent'))

/** Whether the End-User was asked for the same scopes before. */
const wasAllowed = (flow: Flow, all: readonly Flow[]): boolean =>
  all.some((each) => askedConsent(each) && scopesOf(each).join() === scopesOf(flow).join())

export const scopesAndConsent: Lesson = {
  id: 'scopes-and-consent',
  title: 'Scopes and consent',
  goal: 'Ask for as little as the client needs, and see what the End-User decides.',
  steps: [
    {
      id: 'openid-only',
      title: 'Ask for the identity alone',
      todo: (values) => [
        makeVerifier,
        printRequest(values, { scope: 'openid', prompt: 'consent' }),
        signInAs(values),
        pasteCode,
        intoTokens(redeem(values)),
      ],
      done: (exchange, flow) =>
        isTokenOf(exchange, 'authorization_code') && scopesOf(flow).join() === 'openid',
      question: {
        ask: 'Which scope does the token answer have?',
        answer: (exchange) => member(exchange, 'scope'),
      },
      hints: ['The parameter scope is openid, and no more.'],
    },
    {
      id: 'sub-only',
      title: 'See what the client learns',
      todo: ({ issuer }) => [tokensAndUserinfo(issuer)],
      done: (exchange, flow) =>
        isOf(exchange, 'userinfo') && exchange.answer.status === 200 && scopesOf(flow).join() === 'openid',
      question: { ask: 'Which value is the only claim?', answer: (exchange) => member(exchange, 'sub') },
      hints: ['Use the access token of the step before.'],
    },
    {
      id: 'more',
      title: 'Ask for more',
      todo: (values) => [
        say('With prompt=consent the End-User is asked even for what was allowed before.'),
        makeVerifier,
        printRequest(values, { scope: 'openid email', prompt: 'consent' }),
        signInAs(values),
        pasteCode,
        intoTokens(redeem(values)),
        tokensAndUserinfo(values.issuer),
      ],
      done: (exchange, flow) =>
        isOf(exchange, 'userinfo') && exchange.answer.status === 200 && scopesOf(flow).includes('email'),
      question: {
        ask: 'Which email address does the answer have?',
        answer: (exchange) => member(exchange, 'email'),
      },
      hints: ['Send a new authorization request with scope=openid email.'],
    },
    {
      id: 'deny',
      title: 'Deny',
      todo: (values) => [
        makeVerifier,
        printRequest(values, { scope: 'openid profile email phone', prompt: 'consent' }),
        say(
          `Open the address, sign in as ${values.username} with the password ${values.password}, and deny.`,
        ),
      ],
      done: (exchange) => response(exchange, 'error') === 'access_denied',
      question: {
        ask: 'The client learns of it. Which error does the address have?',
        answer: (exchange) => response(exchange, 'error'),
      },
      hints: ['The page that asks has two buttons.'],
    },
    {
      id: 'remembered',
      title: 'Ask for the same again',
      todo: (values) => [
        say('The provider remembers what was allowed. Open the same request once more, in the same browser.'),
        makeVerifier,
        printRequest(values, { scope: 'openid email' }),
      ],
      done: (exchange, flow, all) => hasCode(exchange) && !askedConsent(flow) && wasAllowed(flow, all()),
      question: {
        ask: 'No page was shown. Which state came back?',
        answer: (exchange) => response(exchange, 'state'),
      },
      hints: ['Leave prompt out: prompt=consent asks each time.'],
    },
  ],
}
