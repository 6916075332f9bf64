/** The request objects that RFC 9101 and OpenID Connect Core print, by the keys printed beside them. https://www.rfc-editor.org/rfc/rfc9101#section-4, https://openid.net/specs/openid-connect-core-1_0.html#RequestParameter */
import { describe, expect, test } from 'bun:test'
import { compactVerify, importJWK } from 'jose'
import type { Params } from '../../src/auth/params.ts'
import { readRequestObject } from '../../src/features/request_objects/read.ts'
import { Client } from '../../src/models/client.ts'
import { browser, operatorClient } from '../support/flow.ts'
import { type Provider, provider } from '../support/provider.ts'
import vectors from './rfc9101.json' with { type: 'json' }

const issuer = 'https://server.example.com'

/** The server and the client of the examples. */
async function start(jwk: (typeof vectors)['RFC 9101 §4: a signed request object']['jwk'], at = issuer) {
  const op = await provider({ env: { ISSUER_URL: at } })
  await operatorClient(op, {
    client_id: 's6BhdRkqt3',
    redirect_uris: ['https://client.example.org/cb'],
    response_types: ['code', 'code id_token'],
    grant_types: ['authorization_code', 'implicit'],
    require_pkce: false,
    jwks: { keys: [{ ...jwk, kty: 'RSA' }] },
  })
  return op
}

async function read(op: Provider, request: string): Promise<Params> {
  const client = (await Client.find(op.context, 's6BhdRkqt3'))!
  const how = { strict: false, unsigned: false }
  const { params, refused } = await readRequestObject(request, client, op.context, how)
  if (refused) throw refused
  return params
}

for (const [name, { jwk, request, params }] of Object.entries(vectors))
  describe(name, () => {
    test('verifies by the key beside it', async () => {
      const { payload } = await compactVerify(request, await importJWK(jwk, 'RS256'))
      expect(JSON.parse(Buffer.from(payload).toString())).toMatchObject({ iss: 's6BhdRkqt3', aud: issuer })
    })

    test('is read as the request it stands for', async () => {
      expect(await read(await start(jwk), request)).toEqual(params)
    })

    test('goes from the authorization endpoint to the client', async () => {
      const op = await start(jwk)
      const location = await browser(op).goThrough(
        `${issuer}/authorize?${new URLSearchParams({ client_id: params.client_id, request })}`,
      )
      const answer = new URLSearchParams(location.hash.slice(1))
      expect(location.origin + location.pathname).toBe(params.redirect_uri)
      expect([...answer.keys()]).toEqual(expect.arrayContaining(['code', 'id_token']))
      expect(answer.get('state')).toBe(params.state)
    })

    test('is refused when a byte differs, by another key, at another server, and where signing is strict', async () => {
      const [header, payload = '', signature] = request.split('.')
      const bent = Buffer.from(payload, 'base64url').toString().replace('client.example', 'cl1ent.example')
      const swapped = [header, Buffer.from(bent).toString('base64url'), signature].join('.')
      const refused = expect.objectContaining({ code: 'invalid_request_object' })
      const other = Object.values(vectors).find((each) => each.jwk.n !== jwk.n)!
      expect(await read(await start(jwk), swapped).catch((error: unknown) => error)).toEqual(refused)
      expect(await read(await start(other.jwk), request).catch((error: unknown) => error)).toEqual(refused)
      const elsewhere = await start(jwk, 'https://other.example.com')
      expect(await read(elsewhere, request).catch((error: unknown) => error)).toEqual(refused)
      const op = await start(jwk)
      const client = (await Client.find(op.context, 's6BhdRkqt3'))!
      const strictly = readRequestObject(request, client, op.context, { strict: true, unsigned: false })
      expect((await strictly).refused).toEqual(refused) // neither nbf nor exp
    })
  })
