/** Lesson: the authorization code flow. https://www.rfc-editor.org/rfc/rfc6749#section-4.1 */
import {
  askRequest,
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
import { claim, failedWith, hasCode, idToken, isOf, isTokenOf, member, response, wrote } from './evidence.ts'
import type { Lesson } from './lesson.ts'

export const codeFlow: Lesson = {
  id: 'code-flow',
  title: 'The authorization code flow',
  goal: 'Sign in an End-User at a client: a code through the browser, and tokens that the client fetches itself.',
  steps: [
    {
      id: 'request',
      title: 'Send the authorization request',
      todo: (values) => [
        say(
          'Make the random values of the request, and print the address of the request. Then open the address in your browser.',
        ),
        makeVerifier,
        printRequest(values),
      ],
      done: (exchange) =>
        isOf(exchange, 'authorization') &&
        exchange.answer.status === 303 &&
        response(exchange, 'error') === undefined,
      question: askRequest('Which value does the parameter nonce of your request have?', 'nonce'),
      hints: [
        'The provider compares redirect_uri with the registered one, character by character.',
        'A page with an error says what was expected and what came.',
      ],
    },
    {
      id: 'sign-in',
      title: 'Sign in',
      todo: (values) => [signInAs(values)],
      done: (exchange) => wrote(exchange, 'signed_in'),
      hints: ['Are you signed in already? Sign out at the address of your provider with /logout at its end.'],
    },
    {
      id: 'code',
      title: 'Get the code',
      todo: ({ redirect_uri }) => [
        say(
          `The browser is sent to ${redirect_uri}. No program listens there, so the browser cannot connect. The address that it shows is the answer. Copy the whole address.`,
        ),
        pasteCode,
      ],
      done: hasCode,
      question: {
        ask: 'The client compares a value of the answer with the one that it sent. Which value does state have in the answer?',
        answer: (exchange) => response(exchange, 'state'),
      },
      hints: ['The address has code, state and iss after its question mark.', codeLives],
    },
    {
      id: 'tokens',
      title: 'Redeem the code',
      todo: (values) => [
        say(
          'The client sends the code to the token endpoint, with its secret and the verifier. Keep the answer in a variable.',
        ),
        intoTokens(redeem(values)),
      ],
      done: (exchange) => isTokenOf(exchange, 'authorization_code'),
      question: {
        ask: 'The ID Token names the End-User by a value that never changes. Which sub does your ID Token have? The page of your flow has it decoded.',
        answer: (exchange) => claim(idToken(exchange), 'sub'),
      },
      hints: [
        codeLives,
        'code_verifier is the value whose hash was in the request: of the same shell, and the last one that you made.',
      ],
    },
    {
      id: 'userinfo',
      title: 'Use the access token',
      todo: ({ issuer }) => [
        say('Ask for the claims of the End-User.'),
        command(
          takeOut('access_token', 'ACCESS_TOKEN'),
          `curl -s -H "Authorization: Bearer $ACCESS_TOKEN" ${issuer}/userinfo`,
        ),
      ],
      done: (exchange) => isOf(exchange, 'userinfo') && exchange.answer.status === 200,
      question: {
        ask: 'Which email address does the answer have?',
        answer: (exchange) => member(exchange, 'email'),
      },
      hints: [
        'The header is Authorization: Bearer, a space, and the access token.',
        'The scope email must be in the authorization request.',
      ],
    },
    {
      id: 'replay',
      title: 'Redeem the code a second time',
      todo: () => [
        say(
          'Send the same token request again, then ask for userinfo again. The provider cannot know which of the two callers is the client, so it ends all tokens of the code.',
        ),
      ],
      done: (exchange) =>
        isOf(exchange, 'token') &&
        failedWith(exchange, 'invalid_grant') &&
        wrote(exchange, 'authorization_code_reused'),
      question: {
        ask: 'Which error does the second answer have?',
        answer: (exchange) => member(exchange, 'error'),
      },
      hints: ['Repeat the command of the token request with the same CODE and CODE_VERIFIER.'],
    },
  ],
}
