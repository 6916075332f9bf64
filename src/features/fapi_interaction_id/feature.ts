/** An id for each request at a resource, so that the logs of client and provider can be correlated. https://openid.net/specs/openid-financial-api-part-1-1_0.html#section-6.2.1 */
import { defineEntries, featureConfig } from '../../config.ts'
import * as is from '../../config/schemas.ts'
import type { Random } from '../../lib/random.ts'
import { defineFeature } from '../../contracts/feature.ts'

const env = defineEntries([
  {
    name: 'FAPI_INTERACTION_ID',
    realm: 'own_or_server',
    schema: is.boolean,
    default: 'false',
    profiles: { classic: 'true', fapi2: 'true' },
    help: 'Endpoints that accept access tokens answer with x-fapi-interaction-id: the value of the request, or a new one.',
  },
])

const header = 'x-fapi-interaction-id'

const uuid = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i

const bytes = 16

/** Version 4 of RFC 9562 §5.4. */
function newUuid(random: Random): string {
  const drawn = Buffer.from(random(bytes), 'base64url')
  drawn[6] = (drawn[6]! & 0x0f) | 0x40
  drawn[8] = (drawn[8]! & 0x3f) | 0x80
  return drawn.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}

export const fapiInteractionId = defineFeature({
  name: 'fapi_interaction_id',
  env,
  when: (config) => featureConfig(config, 'fapi_interaction_id', env).fapiInteractionId,
  headers: {
    /** A value that is not a UUID is replaced, so that the answer repeats no other text of the request. */
    resource({ request }, { random }) {
      const came = request.headers.get(header)
      return { [header]: came !== null && uuid.test(came) ? came : newUuid(random) }
    },
    cors: { allow: [header], expose: [header] },
  },
})
