/** HSTS said includeSubDomains whatever the operator wanted, so an issuer at example.com forbade http to every host below it. */
import { expect, test } from 'bun:test'
import { provider } from '../support/provider.ts'

test.each([
  [undefined, 'max-age=31536000; includeSubDomains'],
  ['subdomains', 'max-age=31536000; includeSubDomains'],
  ['host', 'max-age=31536000'],
  ['preload', 'max-age=63072000; includeSubDomains; preload'],
  ['off', null],
])('HSTS=%s: %s', async (setting, expected) => {
  const env = setting === undefined ? {} : { HSTS: setting }
  const tls = await provider({ env: { ISSUER_URL: 'https://example.com', ...env } })
  for (const path of ['/', '/jwks.json', '/nothing', '/login'])
    expect((await tls.fetch(path)).headers.get('strict-transport-security')).toBe(expected)
  const plain = await provider({ env })
  expect((await plain.fetch('/')).headers.has('strict-transport-security')).toBe(false)
})
