/** Passkeys in the binary: their library is loaded there at the first ceremony, with all that it needs, and not before. */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { latchkeyBinary } from '../support/latchkey_command.ts'
import { addPasskey, pageOf, signInWith } from '../support/passkeys.ts'
import { alice, person } from '../support/person.ts'
import { spawnProvider } from '../support/provider.ts'

let folder: string
let binary: string

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'latchkey-passkeys-'))
  binary = await latchkeyBinary(folder)
}, 60_000)
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test('a passkey is made and signs in', async () => {
  const op = await spawnProvider({ NODE_ENV: 'development' }, [binary, 'serve'])
  try {
    const who = person(op.issuer, fetch)
    await who.press(pageOf(await who.open('/account/passkeys')), 'login', alice)
    const credential = await addPasskey(op.issuer, who)
    const later = person(op.issuer, fetch)
    const landing = await signInWith(op.issuer, fetch, later, credential)
    expect(landing.page?.status).toBe(200)
    expect(later.cookies.has('latchkey_session')).toBe(true)
    const refused = await signInWith(op.issuer, fetch, later, credential, { lies: { uv: false } })
    expect(refused.page?.status).toBe(401)
  } finally {
    await op.stop()
  }
}, 60_000)
