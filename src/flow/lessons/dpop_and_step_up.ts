/** Lesson: tokens that are bound to a key, and a sign-in that is strong enough. https://www.rfc-editor.org/rfc/rfc9449 https://www.rfc-editor.org/rfc/rfc9470 */
import { makeVerifier, pasteCode, printRequest, redeem, say, signInAs } from './commands.ts'
import { accessToken, claim, idToken, isOf, parameter } from './evidence.ts'
import type { Lesson } from './lesson.ts'
import type { Exchange, ReadToken } from '../../models/recording/recorded.ts'

function boundTo(token: ReadToken | undefined): string | undefined {
  const cnf = token?.claims.cnf
  const jkt = typeof cnf === 'object' && cnf !== null ? (cnf as { jkt?: unknown }).jkt : undefined
  return typeof jkt === 'string' ? jkt : undefined
}

/** Whether the request has a token that is bound to a key. */
const hasBound = ({ tokens }: Exchange): boolean => tokens.some(({ token }) => boundTo(token) !== undefined)

const scheme = ({ request }: Exchange): string =>
  (request.headers.find(([name]) => name.toLowerCase() === 'authorization')?.[1] ?? '')
    .split(' ')[0]!
    .toLowerCase()

const level = 'urn:latchkey:2fa'

export const dpopAndStepUp: Lesson = {
  id: 'dpop-and-step-up',
  title: 'DPoP and step-up',
  goal: 'Make a stolen token useless, and ask for a stronger sign-in where the action needs it.',
  steps: [
    {
      id: 'bound',
      title: 'Get a token that is bound to a key',
      todo: () => [
        say('The playground has a key for this. Begin the flow “DPoP”, and go on to the tokens.'),
        { page: '/lab/client', title: 'Open the playground' },
      ],
      done: (exchange) => isOf(exchange, 'token') && boundTo(accessToken(exchange)) !== undefined,
      question: {
        ask: 'The token names the key. Which jkt is in its claim cnf?',
        answer: (exchange) => boundTo(accessToken(exchange)),
      },
      hints: ['The flow shows the access token decoded.'],
    },
    {
      id: 'proof',
      title: 'Use it with a proof',
      todo: () => [say('Go on to userinfo. The request has the header DPoP, signed with the key.')],
      done: (exchange) =>
        isOf(exchange, 'userinfo') &&
        exchange.answer.status === 200 &&
        exchange.request.headers.some(([name]) => name.toLowerCase() === 'dpop'),
      hints: ['A proof is good once, and for one address and one method.'],
    },
    {
      id: 'stolen',
      title: 'Be the thief',
      todo: ({ issuer }) => [
        say(
          `Copy the access token from the page of the playground, and send it without a proof to ${issuer}/userinfo.`,
        ),
        { command: `curl -si -H "Authorization: Bearer THE_TOKEN" ${issuer}/userinfo` },
      ],
      done: (exchange) =>
        isOf(exchange, 'userinfo') &&
        exchange.answer.status === 401 &&
        hasBound(exchange) &&
        scheme(exchange) === 'bearer',
      question: { ask: 'Which status does the answer have?', answer: ({ answer }) => `${answer.status}` },
      hints: ['The token is right. The proof is missing.'],
    },
    {
      id: 'demand',
      title: 'Ask for two factors',
      todo: (values) => [
        makeVerifier,
        printRequest(values, { acr_values: level }),
        signInAs(values),
        say('The password alone is one factor. Set up the second step when the provider asks for it.'),
      ],
      done: (exchange) =>
        isOf(exchange, 'authorization') &&
        (parameter(exchange, 'acr_values') ?? '').split(' ').includes(level) &&
        exchange.answer.status === 303,
      hints: ['The parameter is acr_values. The client cannot demand more than the provider offers.'],
    },
    {
      id: 'stepped-up',
      title: 'Prove both',
      todo: (values) => [
        say('Finish the sign-in with the second step, and redeem the code.'),
        pasteCode,
        redeem(values),
      ],
      done: (exchange) => claim(idToken(exchange), 'acr') === level,
      question: {
        ask: 'Which acr does the ID Token have? The client must compare it.',
        answer: (exchange) => claim(idToken(exchange), 'acr'),
      },
      hints: ['A client that does not look at acr accepts every sign-in.'],
    },
  ],
}
