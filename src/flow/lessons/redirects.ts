/** Lesson: what a redirect carries, and where it may lead. https://www.rfc-editor.org/rfc/rfc6749#section-3.1.2 */
import { authorizationUrl, command, makeVerifier, printRequest, say, signInAs } from './commands.ts'
import { failedBy, hasCode, isOf, parameter, response, sentTo } from './evidence.ts'
import type { Lesson } from './lesson.ts'

const isAnswer = { endpoints: ['authorization', 'resume'] as const }

export const redirects: Lesson = {
  id: 'redirects',
  title: 'Redirects',
  goal: 'See how a message travels through the browser from one site to another, and where it may not go.',
  steps: [
    {
      id: 'read',
      title: 'Read a redirect',
      todo: (values) => [
        say(
          'With prompt=none the provider shows no page. curl has no session here, so the answer is an error. It comes as a redirect to the client.',
        ),
        makeVerifier,
        command(
          `curl -si "${authorizationUrl(values, { prompt: 'none', code_challenge: '$CODE_CHALLENGE', code_challenge_method: 'S256' })}"`,
        ),
      ],
      done: (exchange) => isOf(exchange, ...isAnswer.endpoints) && response(exchange, 'error') !== undefined,
      question: {
        ask: 'Which error does the header Location carry?',
        answer: (exchange) => response(exchange, 'error'),
      },
      hints: [
        'curl -i prints the headers of the answer.',
        'The parameters stand after the question mark of the address in Location.',
      ],
    },
    {
      id: 'sign-in',
      title: 'Carry a message through a sign-in',
      todo: (values) => [makeVerifier, printRequest(values), signInAs(values)],
      done: (exchange) => hasCode(exchange),
      question: {
        ask: 'The value of state came back to the client. Which one is it?',
        answer: (exchange) => response(exchange, 'state'),
      },
      hints: ['No program listens at the redirect URI. The address that the browser shows is the message.'],
    },
    {
      id: 'fragment',
      title: 'Send the message in the fragment',
      todo: (values) => [
        say('The part of an address after # stays in the browser: no server receives it.'),
        makeVerifier,
        printRequest(values, { response_mode: 'fragment' }),
      ],
      done: (exchange) => isOf(exchange, ...isAnswer.endpoints) && (sentTo(exchange)?.hash ?? '').length > 1,
      question: {
        ask: 'The message names the provider that answered. Which value does iss have, decoded?',
        answer: (exchange) => new URLSearchParams(sentTo(exchange)?.hash.slice(1)).get('iss') ?? undefined,
      },
      hints: ['Is a page shown? Sign in and allow first.'],
    },
    {
      id: 'form-post',
      title: 'Send the message as a form',
      todo: (values) => [
        say('The browser posts the message to the client in place of a redirect.'),
        makeVerifier,
        printRequest(values, { response_mode: 'form_post' }),
      ],
      done: (exchange) =>
        isOf(exchange, ...isAnswer.endpoints) &&
        exchange.answer.status === 200 &&
        exchange.steps.some((step) => step.kind === 'store' && step.of === 'code' && step.verb === 'put'),
      hints: ['The provider answers with a page whose form the browser sends to the client.'],
    },
    {
      id: 'unregistered',
      title: 'Try a redirect URI that is not registered',
      todo: (values) => [
        say(
          'A provider that sends codes to any address gives them away. Change the redirect URI, and open the address.',
        ),
        command(`echo "${authorizationUrl(values, { redirect_uri: `${values.redirect_uri}/other` })}"`),
      ],
      done: (exchange) => isOf(exchange, 'authorization') && failedBy(exchange, 'RFC 9700 §2.1'),
      question: {
        ask: 'The provider answers with a page and sends the browser nowhere. Which redirect URI did your request have?',
        answer: (exchange) => parameter(exchange, 'redirect_uri'),
      },
      hints: [
        'The provider compares the whole text: another path, port or a slash at the end is another URI.',
      ],
    },
  ],
}
