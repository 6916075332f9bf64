/** Causes that lie between the client and this provider: the browser's same-origin policy, proxies, http in place of https, cookies, clocks. */
import { isRedirectOrigin } from '../../../auth/redirect_uri.ts'
import { compare } from '../compare.ts'
import type { SeenRequest } from '../failure.ts'
import { type CauseRow, clientSet, type Seen, word } from './cause.ts'

const originOf = ({ request }: { request: SeenRequest }): string => request.headers.origin ?? ''

const endpointOf = ({ failure, context }: Seen) =>
  context.table.endpoints.find(({ path }) => path === failure.request.path)

const proxyHeaders = ['forwarded', 'via', 'x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host']
const cameByProxy = ({ headers }: SeenRequest): boolean =>
  proxyHeaders.some((name) => headers[name] !== undefined)

export const transportCauses: readonly CauseRow[] = [
  {
    name: 'page_by_script',
    explain(seen) {
      const endpoint = endpointOf(seen)
      if (!seen.isBlocked || !endpoint?.page) return undefined
      return {
        certainty: 'proven',
        title: `A script requested ${endpoint.path} with fetch. It is a page: the browser must go there.`,
        evidence: [
          `The request has Origin: ${originOf(seen.failure)} and Sec-Fetch-Mode: cors.`,
          'The sign-in page must be in the address bar, where the End-User sees whose it is.',
        ],
        mend: [{ text: 'Lead the browser there:', code: 'location.assign(authorizationUrl)' }],
      }
    },
  },
  {
    name: 'origin_not_registered',
    explain(seen) {
      const endpoint = endpointOf(seen)
      const { client, failure } = seen
      const origin = originOf(failure)
      if (!seen.isBlocked || !endpoint?.cors || endpoint.cors === 'any') return undefined
      if (client && isRedirectOrigin(client.redirect_uris, origin, client)) return undefined
      const registered = (client?.redirect_uris ?? []).flatMap((uri) => URL.parse(uri)?.origin ?? [])
      return {
        certainty: 'proven',
        title: `The browser does not let pages of ${origin} read this answer: the Origin is not registered.`,
        evidence: [
          client
            ? `The redirect URIs of ${client.client_id} are at ${registered.join(', ') || 'no origin'}.`
            : 'The request names no client whose redirect URIs are at this origin.',
          'The console of the browser says “No Access-Control-Allow-Origin header”. The request itself arrived.',
        ],
        mend: [
          ...(client
            ? [
                {
                  text: 'Register a redirect URI at this origin beside the others:',
                  code: clientSet(
                    seen,
                    ...[...client.redirect_uris, `${origin}/callback`].map(
                      (uri) => `--redirect-uri ${word(uri)}`,
                    ),
                  ),
                },
              ]
            : []),
          { text: 'Or allow the origin for all clients:', code: `CORS_ALLOWED_ORIGINS=${origin}` },
          { text: 'A client with a secret belongs on a server: a server needs no CORS.' },
        ],
        ...(registered[0] !== undefined && { compared: compare('Origin', registered[0], origin) }),
      }
    },
  },
  {
    name: 'no_cors_here',
    explain(seen) {
      const endpoint = endpointOf(seen)
      if (!seen.isBlocked || !endpoint || endpoint.cors || endpoint.page) return undefined
      return {
        certainty: 'proven',
        title: `${endpoint.path} is not for scripts of other origins.`,
        evidence: [`The request has Origin: ${originOf(seen.failure)}.`],
        mend: [{ text: 'Call it from the server of the client.' }],
      }
    },
  },
  {
    name: 'http_to_https_issuer',
    explain({ failure, context }) {
      const { request } = failure
      const isPlain = request.url.protocol === 'http:' && !cameByProxy(request)
      if (!isPlain || !context.config.issuer.startsWith('https:') || context.config.tls) return undefined
      const isAsked = ['plain_http', 'form_out_of_date', 'foreign_form'].includes(failure.code)
      return {
        certainty: isAsked ? 'likely' : 'possible',
        title: `The request came over http, and the issuer is ${context.config.issuer}.`,
        evidence: [
          'It came neither with TLS nor through a proxy that says so.',
          'Browsers keep no cookie marked Secure that came over http, so each form is out of date.',
        ],
        mend: [
          { text: 'Open the issuer itself:', code: context.config.issuer },
          { text: 'For work on one machine without TLS:', code: 'ISSUER_URL=http://localhost:5000' },
        ],
        compared: compare('address', new URL(context.config.issuer).origin, `http://${request.url.host}`),
      }
    },
  },
  {
    name: 'proxy_not_trusted',
    codes: ['plain_http', 'too_many_requests'],
    explain({ failure: { request } }) {
      if (!cameByProxy(request) || request.address !== request.peer) return undefined
      return {
        certainty: 'likely',
        title: `The request came through a proxy at ${request.peer}, which is not in TRUSTED_PROXIES.`,
        evidence: ['Its X-Forwarded headers are ignored, so all clients have the address of the proxy.'],
        mend: [{ text: 'If the proxy is yours:', code: `TRUSTED_PROXIES=${request.peer}` }],
      }
    },
  },
  {
    name: 'proxy_changes_host',
    codes: ['foreign_form', 'form_out_of_date', 'invalid_dpop_proof', 'not_found'],
    explain({ failure: { request }, context }) {
      const issuer = new URL(context.config.issuer)
      if (!cameByProxy(request) || request.url.host === issuer.host) return undefined
      return {
        certainty: 'likely',
        title: `A proxy sent the Host ${request.url.host}, and the issuer is at ${issuer.host}.`,
        evidence: [
          request.headers['x-forwarded-proto'] === undefined
            ? 'X-Forwarded-Proto is missing too.'
            : `X-Forwarded-Proto is ${request.headers['x-forwarded-proto']}.`,
        ],
        mend: [
          {
            text: 'nginx:',
            code: [
              'proxy_set_header Host $host;',
              'proxy_set_header X-Forwarded-Proto $scheme;',
              'proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;',
            ],
          },
        ],
        compared: compare('Host', issuer.host, request.url.host),
      }
    },
  },
  {
    name: 'other_host_name',
    codes: ['form_out_of_date', 'foreign_form'],
    explain({ failure: { request }, context }) {
      const issuer = new URL(context.config.issuer)
      if (cameByProxy(request) || request.url.host === issuer.host) return undefined
      return {
        certainty: 'likely',
        title: `The page was opened at ${request.url.host}, and the issuer is at ${issuer.host}.`,
        evidence: ['Cookies belong to one host name: localhost and 127.0.0.1 are two.'],
        mend: [
          { text: 'Open the issuer:', code: context.config.issuer },
          {
            text: 'Or name the issuer as it is opened:',
            code: `ISSUER_URL=${request.url.protocol}//${request.url.host}`,
          },
        ],
        compared: compare('Host', issuer.host, request.url.host),
      }
    },
  },
  {
    name: 'no_cookie',
    codes: ['form_out_of_date'],
    explain({ failure: { request } }) {
      if (request.headers.cookie !== undefined) return undefined
      return {
        certainty: 'likely',
        title: 'The form came without the cookie that the page before it set.',
        evidence: [],
        mend: [
          { text: 'With curl, keep cookies over the requests:', code: 'curl -c jar -b jar …' },
          { text: 'In a browser, allow cookies for this host. A frame of another site has none.' },
        ],
      }
    },
  },
  {
    name: 'form_of_other_site',
    codes: ['foreign_form'],
    explain({ failure: { request }, context }) {
      const { origin } = request.headers
      if (origin === undefined || origin === 'null' || origin === new URL(context.config.issuer).origin)
        return undefined
      return {
        certainty: 'likely',
        title: `A page of ${origin} sent a form of this provider.`,
        evidence: [
          'A form is accepted from the page that this provider showed alone (cross-site request forgery).',
        ],
        mend: [{ text: 'Lead the browser to the page; do not build its form elsewhere.' }],
      }
    },
  },
  {
    name: 'clock_of_provider',
    codes: ['temporarily_unavailable'],
    explain: ({ failure }) =>
      /CLOCK_TOLERANCE/.test(failure.expected)
        ? {
            certainty: 'proven',
            title: 'The clock of this instance differs from that of the store.',
            evidence: ['With a wrong clock, what has expired would count, and tokens would live too long.'],
            mend: [{ text: 'Set both clocks by a time server:', code: 'timedatectl set-ntp true' }],
          }
        : undefined,
  },
]
