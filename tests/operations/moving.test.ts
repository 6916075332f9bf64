/**
 * `latchkey migrate --while-serving` between real backends under a load of real flows: servers are restarted one after the
 * other, the command and an instance are killed, an instance is frozen over the change. docs/decisions/0086-moves.md
 * `FIGURES=1` prints what docs/operations.md has.
 */
import { afterAll, afterEach, expect, setDefaultTimeout, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openForMove, readConfig } from '../../src/cli/open.ts'
import { isUnfinished } from '../../src/models/unfinished.ts'
import { parseMoveMark, unfinishedKey } from '../../src/store/moving/mark.ts'
import type { Backend } from '../../src/store/store.ts'
import { backendUrls } from '../support/backend_urls.ts'
import { commandLine } from '../support/command.ts'
import { type CodeInHand, codeFor, good, isActive, redeem, refresh, visitor } from '../support/journey.ts'
import { type MixedLoad, startMixedLoad } from '../support/mixed_load.ts'
import type { SpawnedProvider } from '../support/provider.ts'
import { finished, threeInstances } from '../support/three_instances.ts'
import { killedWhen, stoppedWhen } from '../support/stopped_when.ts'
import { until } from '../support/until.ts'

setDefaultTimeout(480_000)

const folder = mkdtempSync(join(tmpdir(), 'latchkey-moving-'))
const stops: (() => Promise<unknown>)[] = []
const started: SpawnedProvider[] = []
let load: MixedLoad | undefined
afterEach(async () => {
  await load?.stop()
  load = undefined
  for (const each of started.splice(0)) {
    each.signal('SIGCONT')
    await each.stop()
  }
  for (const stop of stops.splice(0)) await stop()
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const opened = async (env: Record<string, string>): Promise<Backend> => {
  const { plain } = await openForMove(readConfig({ LOG_LEVEL: 'error', ...env }))
  stops.push(() => plain.close())
  return plain
}

const urls = backendUrls(folder, stops)

/** Three instances of one provider, and the stores of a move. */
async function stage(fromKind: string, toKind: string) {
  const [from, to] = [await urls[fromKind]!(), await urls[toKind]!()]
  const three = threeInstances(started)
  const before = { ...three.shared, STORE_URL: from }
  const during = { ...before, STORE_MOVE_TO: to }
  const after = { ...three.shared, STORE_URL: to }
  const move = (...more: string[]) =>
    three.command(three.shared, 'migrate', '--from', from, '--to', to, '--while-serving', '--json', ...more)
  return { ...three, before, during, after, move }
}

/** Whether the source has given away some of its records `gone_sub:…`, and has others yet. */
async function isInBoth(source: Backend, target: Backend, many: number): Promise<boolean> {
  const some = Array.from({ length: 40 }, (_, i) => `gone_sub:${Math.floor((i * many) / 40)}`)
  const has = async (backend: Backend) =>
    (await Promise.all(some.map((key) => backend.get(key)))).some((value) => value !== undefined)
  return (await has(target)) && (await has(source))
}

const redirect = 'https://shop.example/callback'
const left = 'https://shop.example/left'

test.each([
  ['SQLite', 'PostgreSQL'],
  ['Redis', 'Redis Cluster'],
  ['PostgreSQL', 'Redis'],
])('from %s to %s while serving: no answer is wrong, whatever is killed', async (fromKind, toKind) => {
  const scene = await stage(fromKind, toKind)
  const { issuer, before, during, after, balanced, move } = scene
  await scene.start(0, before)
  const cli = commandLine(before)
  const accounts = []
  for (const username of ['ann', 'ben']) {
    const password = `${username}-correct-horse-battery`
    const made = await cli.latchkey(['user', 'add', username, '--password-stdin', '--json'], password)
    accounts.push({ username, password, sub: (JSON.parse(made.stdout) as { sub: string }).sub })
  }
  interface Made {
    client_id: string
    client_secret: string
  }
  const shop = await cli.json<Made>(
    ...['client', 'add', 'Shop', '--redirect-uri', redirect, '--post-logout-redirect-uri', left],
    '--json',
  )
  const service = await cli.json<Made>(
    ...['client', 'add', 'Reports', '--grant-type', 'client_credentials', '--resource-server', '--json'],
  )
  cli.remove()
  await scene.start(1, before)
  await scene.start(2, before)

  // What is there before, and is looked at afterwards.
  const journey = { issuer, fetch: balanced }
  const who = visitor(journey)
  let tokens = await good(redeem(journey, await codeFor(journey, who)))
  const [source, target] = [await opened(before), await opened(after)]
  const many = 6_000
  for (let i = 0; i < many; i += 200)
    await Promise.all(
      Array.from({ length: 200 }, (_, j) => source.put(`gone_sub:${i + j}`, JSON.stringify({ at: i + j }))),
    )

  load = startMixedLoad({
    issuer,
    fetch: balanced,
    accounts,
    application: { ...shop, redirect_uri: redirect, post_logout_redirect_uri: left },
    service: { ...service, redirect_uri: '' },
  })
  await load.rounds(1)
  // Not all servers take part yet.
  await scene.restart(during, [0])
  const early = await finished(move())
  expect([early.code, early.stderr]).toEqual([1, expect.stringContaining('without STORE_MOVE_TO')])
  expect(await isUnfinished(source)).toBe(false)
  await scene.restart(during, [1, 2])

  const waiting = await codeFor(journey, who)
  const spent = await codeFor(journey, who)
  const replayed = await good(redeem(journey, spent))
  const first = move()
  const isMoving = async () => parseMoveMark(await source.get(unfinishedKey))?.state === 'moving'
  const told = finished(first)
  const isPartly = async () => (await isMoving()) && (await isInBoth(source, target, many))
  await killedWhen(first, isPartly, 'a part of the data').catch(async (error: Error) => {
    throw new Error(`${error.message}: ${(await told).stderr}`)
  })
  expect(await isMoving()).toBe(true)
  // Without the command the servers go on, between both stores.
  expect((await redeem(journey, waiting)).status).toBe(200)
  expect((await redeem(journey, spent)).status).toBe(400)
  expect(await isActive(journey, replayed.access_token)).toBe(false)
  await load.rounds(1)
  await scene.end(1, 'SIGKILL')
  const second = finished(move())
  await scene.start(1, during)
  const { code, stderr, stdout } = await second
  expect([code, stderr]).toEqual([0, stderr])
  expect((JSON.parse(stdout) as { records: number }).records).toBeGreaterThan(0)
  expect(await isUnfinished(target)).toBe(false)
  await scene.restart(after)
  await load.rounds(1)
  await load.stop()
  if (process.env.FIGURES) process.stdout.write(`${fromKind} to ${toKind}: ${JSON.stringify(load.counts)}\n`)
  expect(load.wrong).toEqual([])

  expect((await redeem(journey, waiting)).status).toBe(400)
  const silent = await codeFor(journey, who, { prompt: 'none' })
  expect((await redeem(journey, silent)).status).toBe(200)
  tokens = await good(refresh(journey, tokens.refresh_token))
  expect(await isActive(journey, tokens.access_token)).toBe(true)
  expect(await isActive(journey, replayed.access_token)).toBe(false)
  for (let i = 0; i < many; i += 997)
    expect(await target.get(`gone_sub:${i}`)).toBe(JSON.stringify({ at: i }))
  const verified = await commandLine(after).latchkey(['audit', 'verify'])
  expect([verified.code, verified.stderr]).toEqual([0, verified.stderr])
})

test.each([
  ['Redis', 'PostgreSQL'],
  ['PostgreSQL', 'Redis'],
])(
  'from %s to %s: an instance that is frozen over the change redeems nothing a second time',
  async (fromKind, toKind) => {
    const scene = await stage(fromKind, toKind)
    const { issuer, during, after, at, move } = scene
    for (const i of [0, 1, 2]) await scene.start(i, during)
    const journey = (i: number) => ({ issuer, fetch: at(i) })
    const codes: CodeInHand[] = []
    for (let i = 0; i < 12; i++) codes.push(await codeFor(journey(0), visitor(journey(0))))
    const frozen = scene.instances[2]!
    const source = await opened({ ...during, STORE_MOVE_TO: '' })

    // Frozen before the change: all go on with the source, and the command says whom it waits for.
    frozen.signal('SIGSTOP')
    const waits = move()
    let said = ''
    void (async () => {
      for await (const part of waits.stderr) said += Buffer.from(part).toString()
    })()
    await until(() => said.includes('not closed:'), 'the command to say so', 60_000)
    expect(parseMoveMark(await source.get(unfinishedKey))?.state).not.toBe('moving')
    expect((await redeem(journey(0), codes[0]!)).status).toBe(200)
    expect((await redeem(journey(1), codes[0]!)).status).toBe(400)

    // It thaws; and is frozen again while it has requests, as soon as the data may be moved.
    for (let i = 0; i < 1_000; i++) await source.put(`gone_sub:${i}`, '{}')
    frozen.signal('SIGCONT')
    const pending: Promise<number>[] = []
    const send = () => {
      for (const code of codes.slice(1))
        pending.push(
          redeem(journey(2), code).then(
            ({ status }) => status,
            () => 0,
          ),
        )
    }
    const isMoving = async () => parseMoveMark(await source.get(unfinishedKey))?.state === 'moving'
    await stoppedWhen(waits, isMoving, 'the change')
    send()
    frozen.signal('SIGSTOP')
    waits.kill('SIGCONT')
    expect(await waits.exited).toBe(0)
    // The others serve from the target alone, and one of them does not take part any more.
    await scene.restart(after, [0])
    const won = await Promise.all(
      codes.slice(1).map(async (code, i) => (await redeem(journey(i % 2), code)).status),
    )
    frozen.signal('SIGCONT')
    const late = await Promise.all(pending)
    for (const [i, status] of won.entries()) {
      const good = [status, late[i]].filter((each) => each === 200).length
      // None, where the replay ended the grant before the first answer was made.
      expect([i, status, late[i], good <= 1]).toEqual([i, status, late[i], true])
    }
    expect(
      won.filter((each) => each === 200).length + late.filter((each) => each === 200).length,
    ).toBeGreaterThan(0)
    await finished(waits).catch(() => {})
  },
)
