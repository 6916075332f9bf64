/** Rich authorization requests: the person reads what is asked, the token says what was granted. https://www.rfc-editor.org/rfc/rfc9396 */
import { expect, test } from 'bun:test'
import { Client } from '../../src/models/client.ts'
import { alice, person } from '../support/person.ts'
import { authorizationUrl, claimsOf, demo, formPost, type Json } from '../support/client.ts'
import { provider } from '../support/provider.ts'

const payment = {
  type: 'payment_initiation',
  actions: ['initiate'],
  instructedAmount: { currency: 'EUR', amount: '123.50' },
  creditorName: '<b>Merchant</b>',
}
const account = {
  type: 'account_information',
  actions: ['list_accounts', 'read_balances'],
  locations: ['https://bank.example/accounts'],
}
const env = {
  AUTHORIZATION_DETAILS_TYPES: JSON.stringify({
    payment_initiation: {
      members: {
        actions: {},
        instructedAmount: { type: 'object', members: { currency: {}, amount: {} } },
        creditorName: {},
      },
    },
    account_information: { members: { actions: {}, locations: {} } },
  }),
}

test('shown on the consent page in words, asked each time, carried by the token, narrowed at the token endpoint', async () => {
  const op = await provider({ env })
  const visitor = person(op.issuer, op.fetch)
  const ask = () =>
    authorizationUrl(op.issuer, demo, { authorization_details: JSON.stringify([payment, account]) })
  const { url, code_verifier } = ask()
  const login = await visitor.open(url)
  const consent = await visitor.press(login.page!, 'login', alice)
  for (const words of [
    'payment initiation',
    'initiate',
    'EUR',
    '123.50',
    'read_balances',
    'https://bank.example/accounts',
  ])
    expect(consent.page!.html).toContain(words)
  expect(consent.page!.html).not.toContain('<b>Merchant')
  const { location } = await visitor.press(consent.page!, 'allow')
  const fields = {
    grant_type: 'authorization_code',
    code: location!.searchParams.get('code')!,
    redirect_uri: demo.redirect_uri,
    code_verifier,
  }
  const wider = await op.fetch(
    '/token',
    formPost(demo, {
      ...fields,
      authorization_details: JSON.stringify([{ ...payment, creditorName: 'Thief' }]),
    }),
  )
  expect(((await wider.json()) as Json).error).toBe('invalid_authorization_details')
  const answer = await op.fetch(
    '/token',
    formPost(demo, { ...fields, authorization_details: JSON.stringify([account]) }),
  )
  const tokens = (await answer.json()) as Json
  expect(tokens.authorization_details).toEqual([account])
  expect(claimsOf(tokens.access_token).authorization_details).toEqual([account])
  const introspected = await op.fetch('/introspect', formPost(demo, { token: String(tokens.access_token) }))
  expect(await introspected.json()).toMatchObject({ active: true, authorization_details: [account] })

  const again = await visitor.open(ask().url)
  expect(again.page!.forms.flatMap((form) => form.buttons)).toContain('allow')
})

test('what is malformed or unknown is invalid_authorization_details', async () => {
  const op = await provider({ env })
  const bad = [
    'nonsense',
    '{}',
    '[]',
    '[{}]',
    '[{"type":"other"}]',
    '[{"type":"account_information","actions":"all"}]',
    '[null]',
    `[${'{"type":"account_information"},'.repeat(20)}{"type":"account_information"}]`,
  ]
  for (const authorization_details of bad) {
    const refused = await op.fetch(authorizationUrl(op.issuer, demo, { authorization_details }).url)
    expect([
      authorization_details.slice(0, 40),
      new URL(refused.headers.get('location')!).searchParams.get('error'),
    ]).toEqual([authorization_details.slice(0, 40), 'invalid_authorization_details'])
  }
  const off = await provider()
  const refused = await off.fetch(
    authorizationUrl(off.issuer, demo, { authorization_details: JSON.stringify([account]) }).url,
  )
  expect(new URL(refused.headers.get('location')!).searchParams.get('error')).toBe(
    'invalid_authorization_details',
  )
})

test('asked even of the house\u2019s own applications, and an error where nobody may be asked', async () => {
  const op = await provider({ env })
  await Client.update(op.context, demo.client_id, (client) => ({ ...client, first_party: true }))
  op.context.clients.forget(demo.client_id)
  const visitor = person(op.issuer, op.fetch)
  const details = { authorization_details: JSON.stringify([account]) }
  const login = await visitor.open(authorizationUrl(op.issuer, demo, details).url)
  const consent = await visitor.press(login.page!, 'login', alice)
  expect(consent.page!.forms.flatMap((form) => form.buttons)).toContain('allow')
  const silent = await visitor.open(authorizationUrl(op.issuer, demo, { ...details, prompt: 'none' }).url)
  expect(silent.location!.searchParams.get('error')).toBe('consent_required')
  const plain = await visitor.open(authorizationUrl(op.issuer, demo, { prompt: 'none' }).url)
  expect(plain.location!.searchParams.get('code')).not.toBeNull()
})
