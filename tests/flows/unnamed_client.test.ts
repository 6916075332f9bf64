/** A client without a name: pages name the host that its answers go to, for its client_id tells an End-User nothing. */
import { expect, test } from 'bun:test'
import { authorizationUrl, demo } from '../support/client.ts'
import { browser, operatorClient } from '../support/flow.ts'
import { mailsOf } from '../support/mailbox.ts'
import { alice, type Page, type Person } from '../support/person.ts'
import { type Provider, provider } from '../support/provider.ts'

const client_id = 'PzQtcQBXnobody'
const plain = ({ html }: Page) => html.replaceAll(/<\/?bdi[^>]*>/g, '')

const asking = (op: Provider, who: Person, redirect_uri: string) =>
  who.open(authorizationUrl(op.issuer, { client_id, redirect_uri }).url)

async function consentOf(op: Provider, who: Person, redirect_uri: string): Promise<string> {
  const { page } = await asking(op, who, redirect_uri)
  const consent = page!.url.includes('/login') ? (await who.press(page!, 'login', alice)).page! : page!
  return plain(consent)
}

test('sign-in, consent, the list of apps, sign-out and the mail name its host', async () => {
  const op = await provider()
  await operatorClient(op, { client_id, redirect_uris: [demo.redirect_uri] })
  const host = new URL(demo.redirect_uri).host
  const who = browser(op)
  const login = (await asking(op, who, demo.redirect_uri)).page!
  expect(plain(login)).toContain(`to continue to Unnamed app (${host})`)
  const consent = (await who.press(login, 'login', alice)).page!
  expect(plain(consent)).toContain(`Unnamed app (${host}) wants to access your account`)
  await who.press(consent, 'allow')
  const apps = (await who.open('/account/applications')).page!
  expect(plain(apps)).toContain(`aria-label="Remove access: Unnamed app (${host})"`)
  const logout = (await who.open('/logout')).page!
  expect(plain(logout)).toContain(`<li>Unnamed app (${host})</li>`)
  await who.press(apps, 'withdraw')
  const mails = (await mailsOf(op)).map(({ text }) => text).join('\n')
  expect(mails).toContain(`The app ${host} no longer has access to your account.`)
  for (const text of [plain(login), plain(consent), plain(logout), mails])
    expect(text).not.toContain(client_id)
})

test('of several addresses consent names the one that this answer goes to', async () => {
  const op = await provider()
  const [bank, shop, app] = ['https://bank.example/cb', 'https://shop.example/cb', 'com.example.app:/cb']
  await operatorClient(op, { client_id, redirect_uris: [bank, shop, app] })
  const who = browser(op)
  expect(await consentOf(op, who, shop)).toContain('Unnamed app (shop.example) wants')
  expect(await consentOf(op, who, app)).toContain('Unnamed app (com.example.app) wants')
})

test('the overview of the account counts apps: none, one, many', async () => {
  const op = await provider()
  const who = browser(op)
  const overview = async () => plain((await who.open('/account')).page!)
  await who.press((await who.open('/login')).page!, 'login', alice)
  expect(await overview()).toContain('No apps have access to your account.')
  expect(await overview()).not.toMatch(/>\s*0 /)
  const agree = async (name: string) => {
    const client = await operatorClient(op, { client_id: name, client_name: name })
    await who.goThrough(authorizationUrl(op.issuer, client).url)
  }
  await agree('first')
  expect(await overview()).toContain('1 app has access to your account.')
  await agree('second')
  expect(await overview()).toContain('2 apps have access to your account.')
})
