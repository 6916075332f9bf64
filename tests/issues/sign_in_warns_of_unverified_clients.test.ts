/**
 * Issue 8, A.23: the page that asks for the password named a self-registered client by the name that it chose. The
 * warning and its host stood on the consent page alone, after the password.
 */
import { expect, test } from 'bun:test'
import { authorizationUrl, demo } from '../support/client.ts'
import { pageOf } from '../support/authenticator.ts'
import { alice, authorize, browser } from '../support/flow.ts'
import { provider } from '../support/provider.ts'
import { registered } from '../support/registration.ts'

const op = await provider({ env: { REGISTRATION: 'open' } })
const warning = 'This app hasn’t been verified.'

const metadata = {
  redirect_uris: ['https://first.example/cb', 'https://second.example/cb'],
  token_endpoint_auth_method: 'client_secret_basic',
}

async function signInPage(name: string | undefined, redirectUri: string) {
  const made = await registered(op, { ...metadata, ...(name !== undefined && { client_name: name }) })
  const who = browser(op)
  const { url } = authorizationUrl(op.issuer, {
    ...demo,
    client_id: String(made.client_id),
    redirect_uri: redirectUri,
  })
  return { who, page: pageOf(await who.open(url)) }
}

for (const redirectUri of metadata.redirect_uris)
  for (const name of ['Your Bank', undefined])
    test(`the sign-in page of ${name ?? 'a client without a name'} warns of ${redirectUri}`, async () => {
      const { who, page } = await signInPage(name, redirectUri)
      expect(page.html).toContain('type="password"')
      const head = page.html.slice(0, page.html.indexOf('type="password"'))
      expect(head).toContain(warning)
      expect(head).toContain(`<bdi class="host">${new URL(redirectUri).host}</bdi>`)
      expect(head.indexOf(warning)).toBeLessThan(head.indexOf('name="username"'))
      const wrong = pageOf(await who.press(page, 'login', { ...alice, password: 'wrong' }))
      expect(wrong.html.slice(0, wrong.html.indexOf('type="password"'))).toContain(warning)
    })

test('the choice of an account warns too', async () => {
  const made = await registered(op, { ...metadata, client_name: 'Your Bank' })
  const who = browser(op)
  await authorize(op, who, demo)
  const { url } = authorizationUrl(
    op.issuer,
    {
      ...demo,
      client_id: String(made.client_id),
      redirect_uri: 'https://second.example/cb',
    },
    { prompt: 'select_account' },
  )
  const { html } = pageOf(await who.open(url))
  expect(html).toContain('name="continue"')
  expect(html.slice(0, html.indexOf('name="continue"'))).toContain(warning)
  expect(html).toContain('<bdi class="host">second.example</bdi>')
})

test('a client of the operator has no warning', async () => {
  const { html } = pageOf(await browser(op).open(authorizationUrl(op.issuer, demo).url))
  expect(html).toContain('type="password"')
  expect(html).not.toContain(warning)
})
