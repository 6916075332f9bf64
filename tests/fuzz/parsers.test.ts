/** Every parser of text that others write: no exception but the one it declares, and time in proportion to the length. */
import { describe, expect, test } from 'bun:test'
import { parseClaimsParameter } from '../../src/auth/claims.ts'
import { parseBasic, readCredentials } from '../../src/auth/client_auth.ts'
import { jwsOfDer } from '../../src/auth/ecdsa_der.ts'
import { kidOf, verify } from '../../src/auth/jws.ts'
import { parsePrompt } from '../../src/auth/prompt.ts'
import { matchRedirectUri, redirectUriProblem } from '../../src/auth/redirect_uri.ts'
import { RefusedError } from '../../src/auth/refusal.ts'
import { parseScope, scopeValues } from '../../src/auth/scope.ts'
import { Refusal } from '../../src/cli/failure.ts'
import { readSource } from '../../src/cli/plan/source.ts'
import { readCsv, readJson, writeCsv } from '../../src/cli/user_file.ts'
import { readKeySources } from '../../src/config/key_source.ts'
import type { Call } from '../../src/contracts/call.ts'
import { certificateFormats } from '../../src/features/mutual_tls/certificate_formats.ts'
import { readCertificate } from '../../src/features/mutual_tls/certificate.ts'
import { elementsOf, namesIn, oidOf, textOf } from '../../src/features/mutual_tls/der.ts'
import { canonicalName, canonicalSubject } from '../../src/features/mutual_tls/distinguished_name.ts'
import { foreignText } from '../../src/html/foreign_text.ts'
import { compileTemplate } from '../../src/html/template.ts'
import { acceptedLanguages, firstSupported } from '../../src/html/words.ts'
import { parseParams } from '../../src/http/call.ts'
import { readCookie } from '../../src/http/cookie.ts'
import { clientRangeOf, inNetworks, parseNetworks } from '../../src/lib/address.ts'
import { readLine } from '../../src/models/audit/entry.ts'
import { outside, readRanges } from '../../src/models/audit/ranges.ts'
import { readMailAddress } from '../../src/lib/mail_address.ts'
import { readTraceParent } from '../../src/lib/traceparent.ts'
import { fingerprintOf, readUserAgent } from '../../src/lib/user_agent.ts'
import { canonicalEmail, canonicalUsername } from '../../src/models/user.ts'
import { parsePostgresUrl } from '../../src/lib/postgres_url.ts'
import { parseRedisUrl } from '../../src/lib/redis_url.ts'
import { fuzz } from '../support/fuzz.ts'
import { expectLinear } from '../support/linear.ts'
import rfc8705 from '../vectors/rfc8705.json'

interface Parser {
  name: string
  parse(text: string): unknown
  /** What it may throw. */
  declared?: abstract new (...args: never[]) => Error
  /** Input that is well formed. */
  samples: string[]
  /** Pieces of its grammar. */
  tokens: string[]
  /** Characters of the smaller of two inputs that are compared, where the parser is slow. */
  size?: number
}

const certificate = Buffer.from(rfc8705['A. Example: a certificate and its x5t#S256'].der, 'base64')
const pem = `-----BEGIN CERTIFICATE-----\n${certificate.toString('base64').replace(/.{64}/g, '$&\n')}\n-----END CERTIFICATE-----\n`
const jwt = `${Buffer.from('{"alg":"ES256","typ":"JWT","kid":"k"}').toString('base64url')}.${Buffer.from('{"sub":"a"}').toString('base64url')}.${'A'.repeat(86)}`
const callWith = (name: string, value: string): Call | undefined => {
  try {
    return { request: new Request('http://op.example/', { headers: { [name]: value } }) } as Call
  } catch {
    return undefined // no header can hold it
  }
}
const keys = { find: () => undefined }

