/** The accounts of the client, and which one a sign-in leads to. A line that a switch makes weak names the switch. */
import type { Lab } from '../lab.ts'
import type { Claims } from './id_token.ts'

export interface Account {
  /** Who made it: `iss` and `sub`, which belong together and stay as they are. */
  owner: string
  name: string
  email: string | undefined
  /** A copy, for the time when the API does not answer. */
  notes: readonly string[]
}

export interface Accounts {
  accountOf(claims: Claims): Account
}

export function createAccounts(lab: Lab): Accounts {
  const accounts: Account[] = []
  return {
    accountOf({ iss, sub, name, email }) {
      const identity = `${iss} ${sub}`
      const byIdentity = accounts.find(({ owner }) => owner === identity)
      const byEmail = email === undefined ? undefined : accounts.find((each) => each.email === email)
      // link_by_email: the address leads to the account, whoever says so, verified or not.
      const found = lab.weak('link_by_email') ? (byEmail ?? byIdentity) : byIdentity
      const account = found ?? { owner: identity, name: name ?? sub, email, notes: [] }
      if (!found) accounts.push(account)
      lab.note({
        what: 'client opened an account',
        owner: account.owner,
        by: identity,
        sameEmail: byEmail !== undefined && byEmail.owner !== identity,
      })
      return account
    },
  }
}
