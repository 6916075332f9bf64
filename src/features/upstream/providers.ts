/** The table of supported upstream providers, one row each. */
import { discord, facebook, github, oauth2, spotify } from './providers_oauth2.ts'
import { apple, gitlab, google, linkedin, microsoft, oidc, slack } from './providers_openid.ts'
import type { ProviderRow } from './row.ts'

/** In the order in which the sign-in page shows them. */
export const rows: readonly ProviderRow[] = [
  google,
  microsoft,
  apple,
  github,
  gitlab,
  facebook,
  linkedin,
  discord,
  spotify,
  slack,
  oidc,
  oauth2,
]
