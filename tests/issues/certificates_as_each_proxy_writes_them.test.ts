/** A client certificate was read as RFC 9440 and nginx write it, and not as Envoy, Traefik, Caddy, HAProxy and Apache do. */
import { afterAll, describe, expect, test } from 'bun:test'
import { certificateFormats, type FormatName } from '../../src/features/mutual_tls/certificate_formats.ts'
import { readCertificate, thumbprintOf } from '../../src/features/mutual_tls/certificate.ts'
import { featureNotes } from '../../src/table.ts'
import { ConfigError } from '../../src/config.ts'
import { operatorClient } from '../support/flow.ts'
import { makeAuthority } from '../support/client_certificates.ts'
import { formPost } from '../support/client.ts'
import { expectLinear } from '../support/linear.ts'
import { type Provider, provider, turnableClock } from '../support/provider.ts'

const authority = makeAuthority()
afterAll(() => authority.remove())
const ann = authority.issue('/O=Example/CN=ann', 'subjectAltName=DNS:ann.example')
const thief = authority.issue('/O=Example/CN=thief', 'subjectAltName=DNS:thief.example')

const base64 = ann.der.toString('base64')
const pem = `-----BEGIN CERTIFICATE-----\n${base64.replace(/.{64}/g, '$&\n')}\n-----END CERTIFICATE-----\n`
const otherPem = pem.replaceAll(base64.slice(0, 40), thief.der.toString('base64').slice(0, 40))
const escapedPem = encodeURIComponent(pem)
/** `url.QueryEscape` of Go. */
const queryEscaped = encodeURIComponent(base64)
const hash = 'a'.repeat(64)

/** As each proxy writes it: HAProxy 2.6, Apache 2.4 and Caddy 2.6 were recorded, Envoy and Traefik are from their documents. */
const written: Record<FormatName, readonly string[]> = {
  rfc9440: [`:${base64}:`],
  nginx: [escapedPem, escapedPem.replaceAll('%2F', '/').replaceAll('%3D', '=')],
  apache: [pem.trim().replaceAll('\n', ' '), pem.replaceAll('\n', ' ')],
  haproxy: [base64],
  caddy: [base64],
  traefik: [
    base64,
    queryEscaped,
    `${base64},${thief.der.toString('base64')}`,
    `${queryEscaped},${queryEscaped}`,
  ],
  envoy: [
    `Hash=${hash};Cert="${escapedPem}"`,
    `By=spiffe://a/b;Hash=${hash};Cert="${escapedPem}";Subject="CN=\\"ann\\",O=a; b,C=x";URI=;DNS=a.example`,
    `By="";Hash=${hash};Subject="";Chain="${encodeURIComponent(pem + otherPem)}"`,
    `Hash=${hash};Chain="${encodeURIComponent(otherPem)}";Cert="${escapedPem}"`,
    `cert=${escapedPem}`,
  ],
}

const noCertificate: Record<FormatName, readonly string[]> = {
  rfc9440: [''],
  nginx: [''],
  apache: ['', '(null)'],
  haproxy: [''],
  caddy: ['', '{http.request.tls.client.certificate_der_base64}'],
  traefik: [''],
  envoy: [''],
}

const names = Object.keys(certificateFormats) as FormatName[]

/** Formats whose values look alike: Base64 is one certificate of Traefik. */
const alike: Partial<Record<FormatName, readonly FormatName[]>> = {
  haproxy: ['caddy', 'traefik'],
  caddy: ['haproxy', 'traefik'],
  traefik: ['haproxy', 'caddy'],
}

const proxy = '10.1.2.3'
const start = (env: Record<string, string>) =>
  provider({
    clock: turnableClock(Date.now() + 60_000),
    env: { MUTUAL_TLS: 'true', TRUSTED_PROXIES: proxy, MTLS_CA_PATH: authority.caPath, ...env },
  })

async function started(env: Record<string, string>): Promise<Provider> {
  const op = await start(env)
  await operatorClient(op, {
    client_id: 'ann',
    grant_types: ['client_credentials'],
    token_endpoint_auth_method: 'tls_client_auth',
    tls_client_auth_san_dns: 'ann.example',
  })
  return op
}

const statusOf = async (op: Provider, headers: Record<string, string>, peer = proxy) =>
  (
    await op.fetch(
      '/token',
      formPost({ client_id: 'ann', redirect_uri: '' }, { grant_type: 'client_credentials' }, headers),
      peer,
    )
  ).status

