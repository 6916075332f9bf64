/** Causes of refused codes and refresh tokens. https://www.rfc-editor.org/rfc/rfc6749#section-5.2 */
import type { Use } from '../failure.ts'
import { type CauseRow, duration, type Seen, type Remedy, textIn } from './cause.ts'

const grantTypeIs = (seen: Seen, name: string): boolean =>
  textIn(seen.failure.request.form, 'grant_type') === name

/** The use before this request. The request itself is the last one where its refusal is that of the single use. */
function usedBefore({ failure }: Seen, grantType: string): Use | undefined {
  const uses = (failure.traces.history?.uses ?? []).filter((use) => use.grantType === grantType)
  const isAmong = /used before$|latest answer$/.test(failure.expected)
  return isAmong ? uses.at(-2) : uses.at(-1)
}

/**
 * The use of the code before this request. Where the record of the code is gone, the request may have another code of the
 * same authorization, so that the use is likely and not proven.
 */
function codeUsed(seen: Seen): { use: Use; certainty: 'proven' | 'likely' } | undefined {
  const { expected, traces } = seen.failure
  const isKnown = /used before$|still valid$/.test(expected)
  const isGone = expected.startsWith('a code that was issued at most') && traces.handle === 'code'
  const use = isKnown || isGone ? usedBefore(seen, 'authorization_code') : undefined
  return use && { use, certainty: isKnown ? 'proven' : 'likely' }
}

const by = (use: Use, seen: Seen): string =>
  use.clientId === seen.failure.clientId ? 'by the same client' : `by the client ${use.clientId}`

/** Milliseconds: a person does not reload a page twice in this time, a program does. */
const atOnce = 2_000

const twice: readonly Remedy[] = [
  {
    text: 'A component that redeems the code in an effect runs twice in React StrictMode, and in other frameworks when it is mounted twice. Redeem the code outside of the component, and let both runs wait for one promise:',
    code: ['let redeeming', "const redeemOnce = (code) => (redeeming ??= fetch('/token', …))"],
  },
  { text: 'Two handlers of one callback, such as a route and a library, both redeem the code: remove one.' },
  {
    text: 'A library that tries a failed request again must not do so for a code. Send a new authorization request.',
  },
]

const reloaded: readonly Remedy[] = [
  {
    text: 'The page at the redirect URI was reloaded, or opened again with Back or from a restored tab. After the code is redeemed, take it out of the address:',
    code: "history.replaceState(null, '', location.pathname)",
  },
  { text: 'A server redirects (303) to a page without the code once it has the tokens.' },
  {
    text: 'All tokens of this authorization are revoked now (RFC 6749 §4.1.2). Send a new authorization request.',
  },
]

