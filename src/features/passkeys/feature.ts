/** Passkeys: sign-in without a password, with autofill, or as second factor. https://www.w3.org/TR/webauthn-3/ */
import type { PersonData } from '../../contracts/feature.ts'
import { defineFeature } from '../../contracts/feature.ts'
import { passkeysPage, section } from './account.ts'
import { addPage } from './add.ts'
import { enrolment, offer } from './offer.ts'
import { PasskeyLoss } from './loss.ts'
import { lostPage } from './lost_page.ts'
import { Passkey } from './records.ts'
import { countPasskeys } from './count.ts'
import { removePage } from './remove.ts'
import { script } from './script.ts'
import { secondFactor, secondFactorPage } from './second_factor.ts'
import { relatedOrigins } from './related_origins.ts'
import { env, problems, switchedOn } from './settings.ts'
import { loginMethod, passkeySignIn, signInOptions } from './sign_in.ts'

/** Without public keys and user handles: they tell the End-User nothing, and could help an attacker who steals the export. */
const personData: PersonData = {
  name: 'passkeys',
  factor: true,
  read: async (context, sub) =>
    (await Passkey.listOf(context, sub)).map(
      ({ name, created_at, used_at, backup_eligible, backed_up, transports, aaguid }) => ({
        name,
        created_at,
        used_at,
        backup_eligible,
        backed_up,
        transports,
        aaguid,
      }),
    ),
  async erase(context, sub) {
    await Passkey.forgetUser(context, sub)
    await PasskeyLoss.end(context, sub)
  },
}

export const passkeys = defineFeature({
  name: 'passkeys',
  env,
  when: switchedOn,
  problems,
  endpoints: [
    relatedOrigins,
    script,
    signInOptions,
    passkeySignIn,
    secondFactorPage,
    enrolment,
    passkeysPage,
    addPage,
    removePage,
    lostPage,
  ],
  loginMethods: [loginMethod],
  loginSteps: [offer],
  secondFactors: [secondFactor],
  acrValues: ['phr'],
  accountSections: [section],
  signInMethods: countPasskeys,
  personData: [personData],
})
