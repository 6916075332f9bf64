/** Issue 9, E.51: pages that ask for trust showed neither the End-User nor the application nor the provider as a picture. */
import { expect, test } from 'bun:test'
import { iconMarkup } from '../../src/html/icon.ts'
import { User } from '../../src/models/user.ts'
import { authorizationUrl } from '../support/client.ts'
import { operatorClient } from '../support/flow.ts'
import { alice, type Person, person } from '../support/person.ts'
import { type Provider, provider } from '../support/provider.ts'
import { withPassword } from '../support/authenticator.ts'

const consentOf = async (op: Provider, who: Person, metadata: { client_id: string; logo_uri?: string }) => {
  const client = await operatorClient(op, { client_name: 'Prints', ...metadata })
  return (await who.open(authorizationUrl(op.issuer, client, { scope: 'openid email' }).url)).page!
}

const withPicture = (op: Provider, picture: string) =>
  User.update(op.context, 'user-alice', (user) => ({
    ...user,
    claims: { ...user.claims, name: 'Alice Adams', picture },
  }))

test('the consent page shows the logo of the application and the initials of the End-User', async () => {
  const op = await provider()
  const who = person(op.issuer, op.fetch)
  await withPassword(who, alice)
  const { html } = await consentOf(op, who, { client_id: 'a', logo_uri: 'https://prints.example/logo.png' })
  expect(html).toContain('<img class="client_logo" src="https://prints.example/logo.png"')
  expect(html).toContain('<span class="avatar" aria-hidden="true">AA</span>')
  expect(html).toContain(iconMarkup('mail')!)
})

test('an application without a logo has a sign, and a picture comes from this provider alone', async () => {
  const op = await provider()
  const who = person(op.issuer, op.fetch)
  await withPassword(who, alice)
  await withPicture(op, 'https://people.example/alice.png')
  const elsewhere = await consentOf(op, who, { client_id: 'a' })
  expect(elsewhere.html).toContain(`<span class="tile">${iconMarkup('app-window')}</span>`)
  expect(elsewhere.html).not.toContain('people.example')
  expect(elsewhere.headers.get('content-security-policy')).toContain("img-src 'self';")
  for (const stranger of [`${op.issuer}.evil.example/x.png`, `${op.issuer}@evil.example/x.png`]) {
    await withPicture(op, stranger)
    expect((await consentOf(op, who, { client_id: stranger })).html).not.toContain('evil.example/x.png')
  }
  await withPicture(op, `${op.issuer}/avatar/mine`)
  const own = await consentOf(op, who, { client_id: 'b' })
  expect(own.html).toContain(`<img class="avatar" src="${op.issuer}/avatar/mine"`)
})

test('a provider to sign in with has its mark, or a building, on its button', async () => {
  const env = {
    UPSTREAM_GITHUB_CLIENT_ID: 'x',
    UPSTREAM_GITHUB_CLIENT_SECRET: 'y',
    UPSTREAM_MICROSOFT_CLIENT_ID: 'x',
    UPSTREAM_MICROSOFT_CLIENT_SECRET: 'y',
  }
  const op = await provider({ env })
  const { html } = (await person(op.issuer, op.fetch).open('/login')).page!
  expect(html).toContain(`${iconMarkup('mark-github')}<span>Continue with <bdi>GitHub</bdi></span>`)
  expect(html).toContain(`${iconMarkup('building-2')}<span>Continue with <bdi>Microsoft</bdi></span>`)
})

test('a session has the sign of its device and the mark of its browser', async () => {
  const op = await provider()
  const agent =
    'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1'
  const who = person(op.issuer, (url, init) =>
    op.fetch(url, {
      ...init,
      headers: { ...Object.fromEntries(new Headers(init?.headers)), 'user-agent': agent },
    }),
  )
  await withPassword(who, alice)
  const { html } = (await who.open('/account/sessions')).page!
  expect(html).toContain(`<span class="tile">${iconMarkup('smartphone')}`)
  expect(html).toContain(iconMarkup('mark-safari')!)
})
