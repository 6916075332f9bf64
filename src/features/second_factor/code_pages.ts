/** The pages of codes that are sent: asking for one, typing it, at sign-in or to set the way up. An outage says so. */
import type { Context } from '../../contracts/context.ts'
import { type Answer, defineEndpoint, type Endpoint, type Submitted } from '../../contracts/endpoint.ts'
import { factorsChanged, twoFactors } from '../../flow/second_factors.ts'
import type { Call } from '../../contracts/call.ts'
import { alert as problemOf } from '../../html/page_parts.ts'
import { countAddress } from '../../people/rate_limit.ts'
import { redirectWithin } from '../../http/reply.ts'
import type { Reply } from '../../contracts/reply.ts'
import { type Said, say } from '../../lib/say.ts'
import type { SecondFactor } from '../../contracts/feature.ts'
import { answerCode, trustDays } from './challenge.ts'
import { type Channel, channels, rememberAddress } from './channels.ts'
import { type Door, forgetCode, type Purpose, newCodeFor, sentTo, spendCode } from './codes.ts'
import {
  accountPlace,
  accountPlaceForm,
  type FindPlace,
  halfEnrolment,
  halfEnrolmentForm,
  halfPlace,
  halfPlaceForm,
  type HalfPlaced,
  type Place,
  type Placed,
  requireOffered,
  tooMany,
} from './place.ts'
import { choicePath } from './policy.ts'
import { DeliveryFailed } from './sms.ts'
import { counted, countFactorTry, forgetFactorTries } from './tries.ts'
import { buttonFormOf, codeFormOf, paragraph, phoneFormOf } from './views.ts'
import { factorsPath } from './words.ts'
import type { Params } from '../../auth/params.ts'

/** One code may wait for a challenge and another for setting up: neither is good for the other. */
const doorOf = (channel: Channel, place: Place, purpose: Purpose): Door => ({
  channel: channel.name,
  purpose,
  owner: place.owner,
  sub: place.user.sub,
})

const pathsOf = ({ name }: Channel) => ({
  challenge: `/second-factor/${name}`,
  enrol: `/second-factor/${name}/set-up`,
  account: `${factorsPath}/${name}`,
})

/** Codes to numbers that are nobody's yet, in so many seconds: many accounts must not run up a bill (toll fraud). */
const setUpsPerAddress = { most: 30, window: 3_600 }

/** Sends a code; undefined once it is on its way. */
async function send(
  call: Call,
  context: Context,
  channel: Channel,
  place: Place,
  door: Door,
  to: string,
  show: (status: number, error: Said) => Reply,
): Promise<Reply | undefined> {
  try {
    const { most, window } = setUpsPerAddress
    if (door.purpose === 'set_up')
      await countAddress(context, 'factor_code_set_up', call.address, most, window)
    const code = await newCodeFor(context, door, to, counted(call, context, place.user))
    await channel.deliver(context, place.user, { to, code, purpose: door.purpose })
    return undefined
  } catch (error) {
    if (!(error instanceof DeliveryFailed)) return tooMany(call, context, error, show)
    await forgetCode(context, door)
    context.log.warn('factor_code_not_sent', { channel: channel.name, problem: error.message })
    return show(503, say('second_factor.not_sent'))
  }
}

const sendButton = (place: Place, again: boolean) =>
  buttonFormOf({
    action: place.action,
    hidden: place.hidden,
    name: 'send',
    label: say(again ? 'second_factor.send_again' : 'second_factor.send'),
    look: again ? 'plain' : 'primary',
  })

const typing = (
  context: Context,
  channel: Channel,
  place: Place,
  to: string,
  error: Said | undefined,
  trust: boolean,
) => [
  paragraph({ text: say(channel.words.sent, { to: channel.masked(to) }) }),
  codeFormOf({
    action: place.action,
    hidden: place.hidden,
    label: 'second_factor.code',
    error,
    trustDays: trust ? trustDays(context) : undefined,
  }),
  sendButton(place, true),
]

/** The page that asks for a code at sign-in; undefined where this person has no such factor ready. */
async function challengeView(context: Context, channel: Channel, { place, ready }: HalfPlaced) {
  const to = await channel.addressOf(place.user, context)
  if (to === undefined || !ready) return undefined
  const door = doorOf(channel, place, 'challenge')
  const waiting = (await sentTo(context, door)) === to
  const show = (status: number, error?: Said) =>
    place.show(status, {
      title: say(channel.words.title),
      main: waiting
        ? typing(context, channel, place, to, error, true)
        : [
            ...(error ? [problemOf({ message: error })] : []),
            paragraph({ text: say(channel.words.offer, { to: channel.masked(to) }) }),
            sendButton(place, false),
          ],
    })
  return { to, door, show }
}

function showChallenge(channel: Channel): Answer {
  const find = halfPlace(pathsOf(channel).challenge)
  return async (call, context) => {
    const placed = await find(call, context)
    if ('reply' in placed) return placed.reply
    const view = await challengeView(context, channel, placed)
    return view ? view.show(200) : redirectWithin(placed.place.at(choicePath))
  }
}

