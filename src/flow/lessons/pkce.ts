/** Lesson: PKCE. https://www.rfc-editor.org/rfc/rfc7636 */
import {
  askRequest,
  codeLives,
  makeVerifier,
  pasteCode,
  printRequest,
  redeem,
  say,
  signInAs,
} from './commands.ts'
import { hasCode, isOf, isTokenOf, failedBy, failedChecks, member, parameter, requestOf } from './evidence.ts'
import type { Exchange, Flow } from '../../models/recording/recorded.ts'
import type { Lesson } from './lesson.ts'

const rule = 'RFC 7636 §4.6'

/** The hash of the verifier of a token request. */
const hashThatCame = ({ steps }: Exchange): string | undefined =>
  steps.flatMap((step) => (step.kind === 'check' && step.rule === rule && step.came ? [step.came] : []))[0]

const isChallengeOfOther = (hash: string | undefined, flow: Flow, all: readonly Flow[]): boolean =>
  all.some((each) => {
    const request = each.id === flow.id ? undefined : requestOf(each)
    return request !== undefined && parameter(request, 'code_challenge') === hash
  })

export const pkce: Lesson = {
  id: 'pkce',
  title: 'PKCE',
  goal: 'Bind a code to the client that asked for it: a stolen code is of no use without the verifier.',
  steps: [
    {
      id: 'challenge',
      title: 'Send the challenge',
      todo: (values) => [
        say('The verifier stays with the client. The request has its hash alone.'),
        makeVerifier,
        printRequest(values),
        signInAs(values),
        pasteCode,
      ],
      done: (exchange, flow) => {
        const request = requestOf(flow)
        return (
          hasCode(exchange) && request !== undefined && parameter(request, 'code_challenge') !== undefined
        )
      },
      question: askRequest('Which code_challenge did your request have?', 'code_challenge'),
      hints: ['The challenge has 43 characters: a SHA-256 in base64url, without padding.'],
    },
    {
      id: 'wrong-verifier',
      title: 'Redeem the code without its verifier',
      todo: (values) => [
        say('This is the thief: the code is right, and the verifier is guessed.'),
        redeem(values, 'a-guess-of-a-thief-that-has-43-characters-or-more'),
      ],
      done: (exchange) =>
        isOf(exchange, 'token') && failedChecks(exchange).some((each) => each.rule.startsWith('RFC 7636 ')),
      question: { ask: 'Which error does the answer have?', answer: (exchange) => member(exchange, 'error') },
      hints: [codeLives],
    },
    {
      id: 'right-verifier',
      title: 'Redeem the code with the verifier',
      todo: (values) => [say('A failed attempt does not use the code up.'), redeem(values)],
      done: (exchange) =>
        isTokenOf(exchange, 'authorization_code') &&
        exchange.steps.some((step) => step.kind === 'check' && step.held && step.rule === rule),
      question: askRequest('Which code_challenge_method did your request have?', 'code_challenge_method'),
      hints: [codeLives, 'Make a new pair only together with a new request.'],
    },
    {
      id: 'injected',
      title: 'Inject a stolen code',
      todo: (values) => [
        say(
          'An attacker puts the code of another browser into your flow. Make two requests: keep the code of the second one, and send the verifier of the first one.',
        ),
        makeVerifier,
        printRequest(values),
        say('Keep this verifier, make a new pair and open the new address:'),
        { command: 'OLD_VERIFIER=$CODE_VERIFIER' },
        makeVerifier,
        printRequest(values),
        pasteCode,
        redeem(values, '$OLD_VERIFIER'),
      ],
      done: (exchange, flow, all) =>
        isOf(exchange, 'token') &&
        failedBy(exchange, rule) &&
        isChallengeOfOther(hashThatCame(exchange), flow, all()),
      question: {
        ask: 'The check compares two hashes. Which one did the provider make of the verifier that came? The flow shows it.',
        answer: hashThatCame,
      },
      hints: ['The check of RFC 7636 §4.6 shows what came and what was wanted.'],
    },
    {
      id: 'missing',
      title: 'Leave the challenge out',
      todo: (values) => [
        say('Open a request without code_challenge.'),
        {
          open: `${values.issuer}/authorize?${new URLSearchParams({ response_type: 'code', client_id: values.client_id, redirect_uri: values.redirect_uri, scope: 'openid', state: 'my-state-2' })}`,
        },
      ],
      done: (exchange) => isOf(exchange, 'authorization') && failedBy(exchange, 'RFC 7636 §4.4.1'),
      question: {
        ask: 'The error went to the client. Which state came with it?',
        answer: (exchange) => parameter(exchange, 'state'),
      },
      hints: ['The address in the browser has error and error_description.'],
    },
  ],
}
