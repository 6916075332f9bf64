/** LAB_SEED on a server as it is started: it warns, two starts are alike, and production refuses it. */
import { expect, setDefaultTimeout, test } from 'bun:test'
import { spawnProvider } from '../support/provider.ts'

setDefaultTimeout(120_000)

/** The identifiers of the browsers that a server gives its first visitors. */
async function firstBrowsers(env: Record<string, string>): Promise<{ cookies: string[]; output: string }> {
  const op = await spawnProvider(env)
  try {
    const cookies: string[] = []
    for (let visits = 0; visits < 3; visits++) {
      const response = await fetch(`${op.issuer}/lab/clock`)
      cookies.push(...response.headers.getSetCookie().map((line) => line.split(';')[0]!))
    }
    return { cookies, output: op.output() }
  } finally {
    await op.stop()
  }
}

test('two starts with one seed give the same values, and each says so', async () => {
  const env = { LAB_SEED: 'lesson 1', LOG_LEVEL: 'warn' }
  const [first, second, other] = [
    await firstBrowsers(env),
    await firstBrowsers(env),
    await firstBrowsers({ LOG_LEVEL: 'warn' }),
  ]
  expect(first.cookies.length).toBeGreaterThanOrEqual(3)
  expect(new Set(first.cookies).size).toBe(first.cookies.length)
  expect(second.cookies).toEqual(first.cookies)
  expect(other.cookies.some((each) => first.cookies.includes(each))).toBe(false)
  expect(first.output).toContain('lab_seed_is_set')
  expect(other.output).not.toContain('lab_seed_is_set')
})

test('production does not start with it, with LAB too', async () => {
  const env = {
    NODE_ENV: 'production',
    LAB: 'true',
    LAB_SEED: 'lesson 1',
    SECRET_KEY: 'mJ8vQ2nX5rT0wY7zB4cD9fG1hK6lP3sA',
    STORE_URL: 'sqlite:lab.db',
  }
  await expect(spawnProvider(env)).rejects.toThrow('LAB_SEED: expected none in production')
})
