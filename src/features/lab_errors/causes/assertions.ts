/** Causes of refused client assertions and DPoP proofs. https://www.rfc-editor.org/rfc/rfc7523#section-3 */
import type { ReadJwt } from '../failure.ts'
import { compare } from '../compare.ts'
import { type CauseRow, clientSet, duration, type Seen } from './cause.ts'

/** The JWT that the client signed for this request. */
const signed = ({ failure }: Seen): ReadJwt | undefined =>
  failure.code === 'invalid_dpop_proof' ? failure.traces.proof : failure.traces.assertion

const codes = ['invalid_client', 'invalid_dpop_proof']

/** Milliseconds of the last moment that a Date can say. */
const lastMoment = 8.64e15

/** A number that is a time in seconds, or in milliseconds by mistake. */
const secondsOf = (value: unknown): number | undefined =>
  typeof value === 'number' && Math.abs(value) <= lastMoment ? value : undefined

/** A time in seconds is not larger before the year 5138. */
const largestSeconds = 1e11
/** Seconds by which a clock may differ before it is called wrong. */
const tolerated = 60

const moment = (seconds: number): string =>
  Math.abs(seconds) > largestSeconds ? `${seconds}` : new Date(seconds * 1000).toISOString()

export const assertionCauses: readonly CauseRow[] = [
  {
    name: 'times_in_milliseconds',
    codes,
    explain(seen) {
      const claims = signed(seen)?.claims ?? {}
      const name = ['exp', 'iat', 'nbf'].find((each) => (secondsOf(claims[each]) ?? 0) > largestSeconds)
      if (name === undefined) return undefined
      const came = String(claims[name])
      return {
        certainty: 'proven',
        title: `${name} is in milliseconds, where seconds are expected.`,
        evidence: [`${came} seconds are in the year ${Math.round(1970 + Number(came) / 31_556_952)}.`],
        mend: [{ text: 'Divide, and round down:', code: `${name}: Math.floor(milliseconds / 1000)` }],
        compared: compare(name, String(Math.floor(Number(came) / 1000)), came),
      }
    },
  },
  {
    name: 'clock_ahead',
    codes,
    explain(seen) {
      const iat = secondsOf(signed(seen)?.claims.iat)
      const now = seen.failure.at / 1000
      if (iat === undefined || iat > largestSeconds || iat - now < tolerated) return undefined
      return {
        certainty: 'likely',
        title: `The clock of the client is ${duration((iat - now) * 1000)} ahead of the clock of this provider.`,
        evidence: [`iat is ${moment(iat)}; here it was ${moment(now)}.`],
        mend: [
          { text: 'Set the clock of the machine by a time server:', code: 'timedatectl set-ntp true' },
          { text: 'A container has the clock of its host; a virtual machine that slept has an old one.' },
        ],
        compared: compare('iat', moment(now), moment(iat)),
      }
    },
  },
  {
    name: 'clock_behind',
    codes,
    explain(seen) {
      const { iat, exp } = signed(seen)?.claims ?? {}
      const [issued, until, now] = [secondsOf(iat), secondsOf(exp), seen.failure.at / 1000]
      const isPast = until !== undefined ? until < now : seen.failure.code === 'invalid_dpop_proof'
      if (issued === undefined || !isPast || now - issued < tolerated) return undefined
      return {
        certainty: 'likely',
        title: `The JWT is ${duration((now - issued) * 1000)} old: it was made once and sent again, or the clock of the client is behind.`,
        evidence: [`iat is ${moment(issued)}; here it was ${moment(now)}.`],
        mend: [
          { text: 'Make a new JWT for each request, with a new jti.' },
          { text: 'Set the clock of the machine by a time server:', code: 'timedatectl set-ntp true' },
        ],
        compared: compare(until === undefined ? 'iat' : 'exp', moment(now), moment(until ?? issued)),
      }
    },
  },
  {
    name: 'assertion_audience',
    codes: ['invalid_client'],
    explain(seen) {
      const aud = seen.failure.traces.assertion?.claims.aud
      const { issuer } = seen.context.config
      const values = [aud].flat()
      if (!seen.failure.traces.assertion || (values.length === 1 && values[0] === issuer)) return undefined
      const came = typeof aud === 'string' ? aud : (JSON.stringify(aud) ?? 'absent')
      const { problem = '', expected } = seen.failure
      const isSaid = problem.includes('unexpected "aud"') || expected.startsWith('client_assertion: aud')
      const isSlash = typeof aud === 'string' && aud.replace(/\/$/, '') === issuer
      return {
        certainty: isSaid ? 'proven' : 'likely',
        title: isSlash
          ? 'aud of the assertion has a slash at its end, which the issuer has not.'
          : `aud of the assertion is ${came}, and the issuer ${issuer} is expected.`,
        evidence: [
          'The issuer is the one name that no other provider can claim; many libraries put the token endpoint.',
        ],
        mend: [
          {
            text: 'Set aud to the issuer of the discovery document, as one string:',
            code: `"aud": "${issuer}"`,
          },
          { text: 'For a library that cannot:', code: 'CLIENT_ASSERTION_AUDIENCE=endpoint' },
        ],
        compared: compare('aud', issuer, came),
      }
    },
  },
  {
    name: 'assertion_subject',
    codes: ['invalid_client'],
    explain(seen) {
      const { iss, sub } = seen.failure.traces.assertion?.claims ?? {}
      if (!seen.failure.traces.assertion || (iss === sub && iss === seen.client?.client_id)) return undefined
      if (!seen.client) return undefined
      return {
        certainty: 'likely',
        title: 'iss and sub of the assertion must both be the client_id.',
        evidence: [`iss is ${JSON.stringify(iss) ?? 'absent'}, sub is ${JSON.stringify(sub) ?? 'absent'}.`],
        mend: [
          { text: 'Set both:', code: `"iss": "${seen.client.client_id}", "sub": "${seen.client.client_id}"` },
        ],
        compared: compare('iss', seen.client.client_id, String(iss)),
      }
    },
  },
  {
    name: 'assertion_key',
    codes: ['invalid_client'],
    explain(seen) {
      const { header } = seen.failure.traces.assertion ?? {}
      const problem = seen.failure.problem ?? ''
      if (!header || !/signature|no applicable key|"alg"|algorithm/i.test(problem)) return undefined
      const keys = (seen.client as { jwks?: { keys?: { kid?: string; alg?: string }[] } } | undefined)?.jwks
        ?.keys
      return {
        certainty: 'likely',
        title: `No registered key of the client verifies the assertion (alg ${String(header.alg)}, kid ${String(header.kid ?? 'absent')}).`,
        evidence: keys
          ? [
              `Registered keys: ${keys.map(({ kid, alg }) => `${kid ?? 'without kid'} ${alg ?? ''}`.trim()).join(', ')}.`,
            ]
          : [],
        mend: [
          {
            text: 'Register the public half of the key that signs:',
            code: clientSet(seen, '--jwks jwks.json'),
          },
          { text: 'kid of the header must be the kid of that key.' },
        ],
      }
    },
  },
  {
    name: 'assertion_lifetime',
    codes: ['invalid_client'],
    explain(seen) {
      const { exp, iat } = seen.failure.traces.assertion?.claims ?? {}
      const until = secondsOf(exp)
      const isPast = until !== undefined && until < seen.failure.at / 1000 && iat === undefined
      if (!isPast && !seen.failure.expected.includes('exp is required')) return undefined
      if (until !== undefined && until > largestSeconds) return undefined
      return {
        certainty: 'proven',
        title:
          until === undefined
            ? 'The assertion has no exp.'
            : isPast
              ? `The assertion expired ${duration(seen.failure.at - until * 1000)} before.`
              : `The assertion is valid for ${duration(until * 1000 - seen.failure.at)}, which is too long.`,
        evidence: ['An assertion is for one request, so that a stolen one is soon of no use.'],
        mend: [
          { text: 'Make it right before the request:', code: 'exp: Math.floor(milliseconds / 1000) + 60' },
        ],
      }
    },
  },
  {
    name: 'proof_without_token_hash',
    codes: ['invalid_dpop_proof'],
    explain: ({ failure }) =>
      failure.expected.startsWith('ath must')
        ? {
            certainty: 'proven',
            title: 'ath of the DPoP proof is absent, or is the hash of another access token.',
            evidence: ['A proof for an API names the token that it is sent with.'],
            mend: [
              {
                text: 'Add the hash to proofs for APIs, made anew after each refresh:',
                code: '"ath": base64url(SHA-256(access_token))',
              },
            ],
          }
        : undefined,
  },
  {
    name: 'assertion_used_before',
    codes,
    explain: ({ failure }) =>
      /not used before/.test(failure.expected)
        ? {
            certainty: 'proven',
            title: 'The same JWT was sent before.',
            evidence: ['Its jti is remembered until it expires.'],
            mend: [
              { text: 'Make a new JWT with a new jti for each request:', code: 'jti: crypto.randomUUID()' },
            ],
          }
        : undefined,
  },
  {
    name: 'proof_target',
    codes: ['invalid_dpop_proof'],
    explain(seen) {
      const htu = seen.failure.traces.proof?.claims.htu
      const wanted = `${seen.context.config.issuer}${seen.failure.request.path}`
      if (typeof htu !== 'string' || !seen.failure.expected.startsWith('htu')) return undefined
      return {
        certainty: 'proven',
        title: 'htu of the DPoP proof is not the address of this request.',
        evidence: ['Behind a proxy, the address is that of the issuer, not that of the connection.'],
        mend: [{ text: 'Take the address from the discovery document:', code: `"htu": "${wanted}"` }],
        compared: compare('htu', wanted, htu),
      }
    },
  },
]
