/** A form of another site to a page of /account, /device, /approvals or /verify_email replaced the cookie of the browser. Issue 8, A.5 */
import { expect, test } from 'bun:test'
import { authorizationUrl, demo } from '../support/client.ts'
import { alice, browser } from '../support/flow.ts'
import { provider } from '../support/provider.ts'

const paths = [
  '/device',
  '/approvals',
  '/verify_email',
  '/account/password',
  '/account/sessions',
  '/account/factors',
  '/account/passkeys/add',
  '/account/data/delete',
]

/** A navigation by POST from another site carries no cookie of ours (SameSite=Lax), yet a browser keeps those of the answer. */
test.each(paths)('a foreign form at %s leaves the sign-in that is open in the browser', async (path) => {
  const op = await provider()
  const who = browser(op)
  const page = (await who.open(authorizationUrl(op.issuer, demo).url)).page!
  const attempts: Record<string, string>[] = [
    { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' },
    { origin: 'null' }, // without a referrer, from a browser that knows no Sec-Fetch-Site
  ]
  for (const origin of attempts) {
    const answer = await op.fetch(path, {
      method: 'POST',
      body: 'user_code=BCDF-GHJK',
      headers: { 'content-type': 'application/x-www-form-urlencoded', ...origin },
    })
    for (const line of answer.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]*)=([^;]*)/.exec(line) ?? []
      who.cookies.set(name, value)
    }
  }
  expect((await who.press(page, 'login', alice)).page?.status ?? 200).toBe(200)
})
