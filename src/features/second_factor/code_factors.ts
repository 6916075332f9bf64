/** The second factors whose codes are sent by SMS or mail. */
import { twoFactors } from '../../flow/second_factors.ts'
import type { SecondFactor } from '../../contracts/feature.ts'
import { type Channel, channels, pathsOf } from './channels.ts'

const factorOf = (
  channel: Channel,
  what: Pick<SecondFactor, 'order' | 'label' | 'icon' | 'acr'>,
): SecondFactor => {
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
  icon: 'message-square-text',
  acr: twoFactors,
})
export const emailFactor = factorOf(channels.email, {
  order: 40,
  label: 'second_factor.email_name',
  icon: 'mail',
  acr: 'urn:latchkey:1fa',
})
