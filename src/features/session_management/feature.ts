/** Session management: a frame of the client asks a frame of this provider whether the session has changed, without a request. https://openid.net/specs/openid-connect-session-1_0.html */
import scriptSource from '../../../views/check_session.js' with { type: 'text' }
import pageSource from '../../../views/check_session.html' with { type: 'text' }
import { defineEntries, featureConfig } from '../../config.ts'
import * as is from '../../config/schemas.ts'
import { defineEndpoint } from '../../contracts/endpoint.ts'
import { page as pageReply } from '../../openapi/parts.ts'
import { cookieName, setOpenCookie } from '../../http/cookie.ts'
import { page } from '../../http/reply.ts'
import { defineView } from '../../html/view.ts'
import { sha256 } from '../../lib/hash.ts'
import type { Session } from '../../models/session.ts'
import { defineFeature } from '../../contracts/feature.ts'

const env = defineEntries([
  {
    name: 'SESSION_MANAGEMENT',
    realm: 'own_or_server',
    schema: is.boolean,
    default: 'true',
    profiles: { fapi2: 'false', mcp: 'false' },
    help: 'Offers check_session_iframe and session_state. It sets a cookie that the script of that page reads in a frame.',
  },
])

const cookie = 'browser_state'

/** OP browser state (§3.2): a hash that changes with each session and discloses nothing about it. */
const browserState = ({ sid, secret_hash }: Session): string => sha256(`browser state ${sid} ${secret_hash}`)

const view = defineView('check_session', pageSource, ['script', 'cookie'])
const scriptPath = `/check_session/${sha256(scriptSource).slice(0, 16)}.js`

/** §3.2: the OP iframe, which any site may embed. It uses a cookie and its script alone. */
const iframe = defineEndpoint({
  name: 'check_session',
  path: '/check_session',
  advertised: false, // as check_session_iframe, below
  page: true,
  api: () => ({
    GET: {
      summary: 'A page for a hidden frame, which tells whether the session has changed',
      responses: { 200: pageReply('It answers messages of the frame above it') },
    },
  }),
  get: (_call, { basePath, config }) => ({
    ...page(200, view({ script: `${basePath}${scriptPath}`, cookie: cookieName(config, cookie) })),
    framedByAnySite: true,
  }),
})

const script = defineEndpoint({
  name: 'check_session_script',
  path: scriptPath,
  advertised: false,
  api: false,
  get: () => ({
    status: 200,
    body: scriptSource,
    headers: {
      'content-type': 'text/javascript; charset=utf-8',
      'cache-control': 'public, max-age=31536000, immutable',
    },
  }),
})

export const sessionManagement = defineFeature({
  name: 'session_management',
  env,
  when: (config) => featureConfig(config, 'session_management', env).sessionManagement,
  endpoints: [iframe, script],
  metadata: ({ config }) => ({ check_session_iframe: `${config.issuer}${iframe.path}` }),
  sessions: {
    begun: ({ config }, session) => [setOpenCookie(config, cookie, browserState(session))],
    signedOut: ({ config }) => [setOpenCookie(config, cookie, '', 0)],
  },
  /** §3: a salted hash of client, origin of the redirect URI, and browser state. */
  responseParameters({ random }, { request, session, client }): Record<string, string> {
    const { origin } = new URL(request.redirect)
    if (!request.scope.includes('openid') || origin === 'null') return {} // no origin, no frame: a native app
    const salt = random(9)
    const digest = sha256(`${client.client_id} ${origin} ${browserState(session)} ${salt}`)
    return { session_state: `${digest}.${salt}` }
  },
})