export const codeCauses: readonly CauseRow[] = [
  {
    name: 'code_used_twice_at_once',
    codes: ['invalid_grant'],
    rule: 'RFC 6749 §4.1.2',
    explain(seen) {
      const used = codeUsed(seen)
      if (!used || seen.failure.at - used.use.at >= atOnce) return undefined
      const { use, certainty } = used
      return {
        certainty,
        title: `The code was redeemed twice at once: the first request came ${duration(seen.failure.at - use.at)} before, ${by(use, seen)}.`,
        evidence: ['A program sent both requests: they are closer together than a person can reload a page.'],
        mend: twice,
      }
    },
  },
  {
    name: 'code_used_before',
    codes: ['invalid_grant'],
    rule: 'RFC 6749 §4.1.2',
    explain(seen) {
      const used = codeUsed(seen)
      if (!used || seen.failure.at - used.use.at < atOnce) return undefined
      const { use, certainty } = used
      return {
        certainty,
        title: `The code was redeemed ${duration(seen.failure.at - use.at)} before, ${by(use, seen)}: a page that was reloaded?`,
        evidence: ['A code can be redeemed once.'],
        mend: [...reloaded, ...twice],
      }
    },
  },
  {
    name: 'handle_of_other_client',
    codes: ['invalid_grant'],
    explain(seen) {
      const issued = seen.failure.traces.history?.issued
      if (!issued || issued.clientId === seen.failure.clientId) return undefined
      const what = grantTypeIs(seen, 'refresh_token') ? 'refresh token' : 'code'
      return {
        certainty: 'proven',
        title: `The ${what} was issued to the client ${issued.clientId}, and ${seen.failure.clientId ?? 'another client'} sends it.`,
        evidence: ['The authorization request and each token request after it must name the same client_id.'],
        mend: [
          {
            text: 'Set one client_id for both requests. Often one of them comes from another environment file.',
          },
          {
            text: 'Or send the authorization request as this client:',
            code: `client_id=${seen.failure.clientId ?? ''}`,
          },
        ],
      }
    },
  },
  {
    name: 'code_expired',
    codes: ['invalid_grant'],
    explain(seen) {
      const { failure, context } = seen
      const issued = failure.traces.history?.issued
      const ttl = context.config.authorizationCodeTtl
      if (!issued || failure.at - issued.at < ttl * 1000 || !grantTypeIs(seen, 'authorization_code'))
        return undefined
      return {
        certainty: codeUsed(seen) ? 'possible' : 'proven',
        title: `The code expired: it was issued ${duration(failure.at - issued.at)} before and is valid for ${ttl} seconds.`,
        evidence: [
          'A program that stops at a breakpoint, or a person who copies the code by hand, takes too long.',
        ],
        mend: [
          { text: 'Redeem the code in the request that receives it, without a page between.' },
          { text: 'For work by hand, a longer lifetime:', code: 'AUTHORIZATION_CODE_TTL=600' },
        ],
      }
    },
  },
  {
    name: 'not_a_code',
    codes: ['invalid_grant'],
    explain(seen) {
      const look = seen.failure.traces.handle
      if (!grantTypeIs(seen, 'authorization_code') || look === undefined || look === 'code') return undefined
      const how: Partial<Record<typeof look, string>> = {
        'percent-encoded': 'The code is still percent-encoded: it was encoded twice, or not decoded.',
        'cut short': 'The code was cut short.',
        other: 'The value of code is not from this provider.',
      }
      return {
        certainty: look === 'other' ? 'likely' : 'proven',
        title: how[look] ?? `The value of code is a ${look}.`,
        evidence: ['A code of this provider begins with lkc_.'],
        mend: [
          {
            text: 'Take the code from the redirect by a parser of URLs:',
            code: "new URL(location.href).searchParams.get('code')",
          },
        ],
      }
    },
  },
  {
    name: 'refresh_token_used_before',
    codes: ['invalid_grant'],
    explain(seen) {
      const use = grantTypeIs(seen, 'refresh_token') && usedBefore(seen, 'refresh_token')
      const { rule, expected } = seen.failure
      const isReplay = rule === 'RFC 9700 §4.14.2'
      if (!use || (!isReplay && !expected.startsWith('a valid refresh token'))) return undefined
      return {
        certainty: isReplay ? 'proven' : 'likely',
        title: `The refresh token was used before; the last refresh of its family came ${duration(seen.failure.at - use.at)} before, ${by(use, seen)}.`,
        evidence: [
          'Each refresh gives a new refresh token, and the one before it ends (rotation, RFC 9700 §4.14.2).',
        ],
        mend: [
          {
            text: 'Store the refresh_token of each answer in place of the one before, before anything else.',
          },
          {
            text: 'Two tabs or two processes that share a token must refresh one at a time: navigator.locks, or one row of a database.',
          },
          { text: 'The whole family is revoked now. Send a new authorization request.' },
        ],
      }
    },
  },
  {
    name: 'not_a_refresh_token',
    codes: ['invalid_grant'],
    explain(seen) {
      const look = seen.failure.traces.handle
      if (!grantTypeIs(seen, 'refresh_token') || look === undefined || look === 'refresh token')
        return undefined
      return {
        certainty: look === 'other' ? 'likely' : 'proven',
        title: `The value of refresh_token is ${look === 'other' ? 'not from this provider' : `a ${look}`}.`,
        evidence: ['A refresh token of this provider begins with lkr_.'],
        mend: [{ text: 'Send the refresh_token of the token response, not its access_token or id_token.' }],
      }
    },
  },
  {
    name: 'authorization_ended',
    codes: ['invalid_grant'],
    explain({ failure }) {
      const { history, handle } = failure.traces
      const isOurs = handle === 'code' || handle === 'refresh token'
      if (!isOurs || !history || !/^a valid refresh token|still valid$|has not ended/.test(failure.expected))
        return undefined
      return {
        certainty: 'possible',
        title: 'The authorization has ended, and its tokens with it.',
        evidence: [
          'It ends when the End-User signs out, changes the password or removes the access of the app, when a token of it is revoked, and when a code or a refresh token of it came twice.',
        ],
        mend: [
          { text: 'Send a new authorization request.' },
          {
            text: 'Access that stays after the sign-out is asked for by:',
            code: 'scope=openid%20offline_access',
          },
        ],
      }
    },
  },
  {
    name: 'handle_of_a_lost_store',
    codes: ['invalid_grant'],
    explain(seen) {
      const { handle, history } = seen.failure.traces
      const isOurs = handle === 'code' || handle === 'refresh token'
      if (!isOurs || history || seen.failure.rule.startsWith('RFC 7636')) return undefined
      return {
        certainty: 'possible',
        title: 'The provider was restarted since, and its store lost what it knew.',
        evidence: ['This instance has not issued it since its start. Without STORE_URL all is in memory.'],
        mend: [
          { text: 'Sign in again, or keep the data over a restart:', code: 'STORE_URL=sqlite:latchkey.db' },
        ],
      }
    },
  },
]
