/** A registration rule: a client may only register signature algorithms that this provider uses. https://www.rfc-editor.org/rfc/rfc7591#section-3.2.2 */
import type * as v from 'valibot'
import { OAuthError } from '../auth/errors.ts'
import { shown } from '../auth/refusal.ts'
import type { ClientMetadata } from '../auth/registration.ts'
import type { RegistrationRule } from '../contracts/feature.ts'
import type { Declared } from '../models/declared.ts'

/** Checks that the `members` of the metadata are among SIGNING_ALGS. `none` is left to other rules. */
export const signingAlgRule = <E extends v.ObjectEntries>(
  name: string,
  declared: Declared<ClientMetadata, E>,
  members: readonly (keyof E & string)[],
): RegistrationRule => ({
  name,
  async check({ config }, metadata) {
    for (const member of members) {
      const alg: unknown = declared.of(metadata)[member]
      if (alg !== undefined && alg !== 'none' && !config.signingAlgs.some((each) => each === alg))
        throw new OAuthError('invalid_client_metadata', {
          rule: 'RFC 7591 §3.2.2',
          expected: `${member} is among ${config.signingAlgs.join(', ')}`,
          came: alg,
          problem: `${member}: ${shown(alg)} is not offered; this provider signs with ${config.signingAlgs.join(', ')}`,
        })
    }
  },
})
