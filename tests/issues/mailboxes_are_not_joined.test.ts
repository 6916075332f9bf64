/**
 * Issue 8, A.20: NFKC of the local part made one address of two mailboxes, and `a@evil.example＠corp.example` passed a rule
 * for the domain corp.example.
 */
import { describe, expect, test } from 'bun:test'
import { sha256 } from '../../src/lib/hash.ts'
import { createLog } from '../../src/lib/log.ts'
import { readMailAddress } from '../../src/lib/mail_address.ts'
import type { Memory } from '../../src/models/define_record.ts'
import { canonicalEmail, type NewUser, User } from '../../src/models/user.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { commandLine } from '../support/command.ts'
import { attempt, corp } from '../support/corp.ts'
import { mailsOf } from '../support/mailbox.ts'
import { person } from '../support/person.ts'
import { provider, turnableClock } from '../support/provider.ts'

const clock = turnableClock()
const fresh = (): Memory => ({ store: memoryStore(clock), clock, log: createLog('error', 'json', () => {}) })
const account = (sub: string, email?: string): NewUser => ({
  sub,
  username: sub,
  claims: email === undefined ? {} : { email, email_verified: true },
  created_at: 1,
  updated_at: 1,
})

const mailboxes = [
  ['fi@x.example', 'ﬁ@x.example'],
  ['alice@x.example', 'ａｌｉｃｅ@x.example'],
  ['s@x.example', 'ſ@x.example'],
  ['i\u0307@x.example', 'İ@x.example'],
  ['1@x.example', '①@x.example'],
  ['a2@x.example', 'a²@x.example'],
] as const

describe.each(mailboxes)('%j and %j', (one, other) => {
  test('are two mailboxes, of two accounts', async () => {
    const memory = fresh()
    expect(canonicalEmail(one)).not.toBe(canonicalEmail(other))
    for (const [sub, email] of [
      ['one', one],
      ['other', other],
    ] as const)
      expect(await User.create(memory, account(sub, email))).toBe(true)
    expect((await User.findByEmail(memory, one))?.sub).toBe('one')
    expect((await User.findByEmail(memory, other))?.sub).toBe('other')
    expect((await User.findByLogin(memory, one))?.sub).toBe('one')
    expect((await User.findByLogin(memory, other))?.sub).toBe('other')
  })

  test('an address as username is that address alone', async () => {
    const memory = fresh()
    await User.create(memory, { ...account('named'), username: other })
    expect(await User.findByAddress(memory, one)).toBeUndefined()
    expect((await User.findByAddress(memory, other))?.sub).toBe('named')
  })

  test('an account of an older release is found, and keeps its address when the other one is verified', async () => {
    const memory = fresh()
    const { store } = memory
    await User.create(memory, account('old', other))
    // Both mailboxes had one entry, of the spelling in NFKC.
    await store.take(`user_email:${sha256(canonicalEmail(other))}`)
    await store.put(
      `user_email:${sha256(other.normalize('NFKC').toLowerCase().normalize('NFKC'))}`,
      '{"sub":"old"}',
    )
    expect((await User.findByEmail(memory, other))?.sub).toBe('old')
    expect((await User.findByLogin(memory, other))?.sub).toBe('old')
    expect(await User.findByEmail(memory, one)).toBeUndefined()
    expect(await User.create(memory, account('second', other))).toBe(false)
    expect(await User.create(memory, account('new', one))).toBe(true)
    expect((await User.findByEmail(memory, other))?.sub).toBe('old')
    expect((await User.findByEmail(memory, one))?.sub).toBe('new')
  })
})

test('text typed in full width at sign-in still finds the address that it stands for', async () => {
  const memory = fresh()
  await User.create(memory, account('a', 'alice@example.com'))
  for (const typed of [
    'ａｌｉｃｅ＠ｅｘａｍｐｌｅ．ｃｏｍ',
    'ALICE@EXAMPLE.COM',
    ' alice@example。com',
    'ａlice@example.com',
  ])
    expect((await User.findByLogin(memory, typed))?.sub).toBe('a')
  expect(await User.findByEmail(memory, 'ａlice@example.com')).toBeUndefined()
})

const twoDomains = [
  'a@evil.example＠corp.example',
  'a@evil.example﹫corp.example',
  'a＠evil.example@corp.example',
  'a@evil.example\u2060＠corp.example',
  'a@evil.example@corp.example',
  'a@evil.example／corp.example',
  'a@evil.example,b@corp.example',
]

describe('a rule for domains', () => {
  test.each(twoDomains)('is not passed by %j', async (email) => {
    expect(readMailAddress(email)).toBeUndefined()
    const at = corp()
    at.claims = { email, email_verified: true }
    const { op, who } = await attempt(at, { UPSTREAM_EMAIL_DOMAINS: 'corp.example' })
    expect(who).toBeUndefined()
    expect(await User.findByUsername(op.context, 'a')).toBeUndefined()
  })

  test('reads the domain that the relay will read', () => {
    for (const [typed, read] of [
      ['a@ｃｏｒｐ.example', 'a@corp.example'],
      ['a@corp。example', 'a@corp.example'],
      ['a@MÜNCHEN.de', 'a@münchen.de'],
      ['A@Corp.Example', 'A@Corp.Example'],
    ] as const)
      expect(readMailAddress(typed)).toBe(read)
  })
})

test('spellings of an address are one mailbox to the limit on mails, since its server may join them', async () => {
  const op = await provider()
  for (const email of ['nora@new.example', 'ｎora@new.example', 'nｏra@new.example', 'noｒa@new.example']) {
    const browser = person(op.issuer, op.fetch)
    await browser.press((await browser.open('/register_account')).page!, 'register', { email })
    await op.context.table.jobs.find(({ name }) => name === 'account_registrations')!.run(op.context)
  }
  expect(await mailsOf(op)).toHaveLength(3)
})

test('commands take an address only as pages do', async () => {
  const line = commandLine({ NODE_ENV: 'development', STORE_URL: 'sqlite:mailboxes.db' })
  try {
    for (const email of [twoDomains[0]!, 'no address']) {
      const added = await line.latchkey(
        ['user', 'add', 'mallory', '--email', email, '--claim', 'email_verified=true', '--password-stdin'],
        'seven lambs and a lantern\n',
      )
      expect([added.code === 0, added.stderr.includes('email')]).toEqual([false, true])
      const records = JSON.stringify([{ username: 'mallory', claims: { email, email_verified: true } }])
      expect((await line.latchkey(['user', 'import', '-'], records)).stdout).toContain('email looks like')
    }
  } finally {
    line.remove()
  }
}, 60_000)
