/** SIGTERM: balancers are told first, requests in flight finish, the port closes, and nobody else notices. */
import { expect, test } from 'bun:test'
import { clientCredentials, good } from '../support/journey.ts'
import { basic, demo } from '../support/client.ts'
import { spawnProvider, type SpawnedProvider } from '../support/provider.ts'

const portOf = ({ issuer }: SpawnedProvider) => Number(new URL(issuer).port)

/** A token request whose body has not all arrived yet. */
async function requestInFlight(op: SpawnedProvider) {
  const body = 'grant_type=client_credentials'
  let answer = ''
  const closed = Promise.withResolvers<void>()
  const socket = await Bun.connect({
    hostname: 'localhost',
    port: portOf(op),
    socket: {
      data: (_, chunk) => void (answer += chunk.toString()),
      close: () => closed.resolve(),
      error: () => closed.resolve(),
    },
  })
  socket.write(
    [
      'POST /token HTTP/1.1',
      'Host: localhost',
      `Authorization: ${basic(demo).authorization}`,
      'Content-Type: application/x-www-form-urlencoded',
      `Content-Length: ${body.length}`,
      '',
      body.slice(0, 10),
    ].join('\r\n'),
  )
  await Bun.sleep(100) // it must have begun before the signal
  return {
    answer: () => answer,
    finish: () => socket.write(body.slice(10)),
    closed: closed.promise,
  }
}

const refused = (op: SpawnedProvider) =>
  fetch(`${op.issuer}/health`, { keepalive: false }).then(
    () => false,
    () => true,
  )

test('SIGTERM: health turns 503 first, what is in flight finishes, the port closes, exit code 0', async () => {
  const [op, other] = await Promise.all([
    spawnProvider({ SHUTDOWN_DELAY: '1', SHUTDOWN_TIMEOUT: '10' }),
    spawnProvider(),
  ])
  try {
    const pending = await requestInFlight(op)
    const signalled = performance.now()
    op.signal('SIGTERM')
    await Bun.sleep(200)

    const health = await fetch(`${op.issuer}/health`)
    expect(health.status).toBe(503)
    expect(await health.json()).toMatchObject({ status: 'stopping' })
    // Balancers have not noticed yet: whoever comes is served.
    await good(clientCredentials({ issuer: op.issuer, fetch }))

    await Bun.sleep(1_300)
    expect(await refused(op)).toBe(true)
    expect(pending.answer()).toBe('')
    pending.finish()
    await pending.closed
    expect(pending.answer()).toStartWith('HTTP/1.1 200')
    expect(pending.answer()).toContain('access_token')
    expect(await op.exited).toBe(0)
    expect(performance.now() - signalled).toBeLessThan(4_000) // it waited for the request and for nothing else
    await good(clientCredentials({ issuer: other.issuer, fetch }))
  } finally {
    await Promise.all([op.stop(), other.stop()])
  }
}, 20_000)

test('a request that never ends is cut off after SHUTDOWN_TIMEOUT', async () => {
  const op = await spawnProvider({ SHUTDOWN_DELAY: '0', SHUTDOWN_TIMEOUT: '1' })
  try {
    const pending = await requestInFlight(op)
    const signalled = performance.now()
    op.signal('SIGTERM')
    expect(await op.exited).toBe(0)
    await pending.closed
    expect(performance.now() - signalled).toBeWithin(900, 3_000)
  } finally {
    await op.stop()
  }
}, 20_000)

test('idle keep-alive connections do not hold it up', async () => {
  const op = await spawnProvider({ SHUTDOWN_DELAY: '0', SHUTDOWN_TIMEOUT: '8' })
  try {
    await Promise.all(
      Array.from({ length: 20 }, () => fetch(`${op.issuer}/jwks.json`).then((it) => it.text())),
    )
    const signalled = performance.now()
    op.signal('SIGTERM')
    expect(await op.exited).toBe(0)
    expect(performance.now() - signalled).toBeLessThan(2_000)
  } finally {
    await op.stop()
  }
}, 20_000)

test('a second signal ends it at once', async () => {
  const op = await spawnProvider({ SHUTDOWN_DELAY: '20' })
  try {
    op.signal('SIGTERM')
    await Bun.sleep(100)
    op.signal('SIGTERM')
    const quick = await Promise.race([op.exited, Bun.sleep(2_000)])
    expect(quick).toBe(1)
  } finally {
    op.signal('SIGKILL')
    await op.stop()
  }
}, 20_000)
