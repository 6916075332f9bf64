/** Permission to register a client: open, closed, or with an initial access token. https://www.rfc-editor.org/rfc/rfc7591#section-3 */
import { check } from '../auth/check.ts'
import { OAuthError } from '../auth/errors.ts'
import { secret } from '../auth/refusal.ts'
import type { RegistrationLimits } from '../auth/registration_limits.ts'
import type { Context } from '../contracts/context.ts'
import { challenge } from './bearer.ts'
import type { Call } from '../contracts/call.ts'
import { equalInConstantTime } from '../lib/equal.ts'
import { InitialAccessToken, initialTokenPrefix } from '../models/initial_access_token.ts'

export interface Permission {
  /** The limits of the token, which replace those of the configuration. */
  limits?: RegistrationLimits
  /** For the log. */
  token?: string
  /** Counts the registration after all other checks. Throws `invalid_token` when concurrent requests used the token up. */
  spend(): Promise<void>
}

const unlimited: Permission = { spend: async () => {} }

/** Throws 403 when registration is closed, 401 without a valid token. */
export async function requirePermission(call: Call, context: Context): Promise<Permission> {
  const { registration: mode, registrationInitialAccessToken: expected } = context.config
  check(mode !== 'closed', 'access_denied', () => ({
    rule: 'RFC 7591 §3',
    expected: 'a provider that accepts registrations',
    problem: 'this provider does not accept registrations; ask its operator for a client',
  }))
  const [, token] = /^Bearer +(\S+)$/i.exec(call.request.headers.get('authorization') ?? '') ?? []
  if (token?.startsWith(initialTokenPrefix)) return ofRecord(token, context)
  if (mode === 'open') return unlimited
  check(token !== undefined && expected !== undefined && equalInConstantTime(token, expected), () =>
    refused(context, token),
  )
  return unlimited
}

async function ofRecord(token: string, context: Context): Promise<Permission> {
  const record = await InitialAccessToken.ofToken(context, token)
  check(record, () => refused(context, token))
  const { id, name, limits } = record
  return {
    limits,
    token: `${id} ${name}`,
    async spend() {
      check(await InitialAccessToken.spend(context, id), () => refused(context, token))
    },
  }
}

/** The same error for an unknown, an expired and a used token. */
function refused(context: Context, token: string | undefined): OAuthError {
  const description = 'registration needs a valid initial access token: Authorization: Bearer <token>'
  return new OAuthError('invalid_token', {
    rule: 'RFC 7591 §3',
    expected: description,
    came: token === undefined ? undefined : secret(token),
    headers: challenge(context, 'invalid_token', description),
  })
}
