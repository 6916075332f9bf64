/** Addresses to which mail can be sent, and texts that only look like one. */
import { expect, test } from 'bun:test'
import { readMailAddress } from '../../../src/lib/mail_address.ts'

test.each([
  ['alice@example.com', 'alice@example.com'],
  [' Alice.Adams+list@Mail.Example.COM\n', 'Alice.Adams+list@Mail.Example.COM'],
  ["o'hara@example.ie", "o'hara@example.ie"],
  ['jörg@münchen.de', 'jörg@münchen.de'],
  ['用户@例子.广告', '用户@例子.广告'],
  [`${'a'.repeat(64)}@example.com`, `${'a'.repeat(64)}@example.com`],
])('%j is %j', (text, address) => expect(readMailAddress(text)).toBe(address))

test.each([
  '',
  'alice',
  '@example.com',
  'alice@',
  'alice@localhost',
  'alice@@example.com',
  'a@b@example.com',
  '.alice@example.com',
  'alice.@example.com',
  'al..ice@example.com',
  'alice@-example.com',
  'alice@example-.com',
  'alice@example..com',
  'alice@.example.com',
  'alice@example.com.',
  'alice@127.0.0.1',
  'alice@[127.0.0.1]',
  'alice@[IPv6:::1]',
  '"alice"@example.com',
  'alice(comment)@example.com',
  'Alice <alice@example.com>',
  'alice@example.com, bob@example.com',
  'alice@example.com;bob@example.com',
  'alice@example.com\r\nBcc: bob@example.com',
  'alice\0@example.com',
  'al\u200bice@example.com',
  'alice@exam\u202eple.com',
  'alice@example.com/path',
  'alice@example.com?subject=x',
  'alice@example%2ecom',
  `${'a'.repeat(65)}@example.com`,
  `a@${'b'.repeat(64)}.com`,
  `a@${'b.'.repeat(130)}com`,
])('%j is none', (text) => expect(readMailAddress(text)).toBeUndefined())
