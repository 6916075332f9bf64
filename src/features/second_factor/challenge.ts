/** The page that asks for a code, whichever factor it is of: counted, spent once, and on to the session. */
import type { Context } from '../../contracts/context.ts'
import { defineEndpoint, type Endpoint, type Submitted } from '../../contracts/endpoint.ts'
import { signIn } from '../../flow/sign_in.ts'
import type { Call } from '../../contracts/call.ts'
import { type MessageKey, type Said, say } from '../../lib/say.ts'
import { redirectWithin } from '../../http/reply.ts'
import type { Reply } from '../../contracts/reply.ts'
import { halfPlace, halfPlaceForm, type HalfPlaced, type Place, tooMany } from './place.ts'
import { choicePath } from './policy.ts'
import { settingsOf } from './settings.ts'
import { countFactorTry, forgetFactorTries } from './tries.ts'
import { codeFormOf } from './views.ts'

const day = 86_400

/** What passing adds to the `amr` so far. */
export type More = (amr: readonly string[]) => string[]

export interface Challenge {
  name: string
  path: string
  title: MessageKey
  text: MessageKey
  label: MessageKey
  letters?: true
  /** Undefined for a code that is wrong, or was spent by somebody else. */
  spend(call: Call, context: Context, place: Place, code: string): Promise<More | undefined>
}

/** Days for which a device may be trusted; undefined where that is not offered. */
export const trustDays = (context: Context): number | undefined =>
  Math.ceil(settingsOf(context.config).trustedDeviceTtl / day) || undefined

/** The code that was typed in `fields`: a session, or the page again with what is wrong. */
export async function answerCode(
  call: Call,
  context: Context,
  { place, fields, progress }: HalfPlaced & Submitted,
  challenge: Pick<Challenge, 'spend'>,
  show: (status: number, error: Said) => Reply,
) {
  try {
    await countFactorTry(call, context, place.user)
  } catch (error) {
    return tooMany(call, context, error, show)
  }
  const more = await challenge.spend(call, context, place, fields.code ?? '')
  if (!more) {
    context.log.info('second_factor_failed', { sub: place.user.sub, address: call.address })
    return show(401, say('second_factor.wrong'))
  }
  await forgetFactorTries(call, context, place.user)
  return signIn(call, context, progress, {
    user: place.user,
    amr: more(progress.amr),
    trustDevice: trustDays(context) !== undefined && fields.trust_device === 'yes',
  })
}

export function challengeEndpoint(challenge: Challenge): Endpoint {
  const find = halfPlace(challenge.path)
  return defineEndpoint({
    name: challenge.name,
    path: challenge.path,
    advertised: false,
    limited: true,
    page: true,
    async get(call, context) {
      const placed = await find(call, context)
      if ('reply' in placed) return placed.reply
      const { place, ready } = placed
      return ready ? showCode(context, challenge, place, 200) : redirectWithin(place.at(choicePath))
    },
    form: halfPlaceForm(challenge.path),
    post(call, context, placed) {
      const { place, ready } = placed
      if (!ready) return redirectWithin(place.at(choicePath))
      const show = (status: number, error: Said) => showCode(context, challenge, place, status, error)
      return answerCode(call, context, placed, challenge, show)
    },
  })
}

const showCode = (
  context: Context,
  { title, text, label, letters }: Challenge,
  { show, action, hidden }: Place,
  status: number,
  error?: Said,
): Reply =>
  show(status, {
    title: say(title),
    text: say(text),
    main: [
      codeFormOf({
        action,
        hidden,
        label,
        letters: letters ?? false,
        error,
        trustDays: trustDays(context),
      }),
    ],
  })
