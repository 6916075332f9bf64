/** Causes of refused client authentication. https://www.rfc-editor.org/rfc/rfc6749#section-2.3.1 */
import { authMethodsOf } from '../../../models/client.ts'
import { compare } from '../compare.ts'
import { cameIn, type CauseRow, clientSet, hasParameter, type Seen, type Remedy, word } from './cause.ts'

const codes = ['invalid_client']

/** How each method is sent. */
const sending: Readonly<Record<string, Remedy>> = {
  client_secret_basic: {
    text: 'Send the secret in the header:',
    code: 'curl -u "$CLIENT_ID:$CLIENT_SECRET" …',
  },
  client_secret_post: {
    text: 'Send the secret in the body:',
    code: 'curl --data-urlencode "client_id=$CLIENT_ID" --data-urlencode "client_secret=$CLIENT_SECRET" …',
  },
  none: {
    text: 'A public client sends its client_id in the body, and no secret:',
    code: 'curl -d client_id=CLIENT_ID …',
  },
  private_key_jwt: {
    text: 'Send a JWT that the client signed:',
    code: 'client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer&client_assertion=…',
  },
}

const proxied = ({ failure: { request } }: Seen): string[] =>
  ['via', 'forwarded', 'x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host', 'x-real-ip'].filter(
    (name) => request.headers[name] !== undefined,
  )

const registered = ({ client }: Seen): readonly string[] => (client ? authMethodsOf(client) : [])

const basicProblems = {
  empty: 'The client_id of Authorization: Basic is empty: a variable that is not set?',
  'no colon': 'The text of Authorization: Basic has no colon between client_id and client_secret.',
  'not base64': 'The text of Authorization: Basic is not Base64.',
} as const

