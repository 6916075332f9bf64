/** The command that starts the attack lab: on loopback alone, never in production, and nothing is left of it. */
import { expect, setDefaultTimeout, test } from 'bun:test'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import { defaultPorts } from '../../examples/attack_lab/addresses.ts'
import { freePort } from '../support/free_port.ts'
import { until } from '../support/until.ts'

setDefaultTimeout(60_000)

function start(env: Record<string, string>) {
  const folder = mkdtempSync(join(tmpdir(), 'attack-lab-test-'))
  const child = Bun.spawn(['bun', join(import.meta.dir, '../../examples/attack_lab/start.ts')], {
    env: { PATH: process.env.PATH, TMPDIR: folder, ...env },
    stdout: 'pipe',
    stderr: 'pipe',
  })
  let text = ''
  const drain = async (stream: ReadableStream<Uint8Array>) => {
    for await (const chunk of stream) text += Buffer.from(chunk).toString()
  }
  const drained = Promise.all([drain(child.stdout), drain(child.stderr)])
  return {
    child,
    output: () => text,
    left: () => readdirSync(folder),
    async end() {
      child.kill()
      await child.exited
      await drained
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

const ports = () => defaultPorts.map(() => `${freePort()}`)

const connects = (hostname: string, port: number): Promise<boolean> =>
  Bun.connect({ hostname, port, socket: { data() {} } }).then(
    (socket) => (socket.end(), true),
    () => false,
  )

test('prints the addresses, listens on 127.0.0.1 alone, and Ctrl-C removes what it made', async () => {
  const mine = ports()
  const lab = start({ ATTACK_LAB_PORTS: mine.join(' ') })
  try {
    await until(() => {
      if (lab.child.exitCode !== null) throw new Error(lab.output())
      return lab.output().includes('Ctrl-C ends the lab')
    }, 'the lab to start')
    expect(lab.output()).toContain(`http://localhost:${mine[0]}/`)
    expect(lab.left()).toHaveLength(1)
    const elsewhere = Object.values(networkInterfaces())
      .flatMap((each) => each ?? [])
      .filter(({ internal, family }) => !internal && family === 'IPv4')
      .map(({ address }) => address)
    for (const port of mine.map(Number)) {
      expect([port, await connects('127.0.0.1', port)]).toEqual([port, true])
      for (const address of ['127.0.0.2', ...elsewhere])
        expect([address, port, await connects(address, port)]).toEqual([address, port, false])
    }
    lab.child.kill('SIGINT')
    expect(await lab.child.exited).toBe(0)
    expect(lab.left()).toEqual([])
    for (const port of mine.map(Number)) expect(await connects('127.0.0.1', port)).toBe(false)
  } finally {
    await lab.end()
  }
})

test('Ctrl-C before the lab has started leaves nothing', async () => {
  const lab = start({ ATTACK_LAB_PORTS: ports().join(' ') })
  await until(() => lab.left().length > 0, 'the folder of the provider')
  lab.child.kill('SIGINT')
  expect(await lab.child.exited).toBe(0)
  expect(lab.left()).toEqual([])
  await lab.end()
})

test.each([
  [{ NODE_ENV: 'production' }, 'NODE_ENV=production'],
  [{ ATTACK_LAB_PORTS: '1 2' }, 'expected 7 ports'],
  [{ ATTACK_LAB_PORTS: '1 2 3 4 5 6 x' }, 'expected 7 ports'],
])('does not start with %j', async (env, words) => {
  const lab = start(env)
  expect(await lab.child.exited).toBe(1)
  await lab.end()
  expect(lab.output()).toContain(words)
})

test('a port in use stops the start, and nothing stays', async () => {
  const mine = ports()
  const other = Bun.listen({ hostname: '127.0.0.1', port: Number(mine[1]), socket: { data() {} } })
  const lab = start({ ATTACK_LAB_PORTS: mine.join(' ') })
  expect(await lab.child.exited).toBe(1)
  expect(lab.left()).toEqual([])
  await lab.end()
  other.stop(true)
  expect(lab.output()).toContain('is its port in use?')
})
