/** The pages of codes sent by mail or SMS: request and entry of a code, at sign-in and to set the channel up. */
import type { Context } from '../../contracts/context.ts'
import { type Answer, defineEndpoint, type Endpoint, type Submitted } from '../../contracts/endpoint.ts'
import { changeFactors } from '../../flow/second_factors.ts'
import type { Call } from '../../contracts/call.ts'
import { alert as problemOf } from '../../html/page_parts.ts'
import { countAddress } from '../../people/rate_limit.ts'
import { redirectWithin } from '../../http/reply.ts'
import type { Reply } from '../../contracts/reply.ts'
import { type Said, say } from '../../lib/say.ts'
import { answerCode, trustDays } from './challenge.ts'
import { type Channel, rememberAddress, pathsOf, type Stored } from './channels.ts'
import {
  type CodeBinding,
  forgetCode,
  newCodeFor,
  proveCode,
  type Purpose,
  sentTo,
  spendCode,
  useCode,
} from './codes.ts'
import {
  findFactorAccountPage,
  factorAccountForm,
  type FindPage,
  findEnrolmentPage,
  enrolmentPageForm,
  findStepPage,
  stepPageForm,
  type FoundStepPage,
  type FactorPage,
  type FoundPage,
  requireOffered,
  tooMany,
} from './factor_page.ts'
import { choicePath } from './policy.ts'
import { withFirstCodes } from './recovery_pages.ts'
import { DeliveryFailed } from './sms.ts'
import { tryKey, countFactorTry, forgetFactorTries } from './tries.ts'
import { buttonFormOf, codeFormOf, paragraph, phoneFormOf } from './views.ts'
import type { Params } from '../../auth/params.ts'

/** A code for a sign-in and a code for the set-up may exist at the same time. Neither is valid for the other purpose. */
const bindingOf = (channel: Channel, factorPage: FactorPage, purpose: Purpose): CodeBinding => ({
  channel: channel.name,
  purpose,
  owner: factorPage.owner,
  sub: factorPage.user.sub,
})

/** Limits set-up codes per IP address, in a window of seconds: many accounts must not cause high SMS costs (toll fraud). */
const setUpsPerAddress = { most: 30, window: 3_600 }

/** Sends a code; undefined if it was sent. */
async function send(
  call: Call,
  context: Context,
  channel: Channel,
  factorPage: FactorPage,
  binding: CodeBinding,
  to: string,
  show: (status: number, error: Said) => Reply,
): Promise<Reply | undefined> {
  try {
    const { most, window } = setUpsPerAddress
    if (binding.purpose === 'set_up')
      await countAddress(context, 'factor_code_set_up', call.address, most, window)
    const code = await newCodeFor(context, binding, to, tryKey(call, context, factorPage.user))
    await channel.deliver(context, factorPage.user, { to, code, purpose: binding.purpose })
    return undefined
  } catch (error) {
    if (!(error instanceof DeliveryFailed)) return tooMany(call, context, error, show)
    await forgetCode(context, binding)
    context.log.warn('factor_code_not_sent', { channel: channel.name, problem: error.message })
    return show(503, say('second_factor.not_sent'))
  }
}

const sendButton = (factorPage: FactorPage, again: boolean) =>
  buttonFormOf({
    action: factorPage.action,
    hidden: factorPage.hidden,
    name: 'send',
    label: say(again ? 'second_factor.send_again' : 'second_factor.send'),
    look: again ? 'plain' : 'primary',
  })

const codeInput = (
  context: Context,
  channel: Channel,
  factorPage: FactorPage,
  to: string,
  error: Said | undefined,
  trust: boolean,
) => [
  paragraph({ text: say(channel.words.sent, { to: channel.masked(to) }) }),
  codeFormOf({
    action: factorPage.action,
    hidden: factorPage.hidden,
    label: 'second_factor.code',
    error,
    trustDays: trust ? trustDays(context) : undefined,
  }),
  sendButton(factorPage, true),
]

/** The page that asks for a code at sign-in; undefined if the End-User has not set up this channel. */
async function challengeView(context: Context, channel: Channel, { factorPage, ready }: FoundStepPage) {
  const to = await channel.addressOf(factorPage.user, context)
  if (to === undefined || !ready) return undefined
  const binding = bindingOf(channel, factorPage, 'challenge')
  const pending = (await sentTo(context, binding)) === to
  const show = (status: number, error?: Said) =>
    factorPage.show(status, {
      title: say(channel.words.title),
      main: pending
        ? codeInput(context, channel, factorPage, to, error, true)
        : [
            ...(error ? [problemOf({ message: error })] : []),
            paragraph({ text: say(channel.words.offer, { to: channel.masked(to) }) }),
            sendButton(factorPage, false),
          ],
    })
  return { to, binding, show }
}

function showChallenge(channel: Channel): Answer {
  const find = findStepPage(pathsOf(channel).challenge)
  return async (call, context) => {
    const found = await find(call, context)
    if ('reply' in found) return found.reply
    const view = await challengeView(context, channel, found)
    return view ? view.show(200) : redirectWithin(found.factorPage.pathTo(choicePath))
  }
}

