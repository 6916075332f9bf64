/** The switches of the lab: each makes one program weak. All are off at the start, and off is strong. */

/** In the order of the lessons. */
export const weaknesses = {
  no_state: 'The client finds a sign-in by its state, whichever browser began it',
  no_pkce: 'The client sends neither code_challenge nor code_verifier, and does not compare the nonce',
  no_iss: 'The client does not ask which provider an answer is of',
  prefix_redirects: 'The toy provider accepts a redirect URI that begins as the registered one does',
  token_in_fragment: 'The client gets its tokens in the address, and its pages tell other sites the address',
  any_audience: 'The API accepts tokens that were issued for other APIs',
  any_alg: 'The client verifies an ID Token by the algorithm that the token names',
  bearer_tokens: 'The client asks for tokens that are bound to no key',
  everlasting_refresh_tokens: 'The toy provider never changes a refresh token, and does not ask who uses it',
  id_token_as_access_token: 'The API accepts an ID Token in place of an access token',
  silent_consent: 'The toy provider shows the name that a client gave itself, and no warning',
  approving_links: 'The toy provider connects a device when its link is opened',
  link_by_email: 'The client opens the account that has the address of the ID Token, verified or not',
  framed_consent: 'The consent page of the toy provider may be a part of other pages',
  curious_registration: 'The toy provider opens every address of a registration',
} as const

export type Weakness = keyof typeof weaknesses

export const isWeakness = (name: string): name is Weakness => Object.hasOwn(weaknesses, name)