describe.each(names)('%s', (name) => {
  const format = certificateFormats[name]

  test.each(written[name])('reads what the proxy writes: %#', (value) => {
    expect(thumbprintOf(readCertificate(format, value)!)).toBe(ann.thumbprint)
  })

  test.each(names.filter((each) => each !== name && !alike[name]?.includes(each)))(
    'refuses what %s writes',
    (other) => {
      for (const value of written[other]) expect(readCertificate(format, value)).toBeUndefined()
    },
  )

  test('refuses two headers in one, what is cut short, and what has more', () => {
    for (const value of written[name])
      for (const wrong of [
        `${value}, ${value}`,
        `forged, ${value}`,
        `${value},`,
        `,${value}`,
        ` x ${value}`,
        value.slice(0, 60),
        value.slice(0, -30).replace(/,.*/, '').slice(0, -30),
        `${value};x`,
        value.replaceAll('MII', 'MI'),
      ])
        expect([wrong, readCertificate(format, wrong)]).toEqual([wrong, undefined])
  })

  test('at /token: from the proxy alone, in its header alone', async () => {
    const op = await started({ MTLS_CLIENT_CERT_FORMAT: name })
    const { header } = format
    for (const value of written[name]) {
      expect(await statusOf(op, { [header]: value })).toBe(200)
      expect(await statusOf(op, { [header]: value }, '203.0.113.9')).toBe(401)
      expect(await statusOf(op, { 'x-other': value })).toBe(401)
    }
    for (const value of noCertificate[name]) expect(await statusOf(op, { [header]: value })).toBe(401)
    expect(await statusOf(op, {})).toBe(401)
    for (const other of names)
      if (certificateFormats[other].header !== header)
        expect(await statusOf(op, { [certificateFormats[other].header]: written[other][0]! })).toBe(401)
    expect(await statusOf(op, { [header]: 'nonsense' })).toBe(401)
  })

  test('with a header of another name', async () => {
    const op = await started({ MTLS_CLIENT_CERT_FORMAT: name, MTLS_CLIENT_CERT_HEADER: 'X-My_Certificate' })
    expect(await statusOf(op, { 'x-my_certificate': written[name][0]! })).toBe(200)
    expect(await statusOf(op, { [format.header]: written[name][0]! })).toBe(401)
  })

  test('config check says which header the proxy must remove', async () => {
    const { context } = await start({
      MTLS_CLIENT_CERT_FORMAT: name,
      MTLS_CLIENT_VERIFY_HEADER: 'X-Verified',
    })
    const notes = featureNotes(context.config).join('\n')
    expect(notes).toContain(format.header)
    expect(notes).toContain('x-verified')
    expect(notes).toMatch(/remove/)
  })

  test('reading takes linear time', async () => {
    const pieces = [
      ';a=b',
      '"',
      '\\"',
      'A',
      '%0A',
      ',',
      ' ',
      'Cert="',
      '-----BEGIN CERTIFICATE----- ',
      '\n',
      '=',
    ]
    for (const piece of pieces)
      for (const before of ['', ...written[name].map((value) => value.slice(0, 40))])
        await expectLinear(
          (size) => before + piece.repeat(size),
          (value) => format.read(value),
        )
  })
})

test.each(names)('%s: what says that the proxy has verified the certificate', async (name) => {
  const { header } = certificateFormats[name]
  const op = await started({
    MTLS_CLIENT_CERT_FORMAT: name,
    MTLS_CLIENT_VERIFY_HEADER: 'X-Verified',
    MTLS_CA_PATH: '',
  })
  const ask = (value: string | undefined, certificate = written[name][0]!) =>
    statusOf(op, { [header]: certificate, ...(value !== undefined && { 'x-verified': value }) })
  expect(await ask('SUCCESS')).toBe(200)
  expect(await ask('0')).toBe(name === 'haproxy' ? 200 : 401) // ssl_c_verify of HAProxy
  for (const value of ['NONE', 'FAILED', '21', '18', '', 'SUCCESS, SUCCESS', '0, 0', undefined])
    expect([value, await ask(value)]).toEqual([value, 401])
  for (const nothing of noCertificate[name]) expect(await ask('0', nothing)).toBe(401)
})

test('without a setting for the format, the header decides as before', async () => {
  const standard = await started({})
  expect(await statusOf(standard, { 'client-cert': written.rfc9440[0]! })).toBe(200)
  const named = await started({ MTLS_CLIENT_CERT_HEADER: 'X-SSL-Client-Cert' })
  expect(await statusOf(named, { 'x-ssl-client-cert': written.nginx[0]! })).toBe(200)
  expect(await statusOf(named, { 'client-cert': written.rfc9440[0]! })).toBe(401)
})

test('a format that does not exist, and one header for two things, stop the start', async () => {
  await expect(start({ MTLS_CLIENT_CERT_FORMAT: 'squid' })).rejects.toThrow(ConfigError)
  await expect(
    start({ MTLS_CLIENT_CERT_FORMAT: 'apache', MTLS_CLIENT_VERIFY_HEADER: 'SSL_CLIENT_CERT' }),
  ).rejects.toThrow('MTLS_CLIENT_VERIFY_HEADER')
})
