/** Causes of refused grant types. https://www.rfc-editor.org/rfc/rfc6749#section-4 */
import { nearest } from '../../../lib/nearest.ts'
import { compare } from '../compare.ts'
import { type CauseRow, clientSet, hasParameter, parameter, word } from './cause.ts'
import { formSteps } from './request.ts'

export const grantTypeCauses: readonly CauseRow[] = [
  {
    name: 'grant_type_missing',
    codes: ['invalid_request'],
    explain(seen) {
      if (seen.failure.request.path !== '/token' || hasParameter(seen, 'grant_type')) return undefined
      if (!seen.failure.expected.startsWith('grant_type')) return undefined
      return {
        certainty: 'proven',
        title: 'The token request has no grant_type.',
        evidence: [`Parameters that came: ${Object.keys(seen.failure.request.form).join(', ') || 'none'}.`],
        mend: [{ text: 'For a code:', code: 'grant_type=authorization_code' }, ...formSteps],
      }
    },
  },
  {
    name: 'grant_type_password',
    codes: ['unsupported_grant_type'],
    explain: (seen) =>
      parameter(seen, 'grant_type') === 'password'
        ? {
            certainty: 'proven',
            title:
              'The client asks for tokens with the password of the End-User. This provider does not serve that.',
            evidence: [
              'OAuth 2.1 removed the password grant (RFC 9700 §2.4): an app must not see the password, and a second step or a passkey has no place in it.',
            ],
            mend: [
              {
                text: 'For an app with End-Users, lead the browser to the authorization endpoint:',
                code: 'response_type=code',
              },
              {
                text: 'For a program without a browser:',
                code: 'urn:ietf:params:oauth:grant-type:device_code',
              },
              { text: 'For a service that acts for itself:', code: 'grant_type=client_credentials' },
            ],
          }
        : undefined,
  },
  {
    name: 'grant_type_misspelled',
    codes: ['unsupported_grant_type'],
    explain(seen) {
      const came = parameter(seen, 'grant_type') ?? ''
      if (came === 'password') return undefined
      const known = [...seen.context.table.grantTypes.keys()].filter((each) => each !== 'implicit')
      const [meant] = came.length > 80 ? [] : nearest(came, known)
      return {
        certainty: meant === undefined ? 'possible' : 'likely',
        title:
          meant === undefined
            ? `This provider does not serve the grant type ${came}.`
            : `The grant type ${came} is unknown; ${meant} is near.`,
        evidence: [],
        mend: [{ text: 'Send one of:', code: known }],
        ...(meant !== undefined && { compared: compare('grant_type', meant, came) }),
      }
    },
  },
  {
    name: 'grant_type_not_registered',
    codes: ['unauthorized_client'],
    explain(seen) {
      const came = parameter(seen, 'grant_type')
      const { client } = seen
      if (!client || came === undefined || client.grant_types.includes(came)) return undefined
      return {
        certainty: 'proven',
        title: `The client ${client.client_id} is not registered for the grant type ${came}.`,
        evidence: [`It registered: ${client.grant_types.join(', ')}.`],
        mend: [
          {
            text: 'Register it. The options replace the whole list:',
            code: clientSet(
              seen,
              ...[...client.grant_types, came].map((each) => `--grant-type ${word(each)}`),
            ),
          },
        ],
      }
    },
  },
]
