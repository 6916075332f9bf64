/** JWT-secured authorization responses (JARM): the response is a signed JWT with an audience. https://openid.net/specs/oauth-v2-jarm.html */
import * as v from 'valibot'
import { OAuthError } from '../../auth/errors.ts'
import { sign } from '../../auth/jws.ts'
import { formEncode, type TrustedRedirect, withQuery } from '../../auth/redirect_uri.ts'
import { signingAlgs } from '../../auth/registration.ts'
import type { Context } from '../../contracts/context.ts'
import { wrapDocument } from '../../grants/documents.ts'
import { formTarget } from '../../http/headers.ts'
import { formPostPage } from '../../html/pages.ts'
import { page, redirectToClient } from '../../http/reply.ts'
import type { Reply } from '../../contracts/reply.ts'
import { seconds } from '../../lib/clock.ts'
import { type Client, declareMetadata } from '../../models/client.ts'
import { signerFor } from '../../clients/signer.ts'
import { signingAlgRule } from '../../clients/signing_alg_rule.ts'
import { defineFeature, type ResponseMode } from '../../contracts/feature.ts'

/** Seconds: the response is read as soon as the browser arrives (§2.1). */
const lifetimeSeconds = 600

type Parameters = Record<string, string | undefined>

const Alg = v.optional(v.picklist(signingAlgs))
const signedAlg = 'authorization_signed_response_alg'
const metadata = declareMetadata({ [signedAlg]: Alg })

/** §2.1: signs issuer, audience, expiry and all parameters, and encrypts the JWT if the client registered that. */
async function seal(params: Parameters, client: Client, context: Context): Promise<string> {
  const key = signerFor(context, signedAlg, v.parse(Alg, metadata.of(client)[signedAlg]))
  const jwt = await sign(key, 'JWT', {
    ...Object.fromEntries(Object.entries(params).filter(([, value]) => value !== undefined)),
    iss: context.config.issuer,
    aud: client.client_id,
    exp: seconds(context.clock) + lifetimeSeconds,
  })
  return (
    (await wrapDocument(undefined, context, { kind: 'authorization', document: jwt, client }))?.body ?? jwt
  )
}

const modes: Record<string, (redirect: TrustedRedirect, response: string) => Reply> = {
  'query.jwt': (redirect, response) => redirectToClient(withQuery(redirect, { response })),
  'fragment.jwt': (redirect, response) => redirectToClient(`${redirect}#${formEncode({ response })}`),
  'form_post.jwt': (redirect, response) => {
    if (!/^https?:/.test(redirect))
      throw new OAuthError('invalid_request', {
        rule: 'JARM §2.3.3',
        expected: 'response_mode=form_post.jwt needs a redirect_uri with http or https',
        came: redirect,
      })
    return {
      ...page(200, formPostPage({ action: redirect, fields: { response } })),
      formTargets: formTarget(redirect),
    }
  },
}

const responseModes = Object.entries(modes).map(([name, deliver]): ResponseMode => ({
  name,
  inQuery: name === 'query.jwt',
  respond: async (context, { redirect, params, client }) =>
    deliver(redirect, await seal(params, client, context)),
}))

/** §2.3.4: stands for the default mode of the response type. */
const jwt: ResponseMode = {
  name: 'jwt',
  standsFor: (defaultMode) => `${defaultMode}.jwt`,
  respond() {
    throw new Error('jwt stands for another mode')
  },
}

export const jarm = defineFeature({
  name: 'jarm',
  responseModes: [...responseModes, jwt],
  registrationRules: [signingAlgRule('jarm', metadata, [signedAlg])],
  clientMetadata: metadata,
  metadata: ({ config }) => ({ authorization_signing_alg_values_supported: config.signingAlgs }),
})
