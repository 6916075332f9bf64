/** Lesson: a device without a browser. https://www.rfc-editor.org/rfc/rfc8628 */
import { command, say } from './commands.ts'
import { failedWith, idToken, claim, isOf, isTokenOf, member } from './evidence.ts'
import type { Lesson, Part, Values } from './lesson.ts'

const type = 'urn:ietf:params:oauth:grant-type:device_code'

const poll = ({ issuer, device_client_id }: Values): Part =>
  command(
    `curl -s ${issuer}/token -d grant_type=${type} \\\n  -d client_id=${device_client_id} -d "device_code=$DEVICE_CODE"`,
  )

const isPoll = (grantType: string | undefined): boolean => grantType === type

export const device: Lesson = {
  id: 'device',
  title: 'A device',
  goal: 'Sign in on a device without a keyboard: the End-User answers on another one.',
  steps: [
    {
      id: 'begin',
      title: 'Begin on the device',
      todo: ({ issuer, device_client_id }) => [
        command(
          `STARTED=$(curl -s ${issuer}/device_authorization -d client_id=${device_client_id} -d 'scope=openid profile')`,
          `DEVICE_CODE=$(printf '%s' "$STARTED" | sed -n 's/.*"device_code": *"\\([^"]*\\)".*/\\1/p')`,
          'echo "$STARTED"',
        ),
      ],
      done: (exchange) => isOf(exchange, 'device_authorization') && exchange.answer.status === 200,
      question: {
        ask: 'The device shows a code to the End-User. Which user_code is it?',
        answer: (exchange) => member(exchange, 'user_code'),
      },
      hints: ['The answer has device_code for the device, and user_code for the End-User.'],
    },
    {
      id: 'pending',
      title: 'Poll before the End-User has answered',
      todo: (values) => [poll(values)],
      done: (exchange) =>
        isOf(exchange, 'token') &&
        isPoll(exchange.grantType) &&
        failedWith(exchange, 'authorization_pending'),
      question: { ask: 'Which error does the answer have?', answer: (exchange) => member(exchange, 'error') },
      hints: ['This error is a regular part of the flow: the device waits, and asks again.'],
    },
    {
      id: 'approve',
      title: 'Answer as the End-User',
      todo: ({ issuer, username, password }) => [
        say(
          `Open the page in the browser, sign in as ${username} with the password ${password}, type the user code, compare, and allow.`,
        ),
        { open: `${issuer}/device` },
      ],
      done: (exchange) =>
        isOf(exchange, 'device_verification') &&
        exchange.steps.some((step) => step.kind === 'store' && step.of === 'grant' && step.verb === 'create'),
      hints: ['A code that another person sent you gives that person your access.'],
    },
    {
      id: 'tokens',
      title: 'Poll again',
      todo: (values) => [poll(values)],
      done: (exchange) => isTokenOf(exchange, type),
      question: {
        ask: 'Which client is the ID Token for (aud)?',
        answer: (exchange) => claim(idToken(exchange), 'aud'),
      },
      hints: ['Wait for the interval of the first answer between two requests.'],
    },
    {
      id: 'used',
      title: 'Poll once more',
      todo: (values) => [poll(values)],
      done: (exchange, flow) =>
        isOf(exchange, 'token') &&
        isPoll(exchange.grantType) &&
        exchange.answer.status === 400 &&
        !failedWith(exchange, 'slow_down') &&
        flow.exchanges.some((each) => isTokenOf(each, type)),
      question: { ask: 'Which error does the answer have?', answer: (exchange) => member(exchange, 'error') },
      hints: ['A device code is good once.'],
    },
  ],
}
