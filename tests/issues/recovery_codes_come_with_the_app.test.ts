/** The set-up of an authenticator app ends with recovery codes, and a code that was just proven is enough for more. Issue 9, 49 */
import { describe, expect, test } from 'bun:test'
import { RecoveryCodes } from '../../src/features/second_factor/recovery.ts'
import { Session } from '../../src/models/session.ts'
import {
  afterCodes,
  codeOf,
  freshCode,
  home,
  pageOf,
  pathOf,
  seedOn,
  setUpApp,
  showsCodes,
  withPassword,
} from '../support/authenticator.ts'
import { claimsOf } from '../support/client.ts'
import { browser, open, tokensOf } from '../support/flow.ts'
import { alice, type Page } from '../support/person.ts'
import { provider } from '../support/provider.ts'

const minute = 60_000
const codesOn = ({ html }: Page): string[] =>
  [...html.matchAll(/<li><code>([a-z2-7-]+)<\/code><\/li>/g)].map(([, code]) => code!)
const session = (who: ReturnType<typeof browser>) => who.cookies.get('latchkey_session')

async function atSetUp() {
  const op = await provider()
  const who = browser(op)
  await withPassword(who)
  const page = pageOf(await who.open('/account/factors/totp'))
  return { op, who, page, seed: seedOn(page) }
}

describe('the set-up', () => {
  test('ends with ten codes that sign in, and a way on', async () => {
    const { op, who, page, seed } = await atSetUp()
    const shown = pageOf(await who.press(page, 'verify', { code: codeOf(op, seed) }))
    expect([shown.status, shown.headers.get('cache-control')]).toEqual([200, 'no-store'])
    const codes = codesOn(shown)
    expect(codes).toHaveLength(10)
    expect(afterCodes(shown)).toBe('/account/factors?done=totp_added')
    const later = browser(op)
    const step = pageOf(await withPassword(later))
    const recovery = pageOf(await later.open(`/second-factor/recovery${new URL(step.url).search}`))
    expect(pathOf(await later.press(recovery, 'verify', { code: codes[3]! }))).toBe(home)
  })

  test('inside of a sign-in too: the codes lead on to the application', async () => {
    const op = await provider({ env: { SECOND_FACTOR: 'required' } })
    const who = browser(op)
    const choice = pageOf(await who.press(pageOf(await open(op, who, { state: 'kept' })), 'login', alice))
    const page = pageOf(await who.open(`/second-factor/totp/set-up${new URL(choice.url).search}`))
    const shown = pageOf(await who.press(page, 'verify', { code: codeOf(op, seedOn(page)) }))
    expect(codesOn(shown)).toHaveLength(10)
    const consent = pageOf(await who.open(afterCodes(shown)))
    const { location } = await who.press(consent, 'allow')
    expect(location?.searchParams.get('state')).toBe('kept')
  })

  test('sent twice at once: one app, one set of codes, and no page that says the code was wrong', async () => {
    const { op, who, page, seed } = await atSetUp()
    const code = codeOf(op, seed)
    const both = await Promise.all([who.press(page, 'verify', { code }), who.press(page, 'verify', { code })])
    expect(both.filter((each) => showsCodes(pageOf(each).html))).toHaveLength(1)
    for (const each of both) expect(pageOf(each).html).not.toContain('That code is incorrect')
    expect((await RecoveryCodes.find(op.context, 'user-alice'))?.hashes).toHaveLength(10)
  })

  test('keeps codes that are there', async () => {
    const { op, who, page, seed } = await atSetUp()
    const codes = codesOn(pageOf(await who.press(page, 'verify', { code: codeOf(op, seed) })))
    op.clock.advance(minute)
    const change = pageOf(await who.open('/account/factors/totp'))
    const done = pageOf(await who.press(change, 'verify', { code: codeOf(op, seedOn(change)) }))
    expect(done.url).toEndWith('?done=totp_added')
    expect(await RecoveryCodes.spend(op.context, 'user-alice', codes[0]!)).toBe(9)
  })

  test('shows none where recovery codes are not offered', async () => {
    const op = await provider({ env: { SECOND_FACTORS: 'totp' } })
    const who = browser(op)
    await withPassword(who)
    const page = pageOf(await who.open('/account/factors/totp'))
    const done = pageOf(await who.press(page, 'verify', { code: codeOf(op, seedOn(page)) }))
    expect([done.url.endsWith('?done=totp_added'), showsCodes(done.html)]).toEqual([true, false])
  })

  test('a link opens the app on this device, with what the QR code says', async () => {
    const { page, seed } = await atSetUp()
    const [, link = ''] = /href="(otpauth:[^"]+)"/.exec(page.html) ?? []
    const uri = new URL(link.replaceAll('&amp;', '&'))
    expect([uri.host, uri.searchParams.get('secret'), uri.searchParams.get('issuer')]).toEqual([
      'totp',
      seed,
      'Latchkey',
    ])
    expect(decodeURIComponent(uri.pathname)).toBe('/Latchkey:alice')
  })
})

