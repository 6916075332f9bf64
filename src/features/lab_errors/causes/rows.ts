/** The table of causes. The order decides among causes of equal certainty: the more specific first. */
import { assertionCauses } from './assertions.ts'
import type { CauseRow } from './cause.ts'
import { clientCauses } from './client.ts'
import { codeCauses } from './codes.ts'
import { pkceCauses } from './pkce.ts'
import { redirectCauses } from './redirects.ts'
import { requestCauses } from './request.ts'
import { secretCauses } from './secrets.ts'
import { scopeCauses } from './scopes.ts'
import { stepCauses } from './steps.ts'
import { tokenCauses } from './tokens.ts'
import { transportCauses } from './transport.ts'

export const causeRows: readonly CauseRow[] = [
  ...requestCauses,
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
