/** Starts the attack lab on this machine: `bun examples/attack_lab/start.ts`. Ctrl-C ends it and removes what it made. */
import { defaultPorts } from './addresses.ts'
import { startLab } from './running.ts'

const { NODE_ENV, ATTACK_LAB_PORTS = defaultPorts.join(' ') } = process.env
if (NODE_ENV === 'production') {
  console.error(
    'The attack lab has programs that are weak on purpose. It does not start with NODE_ENV=production.',
  )
  process.exit(1)
}
const ports = ATTACK_LAB_PORTS.split(' ').map(Number)
if (ports.length !== defaultPorts.length || !ports.every((port) => port > 0 && port < 65_536)) {
  console.error(
    `ATTACK_LAB_PORTS: expected ${defaultPorts.length} ports with spaces between them, such as ${defaultPorts.join(' ')}`,
  )
  process.exit(1)
}

let ends = () => {}
const ended = new Promise<void>((resolve) => {
  ends = resolve
})
// Before the start, so that Ctrl-C removes what a start has made so far.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, ends)

const lab = await startLab(ports).catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error)
  process.exit(1)
})
const { at } = lab
console.log(`The attack lab is running. Open the board:

  Board     ${at.board}/
  Latchkey  ${at.provider}/
  Client    ${at.client}/
  API       ${at.notes}
  Attacker  ${at.attacker}/
  Toy       ${at.door}/account

Sign in as alice / alicepassword or bob / bobpassword. Ctrl-C ends the lab.`)

await ended
await lab.stop()
process.exit(0)
