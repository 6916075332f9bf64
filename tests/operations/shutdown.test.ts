/** SIGTERM: balancers are told first, requests in flight finish, the port closes, and nobody else notices. */
import { expect, test } from 'bun:test'
import { clientCredentials, good } from '../support/journey.ts'
import { basic, demo } from '../support/client.ts'
import { spawnProvider, type SpawnedProvider } from '../support/provider.ts'
import { until } from '../support/until.ts'

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
  // It must have begun before the signal: an answer to a later connection says that the server came by.
  for (let i = 0; i < 2; i++)
    await fetch(`${op.issuer}/jwks.json`, { keepalive: false }).then((it) => it.text())
  await Bun.sleep(100)
  return {
    answer: () => answer,
    finish: () => socket.write(body.slice(10)),
    closed: closed.promise,
  }
}

/** The signal has arrived: a second one sent earlier could be taken for the same. */
const stopping = (op: SpawnedProvider) =>
  until(async () => (await fetch(`${op.issuer}/health`)).status === 503, 'health to say that it stops')

const refused = (op: SpawnedProvider) =>
  fetch(`${op.issuer}/health`, { keepalive: false }).then(
    () => false,
    () => true,
  )

test('SIGTERM: health turns 503 first, what is in flight finishes, the port closes, exit code 0', async () => {
  const [op, other] = await Promise.all([
    spawnProvider({ SHUTDOWN_DELAY: '3', SHUTDOWN_TIMEOUT: '300' }),
    spawnProvider(),
  ])
  try {
    const pending = await requestInFlight(op)
    op.signal('SIGTERM')
    await stopping(op)
    expect(await (await fetch(`${op.issuer}/health`)).json()).toMatchObject({ status: 'stopping' })
    // Balancers have not noticed yet: whoever comes is served.
    await good(clientCredentials({ issuer: op.issuer, fetch }))

    await until(() => refused(op), 'the port to close')
    expect(pending.answer()).toBe('')
    pending.finish()
    await pending.closed
    expect(pending.answer()).toStartWith('HTTP/1.1 200')
    expect(pending.answer()).toContain('access_token')
    expect(await op.exited).toBe(0) // it waited for the request, not for SHUTDOWN_TIMEOUT
    await good(clientCredentials({ issuer: other.issuer, fetch }))
  } finally {
    await Promise.all([op.stop(), other.stop()])
  }
}, 60_000)

test('a request that never ends is cut off after SHUTDOWN_TIMEOUT', async () => {
  const op = await spawnProvider({ SHUTDOWN_DELAY: '0', SHUTDOWN_TIMEOUT: '1' })
  try {
    const pending = await requestInFlight(op)
    const signalled = performance.now()
    op.signal('SIGTERM')
    expect(await op.exited).toBe(0)
    await pending.closed
    expect(performance.now() - signalled).toBeGreaterThan(900)
  } finally {
    await op.stop()
  }
}, 60_000)

test('idle keep-alive connections do not hold it up', async () => {
  const op = await spawnProvider({ SHUTDOWN_DELAY: '0', SHUTDOWN_TIMEOUT: '300' })
  try {
    await Promise.all(
      Array.from({ length: 20 }, () => fetch(`${op.issuer}/jwks.json`).then((it) => it.text())),
    )
    op.signal('SIGTERM')
    expect(await op.exited).toBe(0)
  } finally {
    await op.stop()
  }
}, 60_000)

test('a second signal ends it at once', async () => {
  const op = await spawnProvider({ SHUTDOWN_DELAY: '300' })
  try {
    op.signal('SIGTERM')
    await stopping(op)
    op.signal('SIGTERM')
    expect(await op.exited).toBe(1)
  } finally {
    op.signal('SIGKILL')
    await op.stop()
  }
}, 60_000)
