/** Time steps, keys for apps, recovery codes and the request to a gateway. https://www.rfc-editor.org/rfc/rfc6238#appendix-B */
import { describe, expect, test } from 'bun:test'
import { smsRequest } from '../../../src/features/second_factor/sms.ts'
import { keyUri, qrCode, stepOf } from '../../../src/features/second_factor/totp.ts'
import { base32 } from '../../../src/lib/base32.ts'
import rfc6238 from '../../vectors/rfc6238.json'

const vector = rfc6238['Appendix B: SHA-1']
const seed = base32(Buffer.from(vector.secret))

describe('time steps', () => {
  test.each(vector.codes)(
    'Appendix B at $time: its last six digits name its step',
    async ({ time, totp }) => {
      // Six digits are the eight of the vector modulo 10^6 (RFC 4226 §5.3).
      expect(await stepOf(seed, totp.slice(-6), time)).toBe(Math.floor(time / 30))
    },
  )

  test('one step of drift each way names the step of the code, two do not', async () => {
    const { time, totp } = vector.codes[3]!
    const code = totp.slice(-6)
    const step = Math.floor(time / 30)
    const start = step * 30
    for (const now of [start - 30, start - 1, start, start + 29, start + 30, start + 59])
      expect([now, await stepOf(seed, code, now)]).toEqual([now, step])
    for (const now of [start - 31, start + 60]) expect(await stepOf(seed, code, now)).toBeUndefined()
  })

  test('blanks are no matter; anything but six digits is no code', async () => {
    const { time, totp } = vector.codes[1]!
    const code = totp.slice(-6)
    expect(await stepOf(seed, ` ${code.slice(0, 3)} ${code.slice(3)}\n`, time)).toBeDefined()
    for (const odd of ['', '12345', `${code}0`, totp, 'abcdef', `-${code.slice(1)}`, '١٢٣٤٥٦', '1e5000'])
      expect([odd, await stepOf(seed, odd, time)]).toEqual([odd, undefined])
  })
})

test('the key as apps read it, names escaped, and its picture', async () => {
  const uri = await keyUri('Ada & Co: Größe', 'a:b@example.com', seed)
  expect(uri).toStartWith('otpauth://totp/')
  const { pathname, searchParams } = new URL(uri)
  expect(decodeURIComponent(pathname)).toContain('Ada & Co')
  expect(searchParams.get('secret')).toBe(seed)
  expect(searchParams.get('issuer')).toBe('Ada & Co: Größe')
  const svg = await qrCode(uri)
  expect(svg).toStartWith('<svg')
  expect(svg).not.toContain('<script')
})

test('base32 as RFC 4648 §10 prints it', () => {
  expect(base32(Buffer.from(''))).toBe('')
  expect(base32(Buffer.from('fooba'))).toBe('MZXW6YTB')
  expect(seed).toBe('GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ')
})

describe('the request to a gateway', () => {
  const settings = { url: 'https://sms.example/send', method: 'POST', token: undefined } as const
  const nasty = '12 "quoted"\\\n{to}&to=+1'

  test('JSON stays JSON whatever the text holds', () => {
    const { options } = smsRequest({ ...settings, body: '{"a":["{to}"],"b":"{text}"}' }, '+4917', nasty)
    expect(JSON.parse(options.body!)).toEqual({ a: ['+4917'], b: nasty })
    expect(options.headers).toEqual({ 'content-type': 'application/json' })
  })

  test('a form stays a form', () => {
    const { options } = smsRequest(
      { ...settings, body: 'to={to}&m={text}', token: 'secret-token' },
      '+4917',
      nasty,
    )
    expect(Object.fromEntries(new URLSearchParams(options.body))).toEqual({ to: '+4917', m: nasty })
    expect(options.headers).toEqual({
      authorization: 'Bearer secret-token',
      'content-type': 'application/x-www-form-urlencoded',
    })
  })

  test('GET fills the query and sends no body', () => {
    const { url, options } = smsRequest(
      { ...settings, method: 'GET', url: 'https://sms.example/send?to={to}&m={text}', body: '{}' },
      '+4917',
      nasty,
    )
    expect(Object.fromEntries(new URL(url).searchParams)).toEqual({ to: '+4917', m: nasty })
    expect(options).toEqual({ purpose: 'sms', method: 'GET', headers: {} })
  })
})