const parsers: Parser[] = [
  {
    name: 'sources of signing keys',
    parse: readKeySources,
    samples: [
      'ES256=vault-transit:transit/latchkey RS256=awskms:alias/latchkey',
      'EdDSA=pkcs11:token=My%20token;id=%01;object=k?module-path=/usr/lib/softhsm/libsofthsm2.so',
      'PS256=awskms:arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab',
    ],
    tokens: [
      'ES256=',
      'RS256=',
      'vault-transit:',
      'awskms:',
      'pkcs11:',
      'object=k',
      '?module-path=/',
      ';',
      '%41',
      'alias/',
      'arn:aws',
      ':',
      '/',
      '..',
      '=',
      ' ',
      'a',
    ],
  },
  {
    name: 'an ECDSA signature in DER',
    parse: (text) => jwsOfDer(Buffer.from(text, 'latin1')),
    samples: ['0\x06\x02\x01\x05\x02\x01\x09', `0\x44\x02\x20${'a'.repeat(32)}\x02\x20${'b'.repeat(32)}`],
    tokens: ['0', '\x02', '\x20', '\x21', '\0', '\x80', '\xff', 'a'],
  },
  {
    name: 'a configuration file',
    parse: (text) => readSource(text, 'latchkey.yaml'),
    declared: Refusal,
    samples: [
      'latchkey: 1\nclients:\n  - client_id: shop # a comment\n    redirect_uris: [https://shop.example/cb]\n    scope: >-\n      openid\n      profile\n',
      '{"latchkey":1,"clients":[{"client_id":"a","role_names":{"admin":"Administrators"},"disabled":false}]}',
      'a: &x {b: [1, 2]}\nc: *x\nd: "\\u00e9"\n? e\n: ~\n',
    ],
    tokens: [': ', '- ', '&a ', '*a', '!!str ', '? ', '{', '[', '"', '---\n'],
    size: 300,
  },
  {
    name: 'a line of the audit trail',
    parse: readLine,
    samples: [
      '{"v":1,"chain":"a","seq":1,"time":"2026-11-29T08:11:33.504Z","kind":"signed_out","outcome":"success","actor":"person","key":"k","mac":"5WjffqVKBV7gVR0GsHokfD574YrIRrHW2P3IbNeG7p0"}',
      '{"v":1,"chain":"a","seq":1,"dropped":true,"digest":"5WjffqVKBV7gVR0GsHokfD574YrIRrHW2P3IbNeG7p0","key":"k","mac":"5WjffqVKBV7gVR0GsHokfD574YrIRrHW2P3IbNeG7p0"}',
    ],
    tokens: ['{', '}', '"', ',', ':', '"mac":"', '"details":{', '"__proto__":', '[', '\\u0000', '1e999'],
  },
  {
    name: 'ranges of dropped entries',
    parse: (text) => outside([[1, 1e15]], readRanges(text)),
    samples: ['1-5,7,9-12', '1'],
    tokens: ['-', ',', '0', '9', '999999999999999'],
  },
  {
    name: 'traceparent',
    parse: readTraceParent,
    samples: [
      '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
      'cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00-what-the-future-will-be-like',
    ],
    tokens: ['-', '00', 'ff', '01', '0af7651916cd43dd8448eb211c80319c', 'b7ad6b7169203331'],
  },
  {
    name: 'form',
    parse: (text) => parseParams(text, new Set(['resource'])),
    declared: RefusedError,
    samples: [
      'grant_type=authorization_code&code=abc',
      'resource=https%3A%2F%2Fa&resource=b',
      'a=1&b=%20+&c',
    ],
    tokens: ['&', '=', '%20', '+', '&resource=x', '%e2%82%ac', '&__proto__=1', '&a=1'],
  },
  {
    name: 'Basic credentials',
    parse: (text) => [parseBasic(text), readCredentials({ authorization: text, params: {} })],
    declared: RefusedError,
    samples: ['client:secret', 'a%20b:c+d', 'a:%zz', 'https://a.example/b:c', 'urn:a:b', 'a:\u00e4'].map(
      (text) => `basic ${btoa(text)} `,
    ),
    tokens: ['Basic ', ' ', '=', '==', 'QQ', btoa(':'), btoa('%'), '!'],
  },
  {
    name: 'client assertion',
    parse: (text) =>
      readCredentials({
        authorization: undefined,
        params: {
          client_assertion: text,
          client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        },
      }),
    declared: RefusedError,
    samples: [jwt, 'a.b.c'],
    tokens: ['.', 'e30', 'bnVsbA', 'W10', '=', '-_'],
  },
  {
    name: 'compact JWS',
    parse: (text) => [kidOf(text), verify(keys, text, { typ: 'JWT' })],
    samples: [jwt, 'e30.e30.', `${btoa('{"alg":"none"}')}..`],
    tokens: ['.', '..', 'e30', 'bnVsbA', 'W10', '=', '-_', 'eyJhbGciOiJub25lIn0'],
  },
  {
    name: 'client certificate in a header',
    parse: (text) => Object.values(certificateFormats).map((format) => readCertificate(format, text)),
    samples: [
      `Hash=${'a'.repeat(64)};Cert="${encodeURIComponent(pem)}";Subject="CN=\\"a\\",O=b";URI=spiffe://a`,
      `By=a;Chain="${encodeURIComponent(pem + pem)}"`,
      pem.replaceAll('\n', ' ').trim(),
      `${encodeURIComponent(certificate.toString('base64'))},${certificate.toString('base64')}`,
      certificate.toString('base64'),
      `:${certificate.toString('base64')}:`,
      encodeURIComponent(pem),
    ],
    tokens: [
      ':',
      '=',
      '%0A',
      '-----BEGIN CERTIFICATE-----',
      'AAAA',
      '\r\n',
      '%2B',
      ';',
      ',',
      '"',
      '\\"',
      'Cert=',
    ],
  },
  {
    name: 'distinguished name',
    parse: canonicalName,
    samples: ['CN=a,O=b+OU=c,C=NZ', '2.5.4.3=#0c0161', 'CN=\\C3\\A9\\,x', ' cn = a b '],
    tokens: ['CN=', ',', '+', '\\', '\\,', '#0c', '=', '2.5.4.3=', 'CN=a,', '\\41'],
  },
  {
    name: 'Redis URL',
    parse: parseRedisUrl,
    declared: Error,
    samples: [
      'redis://user:pass@localhost:6379/1',
      'rediss+sentinel://:p@a:1,b:2,[::1]:3/master/0?sentinel_password=x',
      'redis+cluster://a,b,c',
    ],
    tokens: ['redis://', '+sentinel', ':', '@', ',', '/', '?', '[::1]', '%41', 'a:1,', '?sentinel_password='],
  },
  {
    name: 'PostgreSQL URL',
    parse: parsePostgresUrl,
    declared: Error,
    samples: [
      'postgres://user:pass@localhost:5432/name?sslmode=verify-full',
      'postgresql://u:p@a:1,b,[::1]:3/d?channel_binding=require&target_session_attrs=primary',
      'postgres://u@/d?host=/run/postgresql&port=6000',
    ],
    tokens: [
      'postgres://',
      'u',
      ':',
      '@',
      ',',
      '/',
      '?',
      '[::1]',
      '%41',
      'a:1,',
      '&',
      'host=',
      'port=',
      'sslmode=',
    ],
  },
  {
    name: 'template',
    parse: (text) =>
      compileTemplate(
        't',
        text,
        ['main', 'name', 'action', 'flag'],
        () => false,
        () => undefined,
      ),
    declared: Error,
    samples: [
      '<p>{{name}}</p><a href="{{action}}">{{main}}</a>',
      '<form action="{{action}}"><input value="{{name}}" {{flag}}></form>',
      '<style>a{}</style><p title="a {{name}} b">{{t common.ok}}</p>',
    ],
    tokens: [
      '{{name}}',
      '{{',
      '}}',
      '<a href="',
      '">',
      '<script>',
      '<',
      '>',
      '"',
      ' a="b"',
      '{{t login.title}}',
      ' ',
    ],
  },
  {
    name: 'cookie header',
    parse: (text) => {
      const call = callWith('cookie', text)
      return call && readCookie(call, 'latchkey_session')
    },
    samples: [
      'latchkey_session=abc; other=1',
      'latchkey_session=a;latchkey_session=b',
      'a=b;  latchkey_session=',
    ],
    tokens: [';', '; ', '=', 'latchkey_session=', ' ', '\t', 'a=b;', '"'],
  },
  {
    name: 'mail address',
    parse: readMailAddress,
    samples: ['alice@example.com', 'a.b+c@münchen.de', 'ä@xn--mnchen-3ya.de', '"a b"@example.com'],
    tokens: ['@', '.', 'a.', '-', 'ü', 'xn--', '\u0301', '\u0301\u0323', '日', '.com'],
  },
  {
    name: 'spelling of a name',
    parse: (text) => [canonicalUsername(text), canonicalEmail(text)],
    samples: ['alice', 'alice@example.com', 'ａｌｉｃｅ@münchen.de', '\ufdfa'],
    tokens: [
      '@',
      '.',
      'ü',
      'İ',
      '\ufdfa',
      '\u200b',
      'xn--',
      '\u0301',
      '\u0301\u0323',
      '\u0301\u200b\u0323',
      ' ',
    ],
  },
  {
    name: 'user agent',
    parse: (text) => [readUserAgent(text), fingerprintOf(text)],
    samples: ['Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/120.0 Safari/537.36', 'curl/8.0'],
    tokens: ['Chrome/', 'Mac OS X', ' ', '(', ';', 'Edg/', 'iPhone'],
  },
  {
    name: 'text to be shown',
    parse: (text) => foreignText(text),
    samples: ['Corner bank', 'a\u0301\u0301\u0301\u0301', 'x'.repeat(200)],
    tokens: ['\u0301', '\u202e', ' ', '\u200b', '𝒳', '\u200d'],
  },
  {
    name: 'scope',
    parse: parseScope,
    declared: RefusedError,
    samples: ['openid profile email', 'https://api.example/read:all  openid'],
    tokens: [' ', 'openid', 'a ', '"', '\\', 'é'],
  },
  {
    name: 'stored scope',
    parse: scopeValues,
    samples: ['openid profile email', ''],
    tokens: [' ', 'a ', 'openid '],
  },
  {
    name: 'prompt',
    parse: (text) => parsePrompt(text),
    declared: RefusedError,
    samples: ['login consent', 'none', ''],
    tokens: ['none', ' ', 'login ', 'create'],
  },
  {
    name: 'claims parameter',
    parse: parseClaimsParameter,
    declared: RefusedError,
    samples: [
      '{"userinfo":{"email":null,"name":{"essential":true}},"id_token":{"acr":{"values":["a"]}}}',
      '{"id_token":{"sub":{"value":"x"}}}',
      '{"__proto__":{"userinfo":null}}',
    ],
    tokens: ['{', '}', '[', ']', ',', '"a":', 'null', '"__proto__":{}', '"userinfo":', '{"a":'],
  },
  {
    name: 'redirect URI',
    parse: (text) => [
      redirectUriProblem(text, 'web'),
      redirectUriProblem(text, 'native'),
      matchRedirectUri(['http://127.0.0.1/callback', 'https://app.example/cb'], text),
    ],
    samples: [
      'https://app.example/cb',
      'http://127.0.0.1:8080/callback?x=1',
      'com.example.app:/cb',
      'http://[::1]:1/',
    ],
    tokens: ['https://', '/', '/.', '%2e', ':', '@', '#', '?', '*', '\\', '[::1]', '127.0.0.1', ':65536'],
  },
  {
    name: 'Accept-Language',
    parse: (text) => firstSupported(acceptedLanguages(text)),
    samples: ['de-AT,de;q=0.8,en;q=0.5', 'pt-BR', '*;q=0'],
    tokens: [',', ';', 'q=', ';q=0.', ' ', '-', 'de', '*', 'q=1e999'],
  },
  {
    name: 'address',
    parse: (text) => [clientRangeOf(text), inNetworks(text, parseNetworks('private,loopback'))],
    samples: ['192.0.2.1', '2001:db8::1', '::ffff:10.0.0.1', 'fe80::1%eth0'],
    tokens: [':', '::', '.', 'ffff', '%', '0', '255', '/'],
  },
  {
    name: 'list of networks',
    parse: parseNetworks,
    declared: TypeError,
    samples: ['10.0.0.0/8, ::1/128,loopback', '::ffff:10.0.0.0/104'],
    tokens: [',', '/', '::', 'private', '/33', '10.0.0.1/8'],
  },
  {
    name: 'people as JSON',
    parse: readJson,
    declared: Refusal,
    samples: ['[{"username":"a"}]', '[]', '{}'],
    tokens: ['[', ']', '{', '}', ',', '"a":1', 'null'],
  },
]

