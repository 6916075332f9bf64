/** Causes of requests that the endpoint cannot read: method, path, content type, missing parameters. https://www.rfc-editor.org/rfc/rfc6749#section-3.2 */
import { nearest } from '../../../lib/nearest.ts'
import { compare } from '../compare.ts'
import { cameIn, type CauseRow, parameter } from './cause.ts'

/** How a form is sent. */
export const formSteps = [
  {
    text: 'Send a form. In a program:',
    code: "fetch(url, { method: 'POST', body: new URLSearchParams({ grant_type, code, redirect_uri }) })",
  },
  {
    text: 'With curl, each -d is a field of a form:',
    code: 'curl -d grant_type=authorization_code -d code=… …',
  },
]

/** Paths of other providers, by the endpoint here that has their role. */
const elsewhere: readonly (readonly [pattern: RegExp, endpoint: string])[] = [
  [/\/(?:oauth2?|connect|openid-connect|auth|protocol|v\d)?\/?(?:access_)?token$/i, 'token'],
  [/\/authori[sz](?:e|ation)$|\/oauth2?\/auth$|\/openid-connect\/auth$/i, 'authorization'],
  [/\/user_?info$|\/me$/i, 'userinfo'],
  [/\/(?:certs|keys|jwks(?:\.json)?)$/i, 'jwks'],
  [/\/(?:end_?session|sign_?out|logout)$/i, 'end_session'],
  [/\/revo(?:ke|cation)$/i, 'revocation'],
  [/\/introspect(?:ion)?$/i, 'introspection'],
  [/\/regist(?:er|ration)$|\/clients-registrations\b/i, 'registration'],
  [/openid-?configuration$|oauth-authorization-server$/i, 'discovery'],
]

