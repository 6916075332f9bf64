/** Second factors: an authenticator app, codes by mail and SMS, recovery codes, trusted devices, and who must have one. https://www.rfc-editor.org/rfc/rfc6238 https://www.rfc-editor.org/rfc/rfc8176 docs/decisions/0019-second-factors.md */
import { mailsLeave } from '../../people/mail.ts'
import { defineFeature } from '../../contracts/feature.ts'
import { everyMember } from '../../models/every_member.ts'
import { factorsPage, factorsSection } from './account.ts'
import { channels } from './channels.ts'
import { choiceEndpoints } from './choice.ts'
import { emailFactor, smsFactor } from './code_factors.ts'
import { channelEndpoints } from './code_pages.ts'
import { factorData } from './person_data.ts'
import { metadata, needsSecondFactor, secondFactorRule, secondFactorStep } from './policy.ts'
import { recoveryEndpoints, recoveryFactor } from './recovery_pages.ts'
import { env, featureName, settingsOf } from './settings.ts'
import { Totp } from './totp.ts'
import { totpEndpoints, totpFactor } from './totp_pages.ts'
import { rememberDevice } from './trusted_device.ts'

export const secondFactor = defineFeature({
  name: featureName,
  env,
  problems(config) {
    const allowed: readonly string[] = config.secondFactors
    const { secondFactor: policy, smsGatewayUrl } = settingsOf(config)
    return [
      ...(allowed.includes('sms') && smsGatewayUrl === undefined
        ? ['SMS_GATEWAY_URL: required when SECOND_FACTORS has sms']
        : []),
      ...(allowed.includes('email') && !mailsLeave(config)
        ? ['SMTP_URL: required when SECOND_FACTORS has email']
        : []),
      ...(policy === 'required' && allowed.every((name) => name === 'recovery')
        ? ['SECOND_FACTORS: nothing in it can be set up, and SECOND_FACTOR=required']
        : []),
    ]
  },
  operation: {
    sealedRecords: [
      { name: 'app seeds', items: ({ store }) => everyMember(store, 'users'), reseal: Totp.reseal },
    ],
  },
  endpoints: [
    ...choiceEndpoints,
    ...totpEndpoints,
    ...channelEndpoints(channels.sms),
    ...channelEndpoints(channels.email),
    ...recoveryEndpoints,
    factorsPage,
  ],
  clientMetadata: metadata,
  acrValues: ['urn:latchkey:2fa'],
  needsSecondFactor,
  secondFactors: [totpFactor, smsFactor, emailFactor, recoveryFactor],
  loginSteps: [secondFactorStep],
  grantRules: [secondFactorRule],
  sessions: { signedIn: rememberDevice },
  accountSections: [factorsSection],
  personData: [factorData],
})
