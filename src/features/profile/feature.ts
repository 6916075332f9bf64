/** The profile page of the account. https://openid.net/specs/openid-connect-core-1_0.html#StandardClaims */
import { defineFeature } from '../../contracts/feature.ts'
import { changeProfile, profilePath } from './change_profile.ts'

export const profile = defineFeature({
  name: 'profile',
  endpoints: [changeProfile],
  accountSections: [
    {
      name: 'profile',
      path: profilePath,
      title: 'profile.title',
      order: 10,
      icon: 'user-round',
    },
  ],
})
