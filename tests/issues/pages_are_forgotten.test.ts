/** The answers that end a session left its pages in the browser, which shows them by its Back button. Issue 8, 64; tests/browser/back_after_sign_out.test.ts */
import { expect, test } from 'bun:test'
import { endEverything } from '../../src/people/end_session.ts'
import { bob, browser, stage, tokensOf } from '../support/flow.ts'
import { alice as aliceAccount } from '../support/person.ts'
import { provider } from '../support/provider.ts'

const after = 'http://localhost:8080/'
/** The header of the last answer that had it, while a browser does something. */
async function cleared(work: (op: Awaited<ReturnType<typeof stage>>) => Promise<unknown>): Promise<unknown> {
  const found = await stage()
  const { op } = found
  const seen: (string | null)[] = []
  const fetch: typeof op.fetch = async (...args) => {
    const answer = await op.fetch(...args)
    seen.push(answer.headers.get('clear-site-data'))
    return answer
  }
  const watched = { ...op, fetch }
  const alice = browser(watched)
  for (const [name, value] of found.alice.cookies) alice.cookies.set(name, value)
  await work({ op: watched, alice })
  return seen.findLast((value) => value !== null)
}

test('a sign-out, as a page and as a redirect to the client, and one without a session', async () => {
  const url = (id_token: string) =>
    `/logout?${new URLSearchParams({ id_token_hint: id_token, post_logout_redirect_uri: after })}`
  expect(await cleared(async ({ op, alice }) => alice.open(url((await tokensOf(op, alice)).id_token)))).toBe(
    '"cache"',
  )
  expect(
    await cleared(async ({ alice }) => {
      const { page } = await alice.open('/logout')
      await alice.press(page!, 'logout')
    }),
  ).toBe('"cache"')
  expect(await cleared(({ op }) => browser(op).open('/logout'))).toBe('"cache"')
})

test('a sign-in of another End-User, or after a session has ended; not a step of the same session', async () => {
  const signInAs = async (
    op: Awaited<ReturnType<typeof stage>>['op'],
    who: ReturnType<typeof browser>,
    account: typeof bob,
  ) => tokensOf(op, who, undefined, { prompt: 'login' }, account)
  expect(await cleared(({ op, alice }) => signInAs(op, alice, bob))).toBe('"cache"')
  expect(
    await cleared(async ({ op, alice }) => {
      await endEverything('user-alice', op.context)
      await signInAs(op, alice, bob)
    }),
  ).toBe('"cache"')
  expect(await cleared(({ op, alice }) => signInAs(op, alice, aliceAccount))).toBeUndefined()
  expect(await cleared(({ op }) => signInAs(op, browser(op), bob))).toBeUndefined()
})

test('the deletion of an account', async () => {
  expect(
    await cleared(async ({ alice }) => {
      const { page } = await alice.open('/account/data/delete')
      await alice.press(page!, 'delete', { confirmation: 'alice' })
    }),
  ).toBe('"cache"')
})

test('every page of the account says no-store', async () => {
  const { alice } = await stage()
  for (const path of [
    '/account',
    '/account/profile',
    '/account/sessions',
    '/account/applications',
    '/account/data',
  ])
    expect((await alice.open(path)).page!.headers.get('cache-control')).toBe('no-store')
  const op = await provider()
  expect((await op.fetch('/logout')).headers.get('cache-control')).toBe('no-store')
})
