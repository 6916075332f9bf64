/** A failover that a Sentinel reports while the client asks for the master leaves no instance without Redis. */
import { expect, test } from 'bun:test'
import { redisStore } from '../../src/store/redis.ts'
import { redisCli, replicated, startRedis, startSentinel, watched } from '../support/redis.ts'
import { slowLine } from '../support/slow_line.ts'
import { until } from '../support/until.ts'

const encode = (parts: readonly string[]): string =>
  `*${parts.length}\r\n${parts.map((part) => `$${part.length}\r\n${part}\r\n`).join('')}`

/** Speaks enough of the Sentinel's protocol to name a master, late if told so, and to report a failover. */
function slowSentinel(masterPort: number) {
  const subscribers = new Set<Bun.Socket<undefined>>()
  let held: (() => void)[] | undefined
  let asked = 0
  const answer = (socket: Bun.Socket<undefined>, command: string): void => {
    if (command.includes('get-master-addr-by-name')) {
      asked++
      const name = () => void socket.write(encode(['127.0.0.1', `${masterPort}`]))
      if (held) held.push(name)
      else name()
    } else if (command.includes('sentinels')) socket.write('*0\r\n')
    else if (/subscribe/i.test(command)) {
      subscribers.add(socket)
      socket.write(`*3\r\n$9\r\nsubscribe\r\n$14\r\n+switch-master\r\n:1\r\n`)
    } else socket.write('+OK\r\n')
  }
  const server = Bun.listen<undefined>({
    hostname: '127.0.0.1',
    port: 0,
    socket: {
      data(socket, data) {
        // One `*n` for each command of the packet.
        for (const command of data.toString().split(/(?=\*\d+\r\n)/)) answer(socket, command)
      },
      close: (socket) => void subscribers.delete(socket),
    },
  })
  return {
    url: `redis+sentinel://127.0.0.1:${server.port}/mymaster`,
    asked: () => asked,
    listening: () => subscribers.size,
    hold: () => void (held = []),
    holds: () => held?.length ?? 0,
    release() {
      for (const go of held ?? []) go()
      held = undefined
    },
    report() {
      for (const socket of subscribers)
        socket.write(encode(['message', '+switch-master', 'mymaster 127.0.0.1 1 127.0.0.1 2']))
    },
    stop: () => server.stop(true),
  }
}

type Store = ReturnType<typeof redisStore>

const write = (store: Store): Promise<boolean> =>
  store.put('k', 'v').then(
    () => true,
    () => false,
  )

const allWrite = async (stores: readonly Store[]): Promise<boolean> =>
  (await Promise.all(stores.map(write))).every(Boolean)

test('a failover reported while the client asks for the master: every instance is back afterwards', async () => {
  const master = await startRedis()
  const sentinel = slowSentinel(master.port)
  const stores = Array.from({ length: 12 }, () => redisStore(sentinel.url, { timeoutMs: 2000 }))
  try {
    expect(await allWrite(stores)).toBe(true)
    await until(() => sentinel.listening() === stores.length, 'every client to listen to the Sentinel')
    sentinel.hold()
    await master.restart()
    await until(() => sentinel.holds() === stores.length, 'every client to ask for the master')
    sentinel.report()
    await Bun.sleep(50) // the report arrives before the answers
    sentinel.release()
    await until(() => allWrite(stores), 'every instance to write again')
  } finally {
    await Promise.all(stores.map((store) => store.close()))
    const before = sentinel.asked()
    await Bun.sleep(300)
    expect(sentinel.asked(), 'a closed store connects again').toBe(before)
    sentinel.stop()
    await master.stop()
  }
}, 60_000)

test('a master dies, three Sentinels are 60 ms away: every instance of a fleet writes to the new master', async () => {
  const quick = ['--repl-diskless-sync-delay', '0']
  const master = await startRedis({ args: quick })
  const replica = await startRedis({ args: [...quick, '--replicaof', '127.0.0.1', `${master.port}`] })
  await replicated(replica.port)
  const sentinels = await Promise.all([0, 1, 2].map(() => startSentinel(master.port)))
  const lines = sentinels.map(({ port }) => slowLine(port, 60))
  const url = `redis+sentinel://${lines.map(({ port }) => `127.0.0.1:${port}`).join(',')}/mymaster`
  const stores = Array.from({ length: 24 }, () => redisStore(url, { timeoutMs: 1000 }))
  try {
    await until(() => allWrite(stores), 'every instance to write')
    await Promise.all(sentinels.map(({ port }) => watched(port)))
    await until(
      () => sentinels.every(({ port }) => /num-other-sentinels\s+2/.test(masterOf(port))),
      'the Sentinels to know each other',
    )
    await master.kill()
    await until(() => allWrite(stores), 'every instance to write to the new master')
    expect(redisCli(replica.port, 'role')).toStartWith('master')
  } finally {
    await Promise.all(stores.map((store) => store.close()))
    for (const line of lines) line.stop()
    await Promise.all([...sentinels, master, replica].map((server) => server.stop()))
  }
}, 120_000)

const masterOf = (port: number): string => redisCli(port, 'sentinel', 'master', 'mymaster')
