/** Scopes of one's own: attributes of a person as claims, in the words of the operator on the consent page. */
import { describe, expect, test } from 'bun:test'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { claimsOf } from '../../src/grants/person.ts'
import { Client } from '../../src/models/client.ts'
import { User } from '../../src/models/user.ts'
import { browser, open, operatorClient } from '../support/flow.ts'
import { alice } from '../support/person.ts'
import { provider } from '../support/provider.ts'

const scopes = {
  organization: {
    description: 'See which organisation you belong to',
    claims: { organization: 'organization', custom_role: 'custom_role' },
  },
  permissions: { description: 'See what you may do', claims: { permissions: 'permissions', roles: 'roles' } },
}
const env = { CUSTOM_SCOPES: JSON.stringify(scopes) }

test('attributes become claims, in discovery too; what a person lacks is left out', async () => {
  const op = await provider({ env })
  const discovery = (await (await op.fetch('/.well-known/openid-configuration')).json()) as Record<
    string,
    string[]
  >
  expect(discovery.scopes_supported).toContain('organization')
  expect(discovery.claims_supported).toContain('custom_role')
  const alice = (await User.findByUsername(op.context, 'alice'))!
  const user = await User.update(op.context, alice.sub, (current) => ({
    ...current,
    roles: ['editor'],
    attributes: {
      custom_role: 'admin',
      permissions: ['read', 'write'],
      roles: ['root'],
      email: 'evil@example.com',
      __proto__: { organization: 'inherited' },
    },
  }))
  const client = (await Client.find(op.context, 'client123'))!
  const claims = await claimsOf(user!, client, op.context)
  expect(claims).toMatchObject({ custom_role: 'admin', permissions: ['read', 'write'], roles: ['editor'] })
  expect(claims.email).toBe('alice@example.com')
  expect(claims.organization).toBeUndefined()
  expect(op.context.scopeDescriptions.permissions).toBe('See what you may do')
})

test('they may stand in a file', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-scopes-'))
  try {
    const path = join(folder, 'scopes.json')
    writeFileSync(path, JSON.stringify(scopes))
    expect((await provider({ env: { CUSTOM_SCOPES: path } })).context.scopes).toContain('permissions')
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('the consent page has their words in the language of the person, else in English, else those that there are', async () => {
  const claims = { organization: 'organization' }
  const words = {
    organization: { description: { en: 'See your organisation', de: 'Ihre Organisation <sehen>' }, claims },
    crane: { description: { de: 'Ihren Kran sehen' }, claims },
  }
  const op = await provider({ env: { CUSTOM_SCOPES: JSON.stringify(words) } })
  const client = await operatorClient(op, { client_id: 'crane', scope: 'openid organization crane' })
  for (const [ui_locales, text] of [
    ['de', 'Ihre Organisation &lt;sehen&gt;'],
    ['fr', 'See your organisation'],
  ] as const) {
    const who = browser(op)
    const login = await open(op, who, { scope: 'openid organization crane', ui_locales }, client)
    const { page } = await who.press(login.page!, 'login', alice)
    expect(page?.html).toContain(text)
    expect(page?.html).toContain('Ihren Kran sehen')
  }
})

describe('refused at boot', () => {
  const one = (claims: Record<string, unknown>, scope = 'x') =>
    JSON.stringify({ [scope]: { description: 'x', claims } })
  test.each([
    ['no JSON', '{organization', 'expected JSON'],
    ['no such file', '/nowhere/at/all.json', 'ENOENT'],
    ['a list', '[]', 'CUSTOM_SCOPES'],
    ['a standard scope', one({ a: 'a' }, 'profile'), 'standard scope'],
    ['openid', one({ a: 'a' }, 'openid'), 'standard scope'],
    ['a scope with a space', one({ a: 'a' }, 'a b'), 'without spaces'],
    ['a standard claim', one({ email: 'a' }), 'standard claim'],
    ['a claim of the token', one({ iss: 'a' }), 'standard claim'],
    ['the subject', one({ sub: 'a' }), 'standard claim'],
    ['no attribute', one({ a: '' }), 'name an attribute'],
    ['no words', JSON.stringify({ x: { description: '', claims: { a: 'a' } } }), 'consent page'],
    [
      'no words in any language',
      JSON.stringify({ x: { description: {}, claims: {} } }),
      'expected a description',
    ],
    [
      'a language that we do not speak',
      JSON.stringify({ x: { description: { xx: 'x' }, claims: {} } }),
      'x.description',
    ],
    ['a member nobody knows', JSON.stringify({ x: { description: 'x', claims: {}, claim: {} } }), 'claim'],
  ])('%s', async (_, text, words) => {
    await expect(provider({ env: { CUSTOM_SCOPES: text } })).rejects.toThrow(words)
  })
})