export const clientCauses: readonly CauseRow[] = [
  {
    name: 'client_disabled',
    codes,
    explain: ({ failure, isDisabled }) =>
      isDisabled
        ? {
            certainty: 'proven',
            title: `An operator has disabled the client ${failure.clientId ?? ''}.`,
            evidence: ['For others it is as if it were not registered.'],
            mend: [{ text: 'Enable it on its page of the administration:', code: '/admin/clients' }],
          }
        : undefined,
  },
  {
    name: 'client_id_misspelled',
    codes,
    explain({ failure, client, nearClients }) {
      const [nearest] = nearClients
      if (
        client ||
        nearest === undefined ||
        failure.clientId === undefined ||
        failure.traces.secret?.isClientId
      )
        return undefined
      return {
        certainty: 'likely',
        title: `No client ${failure.clientId} is registered; ${nearClients.join(' and ')} ${nearClients.length === 1 ? 'is' : 'are'} near.`,
        evidence: [],
        mend: [{ text: 'Send:', code: `client_id=${nearest}` }],
        compared: compare('client_id', nearest, failure.clientId),
      }
    },
  },
  {
    name: 'client_unknown',
    codes,
    explain({ failure, client }) {
      const { clientId } = failure
      const isFetched = failure.rule.startsWith('Client ID Metadata Document')
      if (client || clientId === undefined || isFetched || !failure.expected.startsWith('client_id'))
        return undefined
      return {
        certainty: 'possible',
        title: `No client ${clientId} is registered at ${failure.request.url.host}.`,
        evidence: [
          'Each environment has its own registrations. Without STORE_URL they end with the process.',
        ],
        mend: [
          { text: 'See which clients there are:', code: 'latchkey client list' },
          {
            text: 'Register it:',
            code: `latchkey client add ${word(clientId)} --redirect-uri https://app.example/callback`,
          },
        ],
      }
    },
  },
  {
    name: 'secret_missing_by_proxy',
    codes,
    explain(seen) {
      const { request } = seen.failure
      const names = proxied(seen)
      const needsOne = seen.client ? !registered(seen).includes('none') : !hasParameter(seen, 'client_id')
      const came = request.headers.authorization !== undefined || request.form.client_secret !== undefined
      if (names.length === 0 || !needsOne || came || request.form.client_assertion) return undefined
      return {
        certainty: 'likely',
        title: 'A proxy between the client and this provider removed the Authorization header.',
        evidence: [`The request came through a proxy (${names.join(', ')}) and has no Authorization header.`],
        mend: [
          {
            text: 'nginx, where a part of the configuration clears it:',
            code: 'proxy_set_header Authorization $http_authorization;',
          },
          { text: 'Apache with CGI or WSGI:', code: ['CGIPassAuth On', 'WSGIPassAuthorization On'] },
          {
            text: 'A proxy with a login of its own (Basic) uses the same header: turn it off for this path.',
          },
        ],
      }
    },
  },
  {
    name: 'secret_of_public_client',
    codes,
    rule: 'RFC 7591 §2',
    explain(seen) {
      const { failure, client } = seen
      if (!client || !registered(seen).includes('none') || failure.traces.secret === undefined)
        return undefined
      return {
        certainty: 'proven',
        title: 'The client is public, and the request has a secret.',
        evidence: [`${client.client_id} is registered with token_endpoint_auth_method none.`],
        mend: [
          sending.none!,
          {
            text: 'Or, for a client that runs on a server, make it confidential:',
            code: clientSet(seen, '--auth-method client_secret_basic'),
          },
        ],
      }
    },
  },
  {
    name: 'secret_missing',
    codes,
    rule: 'RFC 7591 §2',
    explain(seen) {
      const { failure, client } = seen
      if (!client || failure.traces.secret || failure.traces.assertion || registered(seen).includes('none'))
        return undefined
      return {
        certainty: proxied(seen).length > 0 ? 'possible' : 'proven',
        title: `The request does not authenticate the client; it registered ${registered(seen).join(' or ')}.`,
        evidence: [
          'The request has neither a header Authorization: Basic, nor client_secret, nor client_assertion.',
        ],
        mend: [
          ...registered(seen).flatMap((name) => sending[name] ?? []),
          {
            text: 'A client in a browser or on a device cannot keep a secret: make it public.',
            code: clientSet(seen, '--public'),
          },
        ],
      }
    },
  },
  {
    name: 'other_method',
    codes,
    rule: 'RFC 7591 §2',
    explain(seen) {
      const { failure, client } = seen
      const came = cameIn(failure)
      const [first] = registered(seen)
      if (!client || came === undefined || first === undefined || came === 'none' || first === 'none')
        return undefined
      return {
        certainty: 'proven',
        title: `The client registered ${registered(seen).join(' or ')}, and the request uses ${came}.`,
        evidence: [],
        mend: [
          ...registered(seen).flatMap((name) => sending[name] ?? []),
          { text: 'Or register what the client uses:', code: clientSet(seen, `--auth-method ${word(came)}`) },
        ],
        compared: compare('token_endpoint_auth_method', first, came),
      }
    },
  },
  {
    name: 'no_authentication',
    codes,
    rule: 'RFC 6749 §3.2.1',
    explain({ failure }) {
      const { headers, query } = failure.request
      const isQuery = query.client_id !== undefined || query.client_secret !== undefined
      const scheme = headers.authorization
      return {
        certainty: isQuery || scheme !== undefined ? 'proven' : 'likely',
        title: isQuery
          ? 'The parameters are in the URL. The token endpoint reads them from the body.'
          : scheme === undefined
            ? 'The request names no client.'
            : `The Authorization header has the scheme ${scheme}, where Basic is expected.`,
        evidence: isQuery ? ['URLs are in logs and histories, so secrets must not be in them.'] : [],
        mend: [sending.client_secret_basic!, sending.none!],
      }
    },
  },
  {
    name: 'basic_malformed',
    codes,
    explain: ({ failure: { traces } }) =>
      traces.basic === undefined
        ? undefined
        : {
            certainty: 'proven',
            title: basicProblems[traces.basic],
            evidence: [],
            mend: [
              {
                text: 'Join both by a colon, and encode the whole:',
                code: "'Basic ' + btoa(encodeURIComponent(id) + ':' + encodeURIComponent(secret))",
              },
              sending.client_secret_basic!,
            ],
          },
  },
  {
    name: 'client_document',
    codes: ['invalid_client'],
    rule: 'Client ID Metadata Document',
    explain: ({ failure }) => ({
      certainty: 'likely',
      title: 'The client_id is the address of a metadata document, and the document cannot be used.',
      evidence: [failure.problem ?? failure.expected],
      mend: [
        {
          text: 'Look at what this provider would get:',
          code: `curl -i ${word(failure.clientId ?? 'CLIENT_ID')}`,
        },
        { text: 'A host of a private network is asked only if it is listed:', code: 'OUTBOUND_ALLOW_HOSTS' },
      ],
    }),
  },
  {
    name: 'client_certificate',
    codes: ['invalid_client', 'invalid_token'],
    explain: ({ failure }) =>
      /client certificate/i.test(failure.expected)
        ? {
            certainty: 'likely',
            title: 'The connection has no TLS client certificate, or another one than the client registered.',
            evidence: ['A proxy that ends TLS must ask for the certificate and pass it on.'],
            mend: [{ text: 'Send it:', code: 'curl --cert client.pem --key client.key …' }],
          }
        : undefined,
  },
  {
    name: 'two_methods',
    codes: ['invalid_request'],
    rule: 'RFC 6749 §2.3',
    explain: (seen) => ({
      certainty: 'proven',
      title: 'The request authenticates the client twice.',
      evidence: ['It has more than one of: Authorization: Basic, client_secret, client_assertion.'],
      mend: [
        { text: 'A library sends one by itself: remove the other.' },
        ...registered(seen).flatMap((name) => sending[name] ?? []),
      ],
    }),
  },
]