async function challenge(
  call: Call,
  context: Context,
  channel: Channel,
  found: FoundStepPage & Submitted,
): Promise<Reply> {
  const { factorPage, fields } = found
  const view = await challengeView(context, channel, found)
  if (!view) return redirectWithin(factorPage.pathTo(choicePath))
  const { to, binding, show } = view
  const path = pathsOf(channel).challenge
  if (fields.send !== undefined)
    return (
      (await send(call, context, channel, factorPage, binding, to, show)) ??
      redirectWithin(factorPage.pathTo(path))
    )
  return answerCode(
    call,
    context,
    found,
    { spend: () => spendFor(context, channel, binding, fields, to) },
    show,
  )
}

/** The code counts only if it was sent to the current address. */
async function spendFor(
  context: Context,
  channel: Channel,
  binding: CodeBinding,
  { code = '' }: Params,
  to: string,
) {
  return (await spendCode(context, binding, code)) === to ? channel.addToAmr : undefined
}

/** The set-up page: asks for the address to send a code to, or for the code that was sent. */
async function setUpView(
  context: Context,
  channel: Channel,
  factorPage: FactorPage,
  fields: Submitted['fields'],
) {
  requireOffered(context, channel.name)
  const binding = bindingOf(channel, factorPage, 'set_up')
  const pending = fields.send === undefined ? await sentTo(context, binding) : undefined
  const asksForPhone = channel.name === 'sms'
  const show = (status: number, error?: Said) =>
    factorPage.show(status, {
      title: say(channel.words.setUp),
      main:
        pending === undefined
          ? addressInput(channel, factorPage, fields.phone ?? '', error)
          : [
              ...codeInput(context, channel, factorPage, pending, error, false).slice(
                0,
                asksForPhone ? 2 : 3,
              ),
              ...(asksForPhone ? addressInput(channel, factorPage, pending, undefined) : []),
            ],
    })
  return { binding, show }
}

const showSetUp =
  (channel: Channel, find: FindPage): Answer =>
  async (call, context) => {
    const found = await find(call, context)
    if ('reply' in found) return found.reply
    return (await setUpView(context, channel, found.factorPage, {})).show(200)
  }

async function setUp(
  call: Call,
  context: Context,
  channel: Channel,
  path: string,
  { factorPage, fields }: FoundPage & Submitted,
): Promise<Reply> {
  const { binding, show } = await setUpView(context, channel, factorPage, fields)
  if (fields.send !== undefined) {
    const to = channel.candidate(factorPage.user, fields.phone ?? '')
    if (to === undefined) return show(400, say(channel.words.unusable))
    return (
      (await send(call, context, channel, factorPage, binding, to, show)) ??
      redirectWithin(factorPage.pathTo(path))
    )
  }
  try {
    await countFactorTry(call, context, factorPage.user)
  } catch (error) {
    return tooMany(call, context, error, show)
  }
  const proven = await proveCode(context, binding, fields.code ?? '')
  if (proven === undefined) return show(400, say('second_factor.wrong'))
  await forgetFactorTries(call, context, factorPage.user)
  const { replaces, user } = factorPage
  const event = { kind: channel.told.added, detail: channel.masked(proven.to) }
  let stored: Stored = 'refused'
  await changeFactors(call, context, user, event, async () => {
    stored = await rememberAddress(context, channel, { sub: user.sub, to: proven.to, replaces })
    return stored === 'new'
  })
  // Used up last, so that a form that stopped halfway can be sent again.
  if (!(await useCode(context, binding, proven))) return show(400, say('second_factor.wrong'))
  if (stored === 'refused') return redirectWithin(factorPage.pathTo(choicePath))
  const reply = await factorPage.finish(channel.done, channel.addToAmr)
  // A mailed code is no factor: it must not lead to codes that are one.
  return channel.name === 'email' ? reply : withFirstCodes(call, context, factorPage, reply)
}

function addressInput(channel: Channel, factorPage: FactorPage, phone: string, error: Said | undefined) {
  if (channel.name === 'sms')
    return [phoneFormOf({ action: factorPage.action, hidden: factorPage.hidden, phone, error })]
  const to = channel.candidate(factorPage.user, '')
  if (to === undefined) return [paragraph({ text: say(channel.words.unusable) })]
  return [
    ...(error ? [problemOf({ message: error })] : []),
    paragraph({ text: say(channel.words.offer, { to: channel.masked(to) }) }),
    sendButton(factorPage, false),
  ]
}

export function channelEndpoints(channel: Channel): Endpoint[] {
  const paths = pathsOf(channel)
  const shared = { advertised: false, limited: true, page: true } as const
  return [
    defineEndpoint({
      ...shared,
      name: `second_factor_${channel.name}`,
      path: paths.challenge,
      get: showChallenge(channel),
      form: stepPageForm(paths.challenge),
      post: (call, context, found) => challenge(call, context, channel, found),
    }),
    defineEndpoint({
      ...shared,
      name: `second_factor_${channel.name}_set_up`,
      path: paths.enrol,
      get: showSetUp(channel, findEnrolmentPage(paths.enrol)),
      form: enrolmentPageForm(paths.enrol),
      post: (call, context, found) => setUp(call, context, channel, paths.enrol, found),
    }),
    defineEndpoint({
      ...shared,
      name: `account_${channel.name}_codes`,
      path: paths.account,
      get: showSetUp(channel, findFactorAccountPage(paths.account)),
      form: factorAccountForm(paths.account),
      post: (call, context, found) => setUp(call, context, channel, paths.account, found),
    }),
  ]
}
