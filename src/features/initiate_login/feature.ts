/** Third-party initiated login: redirects to the URL at which a client starts its sign-in. https://openid.net/specs/openid-connect-core-1_0.html#ThirdPartyInitiatedLogin */
import { OAuthError } from '../../auth/errors.ts'
import { redirectUriProblem } from '../../auth/redirect_uri.ts'
import { defineFeature, type RegistrationRule } from '../../contracts/feature.ts'
import { applications } from './applications.ts'
import { initiateLogin } from './initiate_login.ts'

/** The same rules as for a redirect URI, so that the request with its appended parameters reaches the host that the page named. */
const uriRule: RegistrationRule = {
  name: 'initiate_login_uri',
  async check(_context, { initiate_login_uri: uri }) {
    const problem = uri === undefined ? undefined : redirectUriProblem(uri, 'web')
    if (problem !== undefined)
      throw new OAuthError('invalid_client_metadata', {
        rule: 'OpenID Connect Core §4',
        expected: 'initiate_login_uri is an https URL',
        came: uri,
        problem: `initiate_login_uri ${problem}`,
      })
  },
}

export const initiateLoginFeature = defineFeature({
  name: 'initiate_login',
  endpoints: [initiateLogin, applications],
  registrationRules: [uriRule],
})
