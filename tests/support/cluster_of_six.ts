/** The Redis Cluster of deploy/compose.ha.yaml on loopback: its settings, joined by its script. Three primaries with a replica each. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from './free_port.ts'
import { type RedisCluster, redisCli, type RedisServer, startRedis } from './redis.ts'
import { until } from './until.ts'

const deploy = join(import.meta.dir, '../../deploy')

/** The lines of redis_cluster.conf as arguments. */
const settings = readFileSync(join(deploy, 'redis_cluster.conf'), 'utf8')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'))
  .flatMap((line) => {
    const space = line.indexOf(' ')
    return [`--${line.slice(0, space)}`, line.slice(space + 1).replaceAll('"', '')]
  })

export interface ClusterOfSix extends RedisCluster {
  /** The servers that serve slots now, as `node` sees them. */
  primaries(node: RedisServer): number[]
  /** Resolves once `port` follows another server and has its data. */
  follows(port: number): Promise<void>
}

export async function startClusterOfSix(): Promise<ClusterOfSix> {
  const started = await Promise.all(
    Array.from({ length: 6 }, async () => {
      const bus = freePort()
      return { bus, node: await startRedis({ args: [...settings, '--cluster-port', `${bus}`] }) }
    }),
  )
  const nodes = started.map(({ node }) => node)
  const stop = async () => void (await Promise.all(nodes.map((node) => node.stop())))
  const names = started.map(({ node, bus }) => `127.0.0.1:${node.port}@${bus}`).join(' ')
  const { exitCode, stdout, stderr } = Bun.spawnSync(['sh', join(deploy, 'redis_cluster.sh')], {
    env: { PATH: process.env.PATH, NODES: names },
  })
  if (exitCode !== 0) {
    await stop()
    throw new Error(`redis_cluster.sh: ${stdout}${stderr}`)
  }
  const rows = (node: RedisServer) => redisCli(node.port, 'cluster', 'nodes').trim().split('\n')
  const count = (node: RedisServer, role: string) =>
    rows(node).filter((row) => (row.split(' ')[2] ?? '').includes(role)).length
  const isWhole = (node: RedisServer) => count(node, 'slave') === 3 && count(node, 'master') === 3
  await until(() => nodes.every(isWhole), 'every server to know three primaries and three replicas')
  const isInStep = (port: number) => {
    const info = redisCli(port, 'info', 'replication')
    return info.includes('role:slave') && info.includes('master_link_status:up')
  }
  const inStep = (node: RedisServer) =>
    !redisCli(node.port, 'role').startsWith('slave') || isInStep(node.port)
  await until(() => nodes.every(inStep), 'the replicas to be in step')
  return {
    url: `redis+cluster://${nodes.map(({ port }) => `127.0.0.1:${port}`).join(',')}`,
    nodes,
    stop,
    primaries: (node) =>
      rows(node).flatMap((row) => {
        const [, address = '', flags = '', , , , , , ...slots] = row.split(' ')
        const serves = flags.includes('master') && !flags.includes('fail') && slots.length > 0
        return serves ? [Number(/:(\d+)@/.exec(address)?.[1])] : []
      }),
    follows: (port) => until(() => isInStep(port), `the server on port ${port} to follow`),
  }
}
