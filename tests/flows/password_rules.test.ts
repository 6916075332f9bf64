/** What may become a password: tried on the rules as they are plugged in. */
import { afterAll, describe, expect, test } from 'bun:test'
import { newPasswordProblem, wordsAbout } from '../../src/people/new_password.ts'
import { freePort } from '../support/free_port.ts'
import { provider } from '../support/provider.ts'

const mary = wordsAbout({
  username: 'mary.whitfield',
  claims: { name: 'Mary Whitfield', email: 'mary@wonderland.example' },
})

describe('length', () => {
  test.each([
    ['seven c', 'password.length'],
    ['🔑🔑🔑🔑🔑🔑🔑', 'password.length'],
    ['🔑🗝🚪🪟🏠🌳🐕🐈', undefined],
    ['zwölf Böxkämpfer', undefined],
    ['   leading and trailing   ', undefined],
    ['пароль который длинный', undefined],
    ['kx7 '.repeat(32) /* 128 */, 'password.common'],
    ['The quick brown fox jumps over a lazy dog. '.repeat(3).slice(0, 128), undefined],
    ['The quick brown fox jumps over a lazy dog. '.repeat(3), 'password.length'],
    ['ﷺﷺﷺﷺﷺﷺﷺﷺ' /* 144 once it is spelled out */, 'password.length'],
    ['tab\tin the middle', 'password.control'],
    ['alllowercaseletters', undefined],
  ])('%j: %p', async (password, key) => {
    const op = await provider()
    const problem = await newPasswordProblem(op.context, password, [])
    expect(`${problem?.key}`).toBe(`${key}`)
  })
})

describe('common ones', () => {
  test.each([
    'password',
    'PassWord',
    '12345678',
    'qwertyuiop',
    'iloveyou',
    'ｐａｓｓｗｏｒｄ', // fullwidth
    'pass\u200bword', // with a zero-width space
    'aaaaaaaaaaaa',
    '1212121212',
    'abcabcabcabc',
  ])('%j', async (password) => {
    const op = await provider()
    expect((await newPasswordProblem(op.context, password, []))?.key).toBe('password.common')
  })

  test('a quote or a backslash in a password finds nothing it should not', async () => {
    const op = await provider()
    for (const password of ['","123456","', 'x\\","y\\"]', '123456","password'])
      expect(await newPasswordProblem(op.context, password, [])).toBeUndefined()
  })
})

test('words of PASSWORD_WORDS', async () => {
  const op = await provider({ env: { PASSWORD_WORDS: 'Bluebird Zürich' } })
  for (const password of ['bluebird2026', 'ZÜRICH!BlueBird', 'zürich12345678'])
    expect((await newPasswordProblem(op.context, password, []))?.key).toBe('password.own_words')
  expect(await newPasswordProblem(op.context, 'a bluebird over seventeen lambs', [])).toBeUndefined()
})

describe('words of the service and the account', () => {
  test.each([
    'latchkey2026',
    'LatchKey!!!',
    'mary.whitfield',
    'marywhitfield1',
    'WhitfieldMary99',
    'Wonderland2026!',
    'mary12345678', // what is left is common
    'localhost1234',
  ])('%j', async (password) => {
    const op = await provider()
    expect((await newPasswordProblem(op.context, password, mary))?.key).toBe('password.own_words')
  })

  test('one of them in a long password does no harm', async () => {
    const op = await provider()
    for (const password of ['mary had seventeen lambs', 'latchkey under the third flowerpot'])
      expect(await newPasswordProblem(op.context, password, mary)).toBeUndefined()
  })
})

describe('known from a breach', () => {
  const asked: { path: string; padding: string | null }[] = []
  let answer: () => Response | Promise<Response> = () => new Response('')
  const port = freePort()
  const server = Bun.serve({
    port,
    hostname: '127.0.0.1',
    fetch(request) {
      asked.push({ path: new URL(request.url).pathname, padding: request.headers.get('add-padding') })
      return answer()
    },
  })
  afterAll(() => server.stop(true))

  const breached = 'breached and bruised'
  const hash = new Bun.CryptoHasher('sha1').update(breached).digest('hex').toUpperCase()
  const line = (count: number) => `${'0'.repeat(35)}:9\r\n${hash.slice(5)}:${count}\r\n${'F'.repeat(35)}:0`
  const op = () =>
    provider({
      env: {
        PASSWORD_BREACH_URL: `http://127.0.0.1:${port}/range`,
        OUTBOUND_ALLOW_HOSTS: `127.0.0.1:${port}`,
      },
    })

  test('is refused, and the service received five characters of its hash', async () => {
    answer = () => new Response(line(12))
    expect((await newPasswordProblem((await op()).context, breached, []))?.key).toBe('password.breached')
    expect(asked.at(-1)).toEqual({ path: `/range/${hash.slice(0, 5)}`, padding: 'true' })
  })

  test('a line of padding is no breach, nor is a range without it', async () => {
    const { context } = await op()
    for (const body of [line(0), 'nonsense', '']) {
      answer = () => new Response(body)
      expect(await newPasswordProblem(context, breached, [])).toBeUndefined()
    }
  })

  test.each([
    ['an error', () => new Response('busy', { status: 503 })],
    ['a redirect', () => Response.redirect('https://elsewhere.example/', 302)],
    ['too much', () => new Response('A'.repeat(2_000_000))],
    ['silence', () => new Promise<Response>(() => {})],
  ])('%s in answer: the password may be used, and the log says so', async (_, bad) => {
    answer = bad
    const { context, lines } = await op()
    expect(await newPasswordProblem(context, breached, [])).toBeUndefined()
    const skipped = lines.filter((text) => text.includes('password_breach_check_skipped'))
    expect(skipped).toHaveLength(1)
    expect(lines.join('\n')).not.toContain(breached)
    expect(lines.join('\n')).not.toContain(hash.slice(0, 5))
  })

  test('a password that another rule refuses is not sent to the service', async () => {
    const before = asked.length
    await newPasswordProblem((await op()).context, 'password', [])
    expect(asked).toHaveLength(before)
  })
})
