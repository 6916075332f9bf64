/**
 * Issue 8, 76: `acr_values` that could not be met were answered with a token of the old level, which the API refuses again,
 * and so on. RFC 9470 §5: unmet_authentication_requirements.
 */
import { describe, expect, test } from 'bun:test'
import { pageOf, stageWithApp } from '../support/authenticator.ts'
import { claimsOf } from '../support/client.ts'
import {
  alice,
  browser,
  demo,
  minute,
  open,
  operatorClient,
  outcome,
  stage,
  tokensOf,
} from '../support/flow.ts'
import { provider } from '../support/provider.ts'

const two = 'urn:latchkey:2fa'
const unmet = 'error:unmet_authentication_requirements'

describe('acr_values that cannot be met', () => {
  const levels = ['phr', 'gold', 'phr gold', 'urn:example:hardware urn:example:two']
  test.each(levels)('%s', async (acr_values) => {
    const { op, alice } = await stage({ env: { SECOND_FACTORS: 'totp' } })
    expect(await outcome(op, alice, { acr_values })).toBe(unmet)
    expect(await outcome(op, alice, { acr_values, prompt: 'none' })).toBe(unmet)
    const fresh = await operatorClient(op, { client_id: `fresh-${levels.indexOf(acr_values)}` })
    expect(await outcome(op, alice, { acr_values }, fresh)).toBe(unmet)
  })

  test('because the End-User has no second factor and declines to set one up, or is not asked', async () => {
    const { op, alice } = await stage()
    expect(await outcome(op, alice, { acr_values: two, prompt: 'none' })).toBe(unmet)
    const page = pageOf(await open(op, alice, { acr_values: two }))
    const { location } = await alice.press(page, 'decline')
    expect(location?.searchParams.get('error')).toBe('unmet_authentication_requirements')
  })

  test('after a sign-in, not before: the error tells a stranger nothing', async () => {
    const { op } = await stage({ env: { SECOND_FACTORS: 'totp' } })
    const who = browser(op)
    expect(await outcome(op, who, { acr_values: 'phr', prompt: 'none' })).toBe('error:login_required')
    const { location } = await who.press(pageOf(await open(op, who, { acr_values: 'phr' })), 'login', alice)
    expect(location?.searchParams.get('error')).toBe('unmet_authentication_requirements')
  })
})

test('what the End-User can reach by a page is login_required with prompt=none', async () => {
  const { op, alice } = await stageWithApp()
  op.clock.advance(30 * minute)
  expect(await outcome(op, alice, { acr_values: two, prompt: 'none' })).toBe('error:login_required')
  expect(await outcome(op, alice, { acr_values: `gold ${two}` })).toBe('second-factor/totp')
})

test('one value that is reached is enough, and a wish stays a wish', async () => {
  const { op, alice } = await stage()
  const tokens = await tokensOf(op, alice, demo, { acr_values: 'gold urn:latchkey:1fa' })
  expect(claimsOf(tokens.id_token).acr).toBe('urn:latchkey:1fa')
  const claims = JSON.stringify({ id_token: { acr: { values: ['gold'] } } })
  expect(await outcome(op, alice, { claims, prompt: 'none' })).toBe('code')
  const wishing = await operatorClient(op, { client_id: 'wishing', default_acr_values: ['gold'] })
  await tokensOf(op, alice, wishing)
  expect(await outcome(op, alice, { prompt: 'none' }, wishing)).toBe('code')
  expect(await outcome(op, alice, { acr_values: ' ', prompt: 'none' })).toBe('code')
})

test('PROFILE=classic ignores values that are all unknown, as the certification wants, and no others', async () => {
  const op = await provider({ env: { PROFILE: 'classic', SECOND_FACTORS: 'totp' } })
  const who = browser(op)
  const tokens = await tokensOf(op, who, demo, { acr_values: '1 2' })
  expect(claimsOf(tokens.id_token).acr).toBe('urn:latchkey:1fa')
  expect(await outcome(op, who, { acr_values: 'phr' })).toBe(unmet)
  const claims = JSON.stringify({ id_token: { acr: { essential: true, values: ['1'] } } })
  expect(await outcome(op, who, { claims })).toBe(unmet)
})
