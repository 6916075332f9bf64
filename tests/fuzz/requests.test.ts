/** Headers and parameters that need a whole provider to be read: whatever comes, the answer is no fault of the server. */
import { describe, expect, test } from 'bun:test'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { demo, formPost } from '../support/client.ts'
import { fuzz } from '../support/fuzz.ts'
import { expectLinear } from '../support/linear.ts'
import { provider } from '../support/provider.ts'
import rfc8705 from '../vectors/rfc8705.json'

const op = await provider({
  env: {
    LOG_LEVEL: 'error',
    TRUSTED_PROXIES: 'loopback,private',
    AUTHORIZATION_DETAILS_TYPES: 'payment',
    MTLS_CLIENT_CERT_HEADER: 'client-cert',
  },
})

const { publicKey, privateKey } = await generateKeyPair('ES256')
const jwk = await exportJWK(publicKey)
const proofWith = (claims: Record<string, unknown>, header: Record<string, unknown> = {}) =>
  new SignJWT({ htm: 'POST', htu: `${op.issuer}/token`, iat: Math.floor(op.clock.now() / 1000), ...claims })
    .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk, ...header })
    .sign(privateKey)
const proofs = [
  await proofWith({ jti: 'one' }),
  await proofWith({ jti: 1, htu: 'http://[', nonce: {} }),
  await proofWith({ jti: 'three', iat: 1e300, ath: [] }),
  await proofWith({ jti: 'four' }, { jwk: { kty: 'EC', crv: 'P-256', x: 'AA', y: 'AA' } }),
]
const certificate = `:${rfc8705['A. Example: a certificate and its x5t#S256'].der}:`

interface Place {
  name: string
  samples: string[]
  tokens: string[]
  send(text: string): Promise<Response> | undefined
}

/** Undefined where no header can hold the text. */
function withHeader(path: string, name: string, value: string, init: RequestInit = {}) {
  try {
    const headers = new Headers(init.headers)
    headers.set(name, value)
    return op.fetch(path, { ...init, headers })
  } catch {
    return undefined
  }
}

const credentials = () => formPost(demo, { grant_type: 'client_credentials' })
const details = (text: string) =>
  formPost(demo, {
    response_type: 'code',
    redirect_uri: demo.redirect_uri,
    scope: 'openid',
    code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
    code_challenge_method: 'S256',
    authorization_details: text,
  })

const places: Place[] = [
  {
    name: 'X-Forwarded-For',
    samples: ['192.0.2.1', '2001:db8::1, 10.0.0.1', '[::1]:80, 192.0.2.7:1234', 'unknown, _hidden'],
    tokens: [',', ', ', ':', '::', '[', ']', '10.0.0.1,', '%', '.'],
    send: (text) => withHeader('/health', 'x-forwarded-for', text),
  },
  {
    name: 'Accept-Language',
    samples: ['de-AT,de;q=0.8', '*', 'ar'],
    tokens: [',', ';q=', 'x-', '-', ' '],
    send: (text) => withHeader('/login', 'accept-language', text),
  },
  {
    name: 'Cookie',
    samples: ['latchkey_session=a.b', 'latchkey_browser=x; latchkey_language=de', 'latchkey_session=; a'],
    tokens: [';', '=', 'latchkey_session=', '.', '"', ' '],
    send: (text) => withHeader('/account', 'cookie', text),
  },
  {
    name: 'Authorization',
    samples: [`Basic ${btoa('client123:secret456')}`, 'Bearer lka_abc', 'DPoP x'],
    tokens: ['Basic ', 'Bearer ', '=', '.', 'lka_', ','],
    send: (text) => withHeader('/userinfo', 'authorization', text),
  },
  {
    name: 'DPoP',
    samples: proofs,
    tokens: ['.', ',', 'e30', 'bnVsbA', '=', proofs[0]!.split('.')[0]!],
    send: (text) => withHeader('/token', 'dpop', text, credentials()),
  },
  {
    name: 'client certificate',
    samples: [certificate],
    tokens: [':', '=', 'AAAA', ';', certificate],
    send: (text) => withHeader('/token', 'client-cert', text, credentials()),
  },
  {
    name: 'User-Agent',
    samples: ['Mozilla/5.0 (iPhone) Safari/604.1'],
    tokens: ['Chrome/', '(', ' '],
    send: (text) => withHeader('/login', 'user-agent', text),
  },
  {
    name: 'authorization_details',
    samples: [
      '[{"type":"payment","actions":["read"],"identifier":"x"}]',
      '[{"type":"payment","locations":["https://a"],"__proto__":{"a":1}}]',
      '[]',
      '{"type":"payment"}',
    ],
    tokens: ['[', ']', '{', '}', ',', '{"type":"payment"},', '"a":', 'null', '[['],
    send: (text) => op.fetch('/par', details(text)),
  },
  {
    name: 'a form',
    samples: [
      'grant_type=client_credentials&scope=openid',
      'grant_type=refresh_token&refresh_token=lkr_a.0.b',
    ],
    tokens: ['&', '=', '%', '+', 'scope=', '&scope=a', 'resource=', '%00'],
    send: (body) => {
      const { headers } = credentials()
      return op.fetch('/token', { method: 'POST', headers: headers!, body })
    },
  },
  {
    name: 'a query of /authorize',
    samples: [
      'client_id=client123&response_type=code&scope=openid&redirect_uri=http%3A%2F%2Flocalhost%3A8080%2Fcallback',
      'client_id=nobody&claims=%7B%7D&prompt=none&max_age=1',
    ],
    tokens: [
      '&',
      '=',
      '%',
      '&max_age=',
      '&claims=',
      '&ui_locales=',
      '&id_token_hint=e30.e30.',
      '&acr_values=',
      '%7B',
    ],
    send: (query) =>
      query.includes('#') ? undefined : op.fetch(`/authorize?${encodeURI(query.toWellFormed())}`),
  },
]

describe.each(places)('$name', ({ name, samples, tokens, send }) => {
  test('no answer is a fault of the server', async () => {
    await fuzz(
      `request ${name}`,
      (fuzzer) => fuzzer.text(samples, tokens),
      async (text) => {
        const answer = await send(text)
        if (answer && answer.status >= 500)
          throw new Error(`${answer.status}: ${op.lines.slice(-3).join('\n')}`)
      },
      200,
    )
    expect(op.lines).toEqual([])
  })

  test('takes time in proportion to the length', async () => {
    for (const token of tokens.filter((each) => each.length < 40))
      await expectLinear(
        (size) => samples[0]! + token.repeat(Math.ceil(size / token.length)),
        async (text) => void (await (await send(text))?.text()),
      )
  }, 60_000)
})
