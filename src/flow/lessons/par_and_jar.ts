/** Lesson: pushed and signed authorization requests. https://www.rfc-editor.org/rfc/rfc9126 https://www.rfc-editor.org/rfc/rfc9101 */
import { asClient, command, makeVerifier, say, signInAs } from './commands.ts'
import { failedWith, hasCode, isOf, member, parameter, requestOf } from './evidence.ts'
import type { Lesson } from './lesson.ts'
import type { Exchange, Flow } from '../../models/recording/recorded.ts'

/** The object of a request that was signed by the client. */
const objectOf = (exchange: Exchange | undefined) =>
  exchange?.tokens.find(({ where }) => where === 'request')?.token

const wasPushed = (flow: Flow): boolean =>
  flow.exchanges.some((each) => isOf(each, 'pushed_authorization_request') && each.answer.status === 201)

const claimOf = (exchange: Exchange | undefined, name: string): string | undefined => {
  const value = objectOf(exchange)?.claims[name]
  return typeof value === 'string' ? value : undefined
}

export const parAndJar: Lesson = {
  id: 'par-and-jar',
  title: 'PAR and JAR',
  goal: 'Keep the authorization request out of the hands of the browser: push it, or sign it.',
  steps: [
    {
      id: 'push',
      title: 'Push the request',
      todo: (values) => [
        say(
          'The client sends the whole request itself, authenticated. The browser will carry a reference alone.',
        ),
        makeVerifier,
        asClient(values, '/par', [
          ['response_type', 'code'],
          ['redirect_uri', values.redirect_uri],
          ['scope', 'openid profile'],
          ['state', '$STATE'],
          ['code_challenge', '$CODE_CHALLENGE'],
          ['code_challenge_method', 'S256'],
        ]),
      ],
      done: (exchange) => isOf(exchange, 'pushed_authorization_request') && exchange.answer.status === 201,
      question: {
        ask: 'For how many seconds is the reference good (expires_in)?',
        answer: (exchange) => member(exchange, 'expires_in'),
      },
      hints: ['The answer has the status 201, request_uri and expires_in.'],
    },
    {
      id: 'use',
      title: 'Use the reference',
      todo: (values) => [
        say('Put the request_uri of the answer into the address, and open it.'),
        command(
          `printf 'request_uri: '; read -r REQUEST_URI`,
          `echo "${values.issuer}/authorize?client_id=${values.client_id}&request_uri=$REQUEST_URI"`,
        ),
        signInAs(values),
      ],
      done: (exchange, flow) => hasCode(exchange) && wasPushed(flow),
      question: {
        ask: 'state was not in the address. Which value came back from the pushed request?',
        answer: (exchange) => {
          const location = exchange.answer.headers.find(([name]) => name === 'location')?.[1]
          return URL.parse(location ?? '')?.searchParams.get('state') ?? undefined
        },
      },
      hints: ['A reference expires soon: push again.'],
    },
    {
      id: 'again',
      title: 'Use the reference a second time',
      todo: () => [say('Open the same address again.')],
      done: (exchange) =>
        isOf(exchange, 'authorization') &&
        exchange.answer.status === 400 &&
        exchange.request.url.includes('request_uri='),
      question: { ask: 'Which status does the answer have?', answer: ({ answer }) => `${answer.status}` },
      hints: ['A reference is good once.'],
    },
    {
      id: 'signed',
      title: 'Sign the request',
      todo: () => [
        say(
          'The playground has a client with a key. Begin the flow “Signed request”, and go on to its code.',
        ),
        { page: '/lab/client', title: 'Open the playground' },
      ],
      done: (exchange, flow) => hasCode(exchange) && objectOf(requestOf(flow)) !== undefined,
      question: {
        ask: 'Which scope is in the signed request object?',
        answer: (_, flow) => claimOf(requestOf(flow), 'scope'),
      },
      hints: ['The flow shows the request object decoded.'],
    },
    {
      id: 'tampered',
      title: 'Change the signed request',
      todo: () => [
        say(
          'Begin the flow again. Change a claim of the request object and sign it with another key before you send it.',
        ),
        { page: '/lab/client', title: 'Open the playground' },
      ],
      done: (exchange) =>
        isOf(exchange, 'authorization') &&
        parameter(exchange, 'request') !== undefined &&
        failedWith(exchange, 'invalid_request_object'),
      hints: ['The page of the playground lets you edit the claims, and choose the key.'],
    },
  ],
}
