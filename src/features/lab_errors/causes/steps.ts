/** Causes of refusals on the way through pages, pushed requests, devices and proofs: steps that came late, twice or without what they need. */
import { type CauseRow, parameter } from './cause.ts'

export const stepCauses: readonly CauseRow[] = [
  {
    name: 'silent_sign_in_in_a_frame',
    codes: ['login_required'],
    explain({ failure: { request } }) {
      const isFrame = request.headers['sec-fetch-dest'] === 'iframe'
      if (!isFrame || request.headers.cookie !== undefined) return undefined
      return {
        certainty: 'proven',
        title: 'The silent sign-in runs in a frame of another site, and there the browser sends no cookie.',
        evidence: [
          'The request has Sec-Fetch-Dest: iframe and no cookie. Browsers block cookies of third parties.',
        ],
        mend: [
          {
            text: 'Refresh with a refresh token in place of a hidden frame:',
            code: 'scope=openid%20offline_access',
          },
          {
            text: 'Or lead the whole page to the authorization endpoint: with a session it comes back at once.',
          },
        ],
      }
    },
  },
  {
    name: 'no_session_for_prompt_none',
    codes: ['login_required', 'consent_required', 'account_selection_required'],
    explain(seen) {
      const { failure } = seen
      if (!/prompt=none/.test(failure.problem ?? '')) return undefined
      const isSignIn = failure.code === 'login_required'
      return {
        certainty: 'proven',
        title: isSignIn
          ? 'The request says prompt=none, and the End-User is not signed in.'
          : 'The request says prompt=none, and the End-User must answer a page first.',
        evidence: [`With prompt=none no page may be shown. ${failure.problem ?? ''}.`],
        mend: [
          { text: 'This answer is a regular one: send the request again without prompt=none.' },
          ...(isSignIn
            ? [
                {
                  text: 'A session ends when the browser was not used for a while:',
                  code: 'SESSION_IDLE_TTL',
                },
              ]
            : []),
        ],
      }
    },
  },
  {
    name: 'hint_not_usable',
    codes: ['invalid_request', 'invalid_grant'],
    explain({ failure, context }) {
      if (!failure.expected.startsWith('id_token_hint is')) return undefined
      const { hint } = failure.traces
      const iss = hint?.claims.iss
      return {
        certainty: hint === undefined || iss !== context.config.issuer ? 'proven' : 'likely',
        title:
          hint === undefined
            ? 'id_token_hint is no ID Token.'
            : iss === context.config.issuer
              ? 'id_token_hint was signed by a key that this provider no longer knows, or it is an access token.'
              : `id_token_hint is from another provider: ${String(iss)}.`,
        evidence: ['Without STORE_URL and KEYS_PATH, keys may end with the process.'],
        mend: [
          {
            text: 'Keep the id_token of the latest token response, and send it as it is. An expired one is accepted.',
          },
        ],
      }
    },
  },
  {
    name: 'consent_was_denied',
    codes: ['access_denied'],
    explain: ({ failure }) =>
      /the consent of the End-User|the approval of the End-User/.test(failure.expected)
        ? {
            certainty: 'proven',
            title: 'The End-User said no.',
            evidence: [],
            mend: [
              {
                text: 'Show a page that says what the app cannot do now, with a way to try again. Do not send the request again by itself.',
              },
            ],
          }
        : undefined,
  },
  {
    name: 'page_out_of_date',
    codes: ['invalid_request'],
    rule: 'RFC 6749 §10.12',
    explain({ failure, context }) {
      const hasCookie = failure.request.headers.cookie !== undefined
      return {
        certainty: hasCookie ? 'likely' : 'proven',
        title: hasCookie
          ? 'The page of the sign-in is out of date: it was open too long, was answered before, or its link was copied.'
          : 'The browser sent no cookie of this provider.',
        evidence: [
          hasCookie
            ? `A sign-in is valid for ${context.config.interactionTtl} seconds (INTERACTION_TTL), in one browser.`
            : 'The address of a sign-in is of no use in another browser, in curl without a cookie jar, or in a frame of another site.',
        ],
        mend: [
          { text: 'Begin at the client again.' },
          ...(hasCookie ? [] : [{ text: 'With curl, keep the cookies:', code: 'curl -c jar -b jar …' }]),
        ],
      }
    },
  },
  {
    name: 'pushed_request_spent',
    codes: ['invalid_request_uri'],
    rule: 'RFC 9126 §4',
    explain: (seen) => ({
      certainty: 'likely',
      title: 'The request_uri was used before, has expired, or belongs to another client.',
      evidence: [
        'A pushed request is answered once: a reload of the authorization URL, or the Back button, uses it again.',
        `The request names the client ${parameter(seen, 'client_id') ?? seen.failure.clientId ?? 'none'}; it must be the one that pushed it.`,
      ],
      mend: [{ text: 'Push the request again for each sign-in, right before the redirect.' }],
    }),
  },
  {
    name: 'polled_handle_over',
    codes: ['expired_token', 'invalid_grant'],
    explain({ failure }) {
      const [, what] = /(device_code|auth_req_id)/.exec(failure.expected) ?? []
      if (what === undefined || /to this client|is required/.test(failure.expected)) return undefined
      const isLate = failure.code === 'expired_token'
      return {
        certainty: isLate ? 'proven' : 'likely',
        title: isLate
          ? `The ${what} expired before the End-User answered.`
          : `The ${what} was redeemed before, or is not one of this provider.`,
        evidence: [failure.problem ?? ''].filter((each) => each !== ''),
        mend: [
          {
            text: 'Stop polling after the first answer that is neither authorization_pending nor slow_down.',
          },
          { text: 'Begin again: ask for a new one.' },
        ],
      }
    },
  },
  {
    name: 'polls_too_often',
    codes: ['slow_down'],
    explain: () => ({
      certainty: 'proven',
      title: 'The client polls faster than the interval of the first answer.',
      evidence: ['Each slow_down makes the interval five seconds longer (RFC 8628 §3.5).'],
      mend: [
        {
          text: 'Wait between requests:',
          code: 'await sleep(interval * 1000) // and interval += 5 after slow_down',
        },
        {
          text: 'Two loops that poll for one code are too many: look for a component that is mounted twice.',
        },
      ],
    }),
  },
  {
    name: 'not_answered_yet',
    codes: ['authorization_pending'],
    explain: () => ({
      certainty: 'proven',
      title: 'The End-User has not answered yet. This answer is a regular one.',
      evidence: [],
      mend: [{ text: 'Ask again after the interval.' }],
    }),
  },
  {
    name: 'nonce_of_proof_missing',
    codes: ['use_dpop_nonce'],
    explain: () => ({
      certainty: 'proven',
      title: 'The DPoP proof has no nonce, or an old one. This answer is a regular one: it brings the nonce.',
      evidence: ['The header DPoP-Nonce of the answer has it.'],
      mend: [
        {
          text: 'Make a new proof with it, and send the request once more:',
          code: '"nonce": "value of DPoP-Nonce"',
        },
      ],
    }),
  },
  {
    name: 'proof_of_other_key',
    codes: ['invalid_token', 'invalid_grant', 'invalid_dpop_proof'],
    explain({ failure }) {
      if (!/key of thumbprint|key of dpop_jkt|key that the grant is bound to/.test(failure.expected))
        return undefined
      return {
        certainty: 'proven',
        title: 'The proof is made with another key than the token or the code is bound to.',
        evidence: [
          'A key that is made again at each start of the client, or on each page, does not fit earlier tokens.',
        ],
        mend: [
          {
            text: 'Keep one key per sign-in: in a browser as a CryptoKey that cannot be exported, in IndexedDB.',
          },
        ],
      }
    },
  },
  {
    name: 'proof_missing',
    codes: ['invalid_token', 'invalid_dpop_proof', 'invalid_request'],
    explain({ failure }) {
      const isAsked = /DPoP header is required|a DPoP proof with a token/.test(failure.expected)
      if (!isAsked || failure.request.headers.dpop !== undefined) return undefined
      return {
        certainty: 'proven',
        title: 'The request has no DPoP header, and this client or token needs a proof.',
        evidence: [],
        mend: [
          {
            text: 'Send a proof with each request:',
            code: ['Authorization: DPoP ACCESS_TOKEN', 'DPoP: PROOF'],
          },
          { text: 'Scripts of a page may send the header; a proxy in between must let it through.' },
        ],
      }
    },
  },
  {
    name: 'registration_needs_token',
    codes: ['invalid_token'],
    rule: 'RFC 7591 §3',
    explain: () => ({
      certainty: 'likely',
      title: 'Registration needs an initial access token, and the request has none that is valid.',
      evidence: [],
      mend: [
        { text: 'Let an operator make one, and send it in the header:', code: 'latchkey client token add' },
        {
          text: 'Or let the operator register the client:',
          code: 'latchkey client add CLIENT_ID --redirect-uri URI',
        },
      ],
    }),
  },
  {
    name: 'too_many',
    codes: ['too_many_requests'],
    explain: ({ failure }) => ({
      certainty: 'likely',
      title: 'Too many requests came from one client or one address.',
      evidence: [`They are counted for ${failure.clientId ?? failure.request.address}.`],
      mend: [
        {
          text: 'Wait for as many seconds as Retry-After says. A loop that tries again at once makes it worse.',
        },
        {
          text: 'In a class that shares one address, or for a load test:',
          code: 'RATE_LIMITING_ENABLED=false',
        },
      ],
    }),
  },
]
