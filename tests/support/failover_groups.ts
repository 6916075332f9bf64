/** Replicated Redis servers whose primary can be cut off: one behind three Sentinels, and a cluster. */
import { freePort } from './free_port.ts'
import { redisCli, type RedisServer, replicated, startRedis, startSentinel } from './redis.ts'
import { until } from './until.ts'
import { addresses, type Caller, type Gate, openGate } from './gate.ts'

export interface GroupOptions {
  /** Whether min-replicas-to-write is 1. */
  minReplicas: boolean
  /** Milliseconds after which Sentinels and cluster nodes count a server as down. */
  downAfterMs: number
}

/** Seconds of min-replicas-max-lag. */
export const maxLag = 2

export interface Group {
  url: string
  /** A key with this before it is on the primary that is cut off. */
  prefix: string
  /** The primary is cut off from every other server; `alone` also cuts the instance off from them. */
  cut(alone: boolean): void
  crash(): Promise<void>
  heal(): void
  /** Whether both replicas of the primary have every write. */
  isReplicated(): boolean
  /** Whether another server has taken over. */
  hasFailedOver(): boolean
  /** Whether the old primary follows the new one. */
  isWhole(): boolean
  /** The ports of the servers that may be asked to serve writes now. */
  primaries: readonly number[]
  stop(): Promise<void>
}

const from = (caller: Caller): string[] => ['--bind-source-addr', addresses[caller]]
const fast = ['--repl-diskless-sync-delay', '0', '--repl-timeout', '5', '--repl-ping-replica-period', '1']
const lagOf = (isSet: boolean): string[] =>
  isSet ? ['--min-replicas-to-write', '1', '--min-replicas-max-lag', `${maxLag}`] : []

const stopAll = async (servers: readonly RedisServer[], gates: readonly Gate[]): Promise<void> => {
  await Promise.all(servers.map((server) => server.stop()))
  for (const gate of gates) gate.stop()
}

const isReplica = ({ port }: RedisServer): boolean => {
  const info = redisCli(port, 'info', 'replication')
  return info.includes('role:slave') && info.includes('master_link_status:up')
}

const hasReplicated = ({ port }: RedisServer): boolean => {
  const info = redisCli(port, 'info', 'replication')
  const [, written] = /^master_repl_offset:(\d+)/m.exec(info) ?? []
  return (
    [...info.matchAll(/^slave\d.*offset=(\d+)/gm)].filter(([, offset]) => offset === written).length === 2
  )
}

/** A primary, two replicas, three Sentinels. */
export async function sentinelGroup({ minReplicas, downAfterMs }: GroupOptions): Promise<Group> {
  const announced = freePort()
  const settings = [...fast, ...lagOf(minReplicas)]
  const announce = (port: number) => [
    '--replica-announce-ip',
    '127.0.0.1',
    '--replica-announce-port',
    `${port}`,
  ]
  const primary = await startRedis({ args: [...from('apart'), ...settings, ...announce(announced)] })
  const toPrimary = await openGate(announced, primary.port)
  const follow = ['--replicaof', '127.0.0.1', `${announced}`]
  const replicas = await Promise.all(
    [1, 2].map(async () => {
      const port = freePort()
      const server = await startRedis({ args: [...from('inner'), ...settings, ...follow, ...announce(port)] })
      return { server, gate: await openGate(port, server.port) }
    }),
  )
  for (const { server } of replicas) await replicated(server.port)
  const sentinels = await Promise.all(
    [1, 2, 3].map(async () => {
      const port = freePort()
      const options = { args: from('inner'), quorum: 2, downAfterMs, announcedPort: port }
      const server = await startSentinel(announced, options)
      return { server, gate: await openGate(port, server.port) }
    }),
  )
  const known = ({ server }: { server: RedisServer }) => {
    const text = redisCli(server.port, 'sentinel', 'master', 'mymaster')
    return /num-slaves\s+2/.test(text) && /num-other-sentinels\s+2/.test(text)
  }
  await until(() => sentinels.every(known), 'the Sentinels to know each other and both replicas', 60_000)
  const outer = [...replicas, ...sentinels].map(({ gate }) => gate)
  const { port } = sentinels[0]!.server
  return {
    url: `redis+sentinel://${sentinels.map(({ gate }) => `127.0.0.1:${gate.port}`).join(',')}/mymaster`,
    prefix: '',
    primaries: [primary.port],
    cut(alone) {
      toPrimary.cut('inner')
      for (const gate of outer) {
        gate.cut('apart')
        if (alone) gate.cut('client')
      }
    },
    crash: () => primary.kill(),
    heal() {
      for (const gate of [toPrimary, ...outer]) gate.heal()
    },
    hasFailedOver: () =>
      !redisCli(port, 'sentinel', 'get-master-addr-by-name', 'mymaster').includes(`\n${announced}\n`),
    isReplicated: () => hasReplicated(primary),
    isWhole: () => isReplica(primary),
    stop: () =>
      stopAll([primary, ...[...replicas, ...sentinels].map(({ server }) => server)], [toPrimary, ...outer]),
  }
}