describe('a code that was just proven', () => {
  test('is enough for new codes: no other is asked for', async () => {
    const { op, who, page, seed } = await atSetUp()
    await who.press(page, 'verify', { code: codeOf(op, seed) })
    const made = pageOf(await who.press(pageOf(await who.open('/account/factors')), 'make'))
    expect(codesOn(made)).toHaveLength(10)
    const { id_token } = await tokensOf(op, who)
    expect(claimsOf(id_token)).toMatchObject({ acr: 'urn:latchkey:2fa', amr: ['pwd', 'otp', 'mfa'] })
  })

  test('counts in its browser alone, under a new cookie', async () => {
    const { op, who, page, seed } = await atSetUp()
    const [before, thief] = [session(who), browser(op)]
    await who.press(page, 'verify', { code: codeOf(op, seed) })
    expect(session(who)).not.toBe(before)
    thief.cookies.set('latchkey_session', before!)
    expect(pathOf(await thief.open('/account/factors/recovery'))).toBe('/login')
    expect(await Session.listOfUser(op.context, 'user-alice')).toHaveLength(1)
  })

  test('is no longer enough after ten minutes, and what is asked then leads back to the codes', async () => {
    const { op, who, page, seed } = await atSetUp()
    await who.press(page, 'verify', { code: codeOf(op, seed) })
    const list = pageOf(await who.open('/account/factors'))
    op.clock.advance(11 * minute)
    const login = pageOf(await who.press(list, 'make'))
    expect(new URL(login.url).pathname).toBe('/login')
    const step = pageOf(await who.press(login, 'login', alice))
    const offer = pageOf(await who.press(step, 'verify', { code: freshCode(op, seed) }))
    expect(new URL(offer.url).pathname).toBe('/account/factors/recovery')
    expect(codesOn(pageOf(await who.press(offer, 'make')))).toHaveLength(10)
  })

  test('a session that has ended meanwhile does not come back', async () => {
    const { op, who, page, seed } = await atSetUp()
    const [{ sid }] = (await Session.listOfUser(op.context, 'user-alice')) as [Session]
    const { store } = op.context
    const { replace } = store
    // The session ends between the check of the form and the end of the set-up.
    store.replace = async (key, ...rest) => {
      if (key.startsWith('totp_enrolment')) await Session.end(op.context, sid)
      return replace.call(store, key, ...rest)
    }
    await who.press(page, 'verify', { code: codeOf(op, seed) })
    store.replace = replace
    expect(await Session.listOfUser(op.context, 'user-alice')).toEqual([])
    expect(pathOf(await who.open('/account/factors'))).toBe('/login')
  })
})

describe('the download', () => {
  test('is a file with the codes, whatever became of the session', async () => {
    const { op, who, page, seed } = await atSetUp()
    const shown = pageOf(await who.press(page, 'verify', { code: codeOf(op, seed) }))
    op.clock.advance(60 * minute)
    who.cookies.delete('latchkey_session')
    const file = pageOf(await who.press(shown, 'download'))
    expect(file.status).toBe(200)
    expect(file.html.split('\n').filter((line) => codesOn(shown).includes(line))).toEqual(codesOn(shown))
    const headers = ['content-type', 'content-disposition', 'cache-control', 'x-content-type-options']
    expect(headers.map((name) => file.headers.get(name))).toEqual([
      'text/plain; charset=utf-8',
      'attachment; filename="recovery-codes.txt"',
      'no-store',
      'nosniff',
    ])
  })

  test('of nothing but recovery codes, from our own page in this browser', async () => {
    const { op, who, page, seed } = await atSetUp()
    const shown = pageOf(await who.press(page, 'verify', { code: codeOf(op, seed) }))
    for (const codes of [
      '',
      'x',
      '<script>alert(1)</script>',
      'abcd-efgh '.repeat(10),
      `${codesOn(shown).join(' ')} x`,
    ])
      expect(pageOf(await who.press(shown, 'download', { codes })).status).toBe(400)
    expect(pageOf(await who.press(shown, 'download', { csrf_token: 'x' })).status).toBe(403)
    expect(pageOf(await browser(op).press(shown, 'download')).status).toBe(403)
  })
})

test('codes that are gone come again with the next set-up', async () => {
  const { op, who, page, seed } = await atSetUp()
  await who.press(page, 'verify', { code: codeOf(op, seed) })
  await RecoveryCodes.remove(op.context, 'user-alice')
  op.clock.advance(minute)
  expect(await setUpApp(op, who)).not.toBe(seed)
  expect((await RecoveryCodes.find(op.context, 'user-alice'))?.hashes).toHaveLength(10)
})
