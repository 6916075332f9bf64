/** Where the pages of passkeys are, below the base path; the purpose of their forms is the path without its slash. */
export const signInPath = '/passkeys/sign_in'
export const signInOptionsPath = '/passkeys/sign_in/options'
export const secondFactorPath = '/passkeys/second_factor'
export const enrolPath = '/passkeys/enrol'
export const accountPath = '/account/passkeys'
export const addPath = '/account/passkeys/add'
export const lostPath = '/account/passkeys/lost'
export const removePath = '/account/passkeys/remove'