export const requestCauses: readonly CauseRow[] = [
  {
    name: 'variable_not_set',
    explain({ failure }) {
      const names = failure.traces.unset ?? []
      const said = `${failure.expected} ${failure.problem ?? ''}`
      const about = names.filter((name) => new RegExp(`\\b${name}\\b`).test(said))
      if (about.length === 0) return undefined
      return {
        certainty: 'proven',
        title: `${about.join(' and ')} came without a value: a variable is not set.`,
        evidence: [
          'The value is empty, or what a program writes for nothing, such as undefined or ${CLIENT_ID}.',
        ],
        mend: [
          {
            text: 'Print the variable in the program that sends the request. Many tools read .env only when they are told to, and only names with a prefix (VITE_, NEXT_PUBLIC_) reach a browser.',
          },
        ],
      }
    },
  },
  {
    name: 'json_body',
    codes: ['invalid_request'],
    rule: 'RFC 6749 §3.2',
    explain({ failure }) {
      const type = failure.request.headers['content-type'] ?? ''
      if (!/json/i.test(type)) return undefined
      return {
        certainty: 'proven',
        title: 'The body is JSON, where a form is expected.',
        evidence: ['OAuth was specified with forms; only registration takes JSON.'],
        mend: formSteps,
        compared: compare('Content-Type', 'application/x-www-form-urlencoded', type),
      }
    },
  },
  {
    name: 'content_type_missing',
    codes: ['invalid_request'],
    rule: 'RFC 6749 §3.2',
    explain({ failure }) {
      const { headers } = failure.request
      if (headers['content-type'] !== undefined) return undefined
      const isProxied = headers.via !== undefined || headers['x-forwarded-for'] !== undefined
      const length = Number(headers['content-length'] ?? 0)
      return {
        certainty: 'proven',
        title:
          length === 0 && !isProxied
            ? 'The request has no body: the parameters are in the URL, or nowhere.'
            : 'The body has no Content-Type.',
        evidence: isProxied
          ? ['The request came through a proxy, which may have removed the header.']
          : [`The body has ${length} bytes.`],
        mend: [
          { text: 'Say what the body is:', code: 'Content-Type: application/x-www-form-urlencoded' },
          ...formSteps,
        ],
      }
    },
  },
  {
    name: 'other_content_type',
    codes: ['invalid_request'],
    rule: 'RFC 6749 §3.2',
    explain({ failure }) {
      const type = failure.request.headers['content-type']
      if (type === undefined || /json/i.test(type)) return undefined
      return {
        certainty: 'proven',
        title: `The body is ${type.split(';')[0]}, where a form is expected.`,
        evidence: /multipart/i.test(type)
          ? ['FormData of a browser and curl -F send multipart/form-data.']
          : [],
        mend: formSteps,
        compared: compare('Content-Type', 'application/x-www-form-urlencoded', type),
      }
    },
  },
  {
    name: 'get_in_place_of_post',
    codes: ['method_not_allowed'],
    explain({ failure: { request } }) {
      if (request.method !== 'GET') return undefined
      return {
        certainty: 'proven',
        title: `${request.path} takes POST, and the request is a GET.`,
        evidence: [
          'A GET comes from a link, from a redirect that a client followed, or from an address typed into a browser.',
        ],
        mend: [
          {
            text: 'Send a POST with the parameters in the body:',
            code: `curl -d grant_type=… "$ISSUER${request.path}"`,
          },
          {
            text: 'A client that follows a redirect of a proxy (http to https, a slash added) turns POST into GET: use the final address.',
          },
        ],
      }
    },
  },
  {
    name: 'path_of_other_provider',
    codes: ['not_found'],
    explain({ failure: { request }, context }) {
      const name = elsewhere.find(([pattern]) => pattern.test(request.path))?.[1]
      const endpoint = context.table.endpoints.find((each) => each.name === name)
      if (!endpoint || endpoint.path === request.path) return undefined
      return {
        certainty: 'likely',
        title: `This provider serves its ${endpoint.name.replaceAll('_', ' ')} endpoint at ${endpoint.path}.`,
        evidence: ['Paths differ between providers. The discovery document has those of this one.'],
        mend: [
          {
            text: 'Read the paths, do not write them:',
            code: `curl ${context.config.issuer}/.well-known/openid-configuration`,
          },
        ],
        compared: compare('path', endpoint.path, request.path),
      }
    },
  },
  {
    name: 'path_misspelled',
    codes: ['not_found'],
    explain({ failure: { request }, context }) {
      const paths = context.table.endpoints
        .filter((each) => each.advertised === undefined && !each.path.includes('*'))
        .map(({ path }) => path)
      if (request.path.length > 60) return undefined
      const [meant] = nearest(request.path.replace(/(?<=.)\/+$/, '').toLowerCase(), paths)
      if (meant === undefined || meant === request.path) return undefined
      return {
        certainty: 'possible',
        title: `Nothing is served at ${request.path}; ${meant} is near.`,
        evidence: ['Paths are compared with regard to case, and a slash at the end is another path.'],
        mend: [{ text: 'Send the request to:', code: `${context.config.issuer}${meant}` }],
        compared: compare('path', meant, request.path),
      }
    },
  },
  {
    name: 'response_type_not_registered',
    codes: ['unauthorized_client', 'unsupported_response_type'],
    explain(seen) {
      const came = parameter(seen, 'response_type')
      if (came === undefined) return undefined
      return {
        certainty: 'proven',
        title: `The client ${seen.client?.client_id ?? ''} cannot use response_type=${came}.`,
        evidence: [
          /token/.test(came)
            ? 'Tokens in a redirect end in histories and logs: OAuth 2.1 has response_type=code alone.'
            : '',
        ].filter((each) => each !== ''),
        mend: [{ text: 'Use the code flow with PKCE:', code: 'response_type=code' }],
        compared: compare('response_type', 'code', came),
      }
    },
  },
  {
    name: 'response_type_missing',
    codes: ['invalid_request'],
    rule: 'RFC 6749 §3.1.1',
    explain: () => ({
      certainty: 'proven',
      title: 'The authorization request has no response_type.',
      evidence: [],
      mend: [{ text: 'Send:', code: 'response_type=code' }],
    }),
  },
  {
    name: 'parameter_twice',
    codes: ['invalid_request'],
    rule: 'RFC 6749 §3.1',
    explain: ({ failure }) =>
      /at most once/.test(failure.expected)
        ? {
            certainty: 'proven',
            title: `The parameter ${cameIn(failure) ?? ''} came more than once.`,
            evidence: ['A library adds it by itself, and the program adds it too.'],
            mend: [{ text: 'Remove one of the two.' }],
          }
        : undefined,
  },
]
