/** Resource indicators: a token for one API is worth nothing at another. https://www.rfc-editor.org/rfc/rfc8707 */
import { expect, test } from 'bun:test'
import { authorizationUrl, claimsOf, demo, formPost, type Json } from '../support/client.ts'
import { person } from '../support/person.ts'
import { type Provider, provider } from '../support/provider.ts'

const [notes, mail] = ['https://notes.example/api', 'https://mail.example/api']
const RESOURCES = `${notes} ${mail}`

/** `resource` may come more than once, so the forms are written out. */
async function codeFor(op: Provider, resources: string[]) {
  const { url, code_verifier } = authorizationUrl(op.issuer, demo)
  const more = resources.map((each) => `&resource=${encodeURIComponent(each)}`).join('')
  const location = await person(op.issuer, op.fetch).goThrough(url + more)
  const fields = {
    grant_type: 'authorization_code',
    code: location.searchParams.get('code') ?? '',
    redirect_uri: demo.redirect_uri,
    code_verifier,
  }
  return { fields, error: location.searchParams.get('error') }
}

async function token(op: Provider, fields: Record<string, string>, resources: string[] = []) {
  const init = formPost(demo, fields)
  const body = String(init.body) + resources.map((each) => `&resource=${encodeURIComponent(each)}`).join('')
  const answer = await op.fetch('/token', { ...init, body })
  return { status: answer.status, body: (await answer.json()) as Json }
}

test('the audience is what was asked for, narrowed at each token request', async () => {
  const op = await provider({ env: { RESOURCES } })
  const { fields } = await codeFor(op, [notes, mail])
  const first = await token(op, fields, [notes])
  expect(claimsOf(first.body.access_token).aud).toBe(notes)
  const refresh = (resources: string[], from: Json) =>
    token(op, { grant_type: 'refresh_token', refresh_token: String(from.refresh_token) }, resources)
  const second = await refresh([mail], first.body)
  expect(claimsOf(second.body.access_token).aud).toBe(mail)
  const third = await refresh([], second.body)
  expect(claimsOf(third.body.access_token).aud).toEqual([notes, mail])
  const wider = await refresh(['https://bank.example'], third.body)
  expect([wider.status, wider.body.error]).toEqual([400, 'invalid_target'])
  expect((await refresh([notes], third.body)).status).toBe(200) // the refusal did not spend the token
})

for (const format of ['jwt', 'opaque'])
  test(`a ${format} token for an API opens neither userinfo nor another API`, async () => {
    const op = await provider({ env: { RESOURCES, ACCESS_TOKEN_FORMAT: format } })
    const { fields } = await codeFor(op, [notes])
    const { body } = await token(op, fields)
    const refused = await op.fetch('/userinfo', { headers: { authorization: `Bearer ${body.access_token}` } })
    expect(refused.status).toBe(401)
    const introspected = (await (
      await op.fetch('/introspect', formPost(demo, { token: String(body.access_token) }))
    ).json()) as Json
    expect(introspected).toMatchObject({ active: true, aud: notes })
  })

test('a bad target is invalid_target, at both endpoints, and does not spend the code', async () => {
  const op = await provider({ env: { RESOURCES } })
  for (const bad of [
    'https://bank.example',
    'notes',
    'https://notes.example/api#x',
    'http://notes.example/api',
    'javascript:alert(1)',
  ])
    expect([bad, (await codeFor(op, [bad])).error]).toEqual([bad, 'invalid_target'])
  const { fields } = await codeFor(op, [notes])
  expect((await token(op, fields, [mail])).body.error).toBe('invalid_target')
  expect((await token(op, fields, [notes])).status).toBe(200)
})

test('a client asks for itself too', async () => {
  const op = await provider({ env: { RESOURCES } })
  const { body } = await token(op, { grant_type: 'client_credentials' }, [notes])
  expect(claimsOf(body.access_token).aud).toBe(notes)
})