describe.each(parsers)('$name', ({ name, parse, declared, samples, tokens, size }) => {
  test('throws nothing but what it declares', async () => {
    await fuzz(
      name,
      (fuzzer) => fuzzer.text(samples, tokens),
      (text) => {
        try {
          parse(text)
        } catch (error) {
          // Where plain Error is declared, errors of the language are not meant.
          const isOne = declared !== undefined && error instanceof declared
          const isSlip = error instanceof RangeError || (error instanceof TypeError && declared !== TypeError)
          if (!isOne || isSlip || error instanceof SyntaxError) throw error
        }
      },
    )
  })

  test('takes time in proportion to the length', async () => {
    for (const token of [...tokens, ' ', 'a', 'é']) {
      const many = (length: number) => token.repeat(Math.ceil(length / token.length))
      await expectLinear(many, parse, size)
      await expectLinear((length) => `${many(length)}\n`, parse, size)
      for (const sample of samples) {
        await expectLinear((length) => sample + many(length), parse, size)
        const middle = sample.length >> 1
        await expectLinear(
          (length) => sample.slice(0, middle) + many(length) + sample.slice(middle),
          parse,
          size,
        )
      }
    }
  }, 60_000)
})

describe('DER', () => {
  const read = (der: Uint8Array) => {
    const names = namesIn(der)
    return [canonicalSubject(names), names.alternatives.map(textOf)]
  }

  test('throws RangeError alone', async () => {
    await fuzz(
      'DER',
      (fuzzer) => fuzzer.bytes([certificate, certificate.subarray(0, 40), new Uint8Array([0x30, 0x80])]),
      (der) => {
        try {
          read(der)
        } catch (error) {
          if (!(error instanceof RangeError) || !error.message.startsWith('DER: ')) throw error
        }
      },
    )
  })

  test.each<[string, (size: number) => Uint8Array, (bytes: Uint8Array) => unknown]>([
    ['many elements', (size) => Buffer.alloc(size & ~1, '\x05\x00'), elementsOf],
    ['an identifier of many arcs', (size) => Buffer.alloc(size, 1), oidOf],
    [
      'an identifier of one long arc',
      (size) => Buffer.concat([Buffer.alloc(size, 0xff), Buffer.from([1])]),
      oidOf,
    ],
    [
      'a long text',
      (size) => Buffer.alloc(size, 'a'),
      (content) => textOf({ tag: 12, content, whole: content }),
    ],
  ])('%s: time in proportion to the length', (_, make, work) => expectLinear(make, work, 8_000))
})

