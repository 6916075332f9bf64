/** The profile page of the account. https://openid.net/specs/openid-connect-core-1_0.html#StandardClaims */
import { foreignText } from '../../html/foreign_text.ts'
import { say } from '../../lib/say.ts'
import { defineFeature } from '../../contracts/feature.ts'
import { changeProfile, profilePath } from './change_profile.ts'
import { env } from './settings.ts'

export const profile = defineFeature({
  name: 'profile',
  env,
  endpoints: [changeProfile],
  accountSections: [
    {
      name: 'profile',
      path: profilePath,
      title: 'profile.title',
      order: 10,
      summary: async (_context, { user }) => {
        const { name } = user.claims
        return typeof name === 'string' && name !== ''
          ? say('profile.summary', { name: foreignText(name) })
          : say('profile.summary_none')
      },
    },
  ],
})
