/** The pages of /admin ask for what an administrator must prove, and change nothing without it. docs/administration.md */
import { expect, test } from 'bun:test'
import { Administrators } from '../../../src/models/administrators.ts'
import { User } from '../../../src/models/user.ts'
import { account, administrator } from '../../support/administration.ts'
import { pageOf, withPassword } from '../../support/authenticator.ts'
import { browser } from '../../support/flow.ts'
import { provider } from '../../support/provider.ts'

const pathOf = (url: string) => new URL(url).pathname

test('an owner without a second factor is led to set one up', async () => {
  const op = await provider()
  const anna = await account(op, 'anna')
  await Administrators.set(op.context, anna.sub, 'owner')
  const who = browser(op)
  await withPassword(who, anna)
  const landing = pageOf(await who.open('/admin'))
  expect(landing.status).toBe(200)
  expect(pathOf(landing.url)).toBe('/second-factor/set-up')
  expect(landing.html).not.toContain('All is well')
})

test('with two factors the pages open, and for a person without a role they do not exist', async () => {
  const op = await provider()
  const { who } = await administrator(op, 'owner')
  expect(pathOf(pageOf(await who.open('/admin')).url)).toBe('/admin')
  const { who: other } = await administrator(op, undefined)
  for (const path of ['/admin', '/admin/people', '/admin/clients/new', '/admin/people/sub-of-owner'])
    expect([path, pageOf(await other.open(path)).status]).toEqual([path, 404])
})

test('a change after a quarter of an hour needs a fresh sign-in, and changes nothing until then', async () => {
  const op = await provider()
  const { who } = await administrator(op, 'owner')
  await account(op, 'ben')
  const page = pageOf(await who.open('/admin/people/sub-of-ben'))
  op.clock.advance(16 * 60_000)
  const landing = await who.press(page, 'disable', { confirmed: 'yes' })
  expect(pathOf(pageOf(landing).url)).toBe('/login')
  expect((await User.find(op.context, 'sub-of-ben'))!.disabled).toBe(false)
  // Reading goes on.
  expect(pathOf(pageOf(await who.open('/admin/people/sub-of-ben')).url)).toBe('/admin/people/sub-of-ben')
})

test('with ADMIN_SECOND_FACTOR=false the fresh sign-in of a change needs no second step', async () => {
  const op = await provider({ env: { ADMIN_SECOND_FACTOR: 'false' } })
  const anna = await account(op, 'anna')
  await Administrators.set(op.context, anna.sub, 'owner')
  await account(op, 'ben')
  const who = browser(op)
  await withPassword(who, anna)
  const page = pageOf(await who.open('/admin/people/sub-of-ben'))
  op.clock.advance(16 * 60_000)
  const login = pageOf(await who.press(page, 'disable', { confirmed: 'yes' }))
  const back = pageOf(await who.press(login, 'login', { ...anna }))
  expect(pathOf(back.url)).toBe('/admin/people/sub-of-ben')
  await who.press(back, 'disable', { confirmed: 'yes' })
  expect((await User.find(op.context, 'sub-of-ben'))!.disabled).toBe(true)
})

test('a form is of one page, one session and one browser', async () => {
  const op = await provider()
  const { who } = await administrator(op, 'owner')
  for (const name of ['ben', 'cat']) await account(op, name)
  const page = pageOf(await who.open('/admin/people/sub-of-ben'))
  const forms = page.forms.map((each) => ({ ...each, action: each.action.replace('ben', 'cat') }))
  const forged = { ...page, forms }
  expect(pageOf(await who.press(forged, 'disable', { confirmed: 'yes' })).status).toBe(403)
  const { who: other } = await administrator(op, 'operator')
  expect(pageOf(await other.press(page, 'disable', { confirmed: 'yes' })).status).toBe(403)
  expect(pageOf(await who.press(page, 'disable', { confirmed: 'yes', csrf_token: 'x' })).status).toBe(403)
  for (const name of ['ben', 'cat'])
    expect((await User.find(op.context, `sub-of-${name}`))!.disabled).toBe(false)
})

test('a role that was taken since ends the page: its form changes nothing', async () => {
  const op = await provider()
  await administrator(op, 'owner')
  const { who, account: made } = await administrator(op, 'support')
  await account(op, 'ben')
  const page = pageOf(await who.open('/admin/people/sub-of-ben'))
  await Administrators.set(op.context, made.sub, 'auditor')
  const refused = pageOf(await who.press(page, 'disable', { confirmed: 'yes' }))
  expect(refused.status).toBe(403)
  await Administrators.set(op.context, made.sub, undefined)
  expect(pageOf(await who.press(page, 'disable', { confirmed: 'yes' })).status).toBe(404)
  expect((await User.find(op.context, 'sub-of-ben'))!.disabled).toBe(false)
})

test('a form that is refused is shown again as it was sent', async () => {
  const op = await provider()
  const { who } = await administrator(op, 'owner')
  const page = pageOf(await who.open('/admin/clients/new?kind=web'))
  const fields = { client_name: 'My shop', redirect_uris: 'http://shop.example/callback', first_party: 'yes' }
  const refused = pageOf(await who.press(page, 'add', fields))
  expect(refused.status).toBe(400)
  expect(refused.html).toContain('value="My shop"')
  expect(refused.html).toContain('>http://shop.example/callback</textarea>')
  const mended = { ...fields, redirect_uris: 'https://shop.example/callback' }
  expect(pageOf(await who.press(refused, 'add', mended)).html).toContain('CLIENT_SECRET=')
})