describe('people as CSV', () => {
  const samples = ['username,email\r\nalice,a@b.example\r\n', 'username;roles\n"a ""b""";x y\n', 'a,b\n1,2\n']
  const tokens = [',', ';', '"', '""', '\n', '\r\n', 'a,b\n', '=1+1', "'", '"\n']

  test('throws Refusal alone, and what is written is read again', async () => {
    await fuzz(
      'CSV',
      (fuzzer) => fuzzer.text(samples, tokens),
      async (text) => {
        try {
          await readCsv(text)
        } catch (error) {
          if (!(error instanceof Refusal)) throw error
        }
      },
    )
    await fuzz(
      'CSV and back',
      (fuzzer) => ({
        username:
          fuzzer
            .text(['alice'], tokens)
            .toWellFormed()
            .replaceAll(/[\r\n\0\ufeff]/g, '') || 'x',
      }),
      async (record) => {
        const [back] = await readCsv(`${writeCsv([record])}\n`)
        expect(back?.record).toEqual(record)
      },
    )
  })

  test.each(tokens)('%j many times: time in proportion to the length', async (token) => {
    const { parse } = await import('csv-parse/sync')
    for (const begin of ['', 'a,b\n', '"'])
      await expectLinear(
        (size) => begin + token.repeat(Math.ceil(size / token.length)),
        (text) => parse(text, { columns: true, bom: true, skip_empty_lines: true, info: true }),
      )
  })
})
