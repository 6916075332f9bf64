/** The switches of the lab: each makes one program weak. All are off at the start, and off is strong. */

export const weaknesses = {
  no_state: 'The client finds a sign-in by its state, whichever browser began it',
  no_pkce: 'The client sends neither code_challenge nor code_verifier, and does not compare the nonce',
} as const

export type Weakness = keyof typeof weaknesses

export const isWeakness = (name: string): name is Weakness => Object.hasOwn(weaknesses, name)