/** Three primaries, and two replicas of the first one. */
export async function clusterGroup({ minReplicas, downAfterMs }: GroupOptions): Promise<Group> {
  const nodes = await Promise.all(
    [0, 1, 2, 3, 4].map(async (i) => {
      const [port, bus, ownBus] = [freePort(), freePort(), freePort()]
      const cluster = ['--cluster-enabled', 'yes', '--cluster-port', `${ownBus}`]
      const announce = ['--cluster-announce-ip', '127.0.0.1', '--cluster-announce-port', `${port}`]
      const args = [
        ...[...cluster, ...announce, '--cluster-announce-bus-port', `${bus}`],
        ...['--cluster-node-timeout', `${downAfterMs}`, ...from(i === 0 ? 'apart' : 'inner'), ...fast],
        ...(i === 0 || i > 2 ? lagOf(minReplicas) : []),
      ]
      const server = await startRedis({ args })
      return { server, port, bus, gates: [await openGate(port, server.port), await openGate(bus, ownBus)] }
    }),
  )
  const [first, ...others] = nodes
  const cli = (i: number, ...args: string[]) => redisCli(nodes[i]!.server.port, 'cluster', ...args)
  nodes.slice(0, 3).forEach((_, i) => {
    cli(i, 'set-config-epoch', `${i + 1}`)
    cli(i, 'addslotsrange', `${[0, 5461, 10923][i]}`, `${[5460, 10922, 16383][i]}`)
  })
  for (const { port, bus } of others) cli(0, 'meet', '127.0.0.1', `${port}`, `${bus}`)
  const agreed = (known: string) => nodes.every((_, i) => cli(i, 'info').includes(known))
  await until(
    () => agreed('cluster_known_nodes:5') && agreed('cluster_state:ok'),
    'the cluster to agree',
    60_000,
  )
  const id = cli(0, 'myid').trim()
  for (const i of [3, 4]) {
    await until(() => cli(i, 'replicate', id).includes('OK'), 'a replica to follow', 60_000)
    await replicated(nodes[i]!.server.port)
  }
  await until(
    () =>
      nodes.every(
        (_, i) =>
          cli(i, 'nodes')
            .split('\n')
            .filter((line) => line.includes(`slave ${id}`)).length === 2,
      ),
    'every node to know the replicas',
    60_000,
  )
  const tag = Array.from({ length: 100 }, (_, i) => `{${i}}`).find(
    (each) => Number(cli(0, 'keyslot', each)) < 5461,
  )!
  const gates = nodes.flatMap((node) => node.gates)
  return {
    url: `redis+cluster://${nodes.map(({ port }) => `127.0.0.1:${port}`).join(',')}`,
    prefix: tag,
    primaries: nodes.slice(0, 3).map(({ server }) => server.port),
    cut(alone) {
      for (const gate of first!.gates) gate.cut('inner')
      for (const gate of others.flatMap((node) => node.gates)) {
        gate.cut('apart')
        if (alone) gate.cut('client')
      }
    },
    crash: () => first!.server.kill(),
    heal() {
      for (const gate of gates) gate.heal()
    },
    hasFailedOver: () => [3, 4].some((i) => cli(i, 'nodes').includes('myself,master')),
    isReplicated: () => hasReplicated(first!.server),
    isWhole: () => isReplica(first!.server),
    stop: () =>
      stopAll(
        nodes.map(({ server }) => server),
        gates,
      ),
  }
}