async function challenge(
  call: Call,
  context: Context,
  channel: Channel,
  placed: HalfPlaced & Submitted,
): Promise<Reply> {
  const { place, fields } = placed
  const view = await challengeView(context, channel, placed)
  if (!view) return redirectWithin(place.at(choicePath))
  const { to, door, show } = view
  const path = pathsOf(channel).challenge
  if (fields.send !== undefined)
    return (await send(call, context, channel, place, door, to, show)) ?? redirectWithin(place.at(path))
  return answerCode(
    call,
    context,
    placed,
    { spend: () => spendFor(context, channel, door, fields, to) },
    show,
  )
}

/** The address must still be the one the code was sent to. */
async function spendFor(context: Context, channel: Channel, door: Door, { code = '' }: Params, to: string) {
  return (await spendCode(context, door, code)) === to ? channel.more : undefined
}

/** The page that sets the way up: it asks where to send a code to, or for the code that was sent. */
async function setUpView(context: Context, channel: Channel, place: Place, fields: Submitted['fields']) {
  requireOffered(context, channel.name)
  const door = doorOf(channel, place, 'set_up')
  const waiting = fields.send === undefined ? await sentTo(context, door) : undefined
  const asksForPhone = channel.name === 'sms'
  const show = (status: number, error?: Said) =>
    place.show(status, {
      title: say(channel.words.setUp),
      main:
        waiting === undefined
          ? asking(channel, place, fields.phone ?? '', error)
          : [
              ...typing(context, channel, place, waiting, error, false).slice(0, asksForPhone ? 2 : 3),
              ...(asksForPhone ? asking(channel, place, waiting, undefined) : []),
            ],
    })
  return { door, show }
}

const showSetUp =
  (channel: Channel, find: FindPlace): Answer =>
  async (call, context) => {
    const placed = await find(call, context)
    if ('reply' in placed) return placed.reply
    return (await setUpView(context, channel, placed.place, {})).show(200)
  }

async function setUp(
  call: Call,
  context: Context,
  channel: Channel,
  path: string,
  { place, fields }: Placed & Submitted,
): Promise<Reply> {
  const { door, show } = await setUpView(context, channel, place, fields)
  if (fields.send !== undefined) {
    const to = channel.candidate(place.user, fields.phone ?? '')
    if (to === undefined) return show(400, say(channel.words.unusable))
    return (await send(call, context, channel, place, door, to, show)) ?? redirectWithin(place.at(path))
  }
  try {
    await countFactorTry(call, context, place.user)
  } catch (error) {
    return tooMany(call, context, error, show)
  }
  const proven = await spendCode(context, door, fields.code ?? '')
  if (proven === undefined) return show(400, say('second_factor.wrong'))
  await forgetFactorTries(call, context, place.user)
  const { replaces, user } = place
  if (!(await rememberAddress(context, channel, { sub: user.sub, to: proven, replaces })))
    return redirectWithin(place.at(choicePath))
  await factorsChanged(call, context, place.user, {
    kind: channel.told.added,
    detail: channel.masked(proven),
  })
  return place.finish(channel.done, channel.more)
}

function asking(channel: Channel, place: Place, phone: string, error: Said | undefined) {
  if (channel.name === 'sms')
    return [phoneFormOf({ action: place.action, hidden: place.hidden, phone, error })]
  const to = channel.candidate(place.user, '')
  if (to === undefined) return [paragraph({ text: say(channel.words.unusable) })]
  return [
    ...(error ? [problemOf({ message: error })] : []),
    paragraph({ text: say(channel.words.offer, { to: channel.masked(to) }) }),
    sendButton(place, false),
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
      form: halfPlaceForm(paths.challenge),
      post: (call, context, placed) => challenge(call, context, channel, placed),
    }),
    defineEndpoint({
      ...shared,
      name: `second_factor_${channel.name}_set_up`,
      path: paths.enrol,
      get: showSetUp(channel, halfEnrolment(paths.enrol)),
      form: halfEnrolmentForm(paths.enrol),
      post: (call, context, placed) => setUp(call, context, channel, paths.enrol, placed),
    }),
    defineEndpoint({
      ...shared,
      name: `account_${channel.name}_codes`,
      path: paths.account,
      get: showSetUp(channel, accountPlace(paths.account)),
      form: accountPlaceForm(paths.account),
      post: (call, context, placed) => setUp(call, context, channel, paths.account, placed),
    }),
  ]
}

const factorOf = (channel: Channel, what: Pick<SecondFactor, 'order' | 'label' | 'acr'>): SecondFactor => {
  const paths = pathsOf(channel)
  return {
    ...what,
    name: channel.name,
    isSetUp: async (context, user) => (await channel.addressOf(user, context)) !== undefined,
    path: paths.challenge,
    enrolPath: paths.enrol,
    accountPath: paths.account,
  }
}

export const smsFactor = factorOf(channels.sms, {
  order: 30,
  label: 'second_factor.sms_name',
  acr: twoFactors,
})
export const emailFactor = factorOf(channels.email, {
  order: 40,
  label: 'second_factor.email_name',
  acr: 'urn:latchkey:1fa',
})
