/** The table of causes. The order decides among causes of equal certainty: the more specific first. */
import { assertionCauses } from './assertions.ts'
import { type Cause, type CauseRow, causesOf, type Seen } from './cause.ts'
import { clientCauses } from './client.ts'
import { clockCauses } from './clock.ts'
import { codeCauses } from './codes.ts'
import { grantTypeCauses } from './grant_types.ts'
import { knownRow } from './known.ts'
import { knownByCode } from './known_by_code.ts'
import { knownRegistration } from './known_registration.ts'
import { knownRequests } from './known_requests.ts'
import { knownSigned } from './known_signed.ts'
import { knownTokens } from './known_tokens.ts'
import { pkceCauses } from './pkce.ts'
import { redirectCauses } from './redirects.ts'
import { requestCauses } from './request.ts'
import { secretCauses } from './secrets.ts'
import { scopeCauses } from './scopes.ts'
import { stepCauses } from './steps.ts'
import { tokenCauses } from './tokens.ts'
import { transportCauses } from './transport.ts'

export const causeRows: readonly CauseRow[] = [
  ...clockCauses,
  ...requestCauses,
  ...grantTypeCauses,
  ...transportCauses,
  ...pkceCauses,
  ...redirectCauses,
  ...codeCauses,
  ...secretCauses,
  ...clientCauses,
  ...assertionCauses,
  ...scopeCauses,
  ...tokenCauses,
  ...stepCauses,
]

/** For a failure that no row above explains. */
export const knownRows: readonly CauseRow[] = [
  ...[...knownRequests, ...knownSigned, ...knownTokens, ...knownRegistration].map(knownRow),
  ...knownByCode,
]

/** The most probable first. What the demand itself says is a cause where no row knows more. */
export function causesOfFailure(seen: Seen): Cause[] {
  const found = causesOf(causeRows, seen)
  return found.length > 0 ? found : causesOf(knownRows, seen).slice(0, 1)
}
