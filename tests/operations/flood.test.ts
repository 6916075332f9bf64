/** A thousand people sign in at once: most are refused at once, and machines do not wait behind their passwords. */
import { expect, test } from 'bun:test'
import { authorizationUrl, demo } from '../support/client.ts'
import { clientCredentials, good, visitor } from '../support/journey.ts'
import { spawnProvider } from '../support/provider.ts'

const percentile = (counts: readonly number[], part: number) =>
  counts.toSorted((a, b) => a - b)[Math.floor((counts.length - 1) * part)]!

test('1,000 sign-ins: 503 at once for those who would wait long; /token and /jwks.json do not queue', async () => {
  const op = await spawnProvider({
    SIGN_IN_QUEUE: '20',
    SIGN_IN_ATTEMPTS_PER_ACCOUNT: '100000',
    SIGN_IN_ATTEMPTS_PER_ADDRESS: '100000',
    ACCESS_TOKEN_ALG: 'ES256',
  })
  try {
    const journey = { issuer: op.issuer, fetch }
    const someone = visitor(journey)
    const { page } = await someone.open(authorizationUrl(op.issuer, demo).url)
    const form = page!.forms.find((each) => each.buttons.includes('login'))!
    const cookie = [...someone.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    // The unit of waiting is a password that was checked meanwhile: it does not depend on the machine's speed.
    let checked = 0
    const signIn = async (i: number) => {
      const before = checked
      const answer = await fetch(new URL(form.action, page!.url), {
        method: 'POST',
        redirect: 'manual',
        headers: {
          cookie,
          origin: op.issuer,
          'sec-fetch-site': 'same-origin',
          'content-type': 'application/x-www-form-urlencoded',
        },
        body: new URLSearchParams({
          ...form.fields,
          username: `nobody-${i}`,
          password: 'a wrong password',
          login: 'login',
        }).toString(),
      })
      await answer.text()
      if (answer.status !== 503) checked++
      return {
        status: answer.status,
        retryAfter: answer.headers.get('retry-after'),
        waited: checked - before,
      }
    }

    let flooding = true
    const machines = async (ask: () => Promise<Response>) => {
      const waits: number[] = []
      while (flooding) {
        const before = checked
        const answer = await ask()
        expect(answer.status).toBe(200)
        await answer.text()
        waits.push(checked - before)
        await Bun.sleep(5)
      }
      return waits
    }
    const watched = [
      machines(() => clientCredentials(journey)),
      machines(() => fetch(`${op.issuer}/jwks.json`)),
    ]
    // Sixty-four keep asking: more than may wait, so that most find the queue full.
    let next = 0
    const answers: Awaited<ReturnType<typeof signIn>>[] = []
    const lane = async () => {
      while (next < 1000) answers.push(await signIn(next++))
    }
    await Promise.all(Array.from({ length: 64 }, lane))
    flooding = false
    const [token, jwks] = await Promise.all(watched)

    expect(answers).toHaveLength(1000)
    const byStatus = Map.groupBy(answers, (each) => each.status)
    const busy = byStatus.get(503) ?? []
    expect([...byStatus.keys()].filter((status) => status !== 503 && status >= 500)).toEqual([])
    expect(busy.length).toBeGreaterThan(500)
    expect(answers.length - busy.length).toBeGreaterThanOrEqual(20) // the lane kept working
    for (const { retryAfter } of busy) expect(retryAfter).toMatch(/^\d+$/)
    expect(
      percentile(
        busy.map((each) => each.waited),
        0.99,
      ),
    ).toBeLessThan(20) // SIGN_IN_QUEUE: whoever waits for a turn sees as many before it
    expect(token!.length).toBeGreaterThan(10)
    expect(percentile(token!, 0.95)).toBeLessThan(10)
    expect(percentile(jwks!, 0.95)).toBeLessThan(10)
    await good(fetch(`${op.issuer}/health`))
  } finally {
    await op.stop()
  }
}, 60_000)
