/** The limit of rows that verify a password: the bare operation, alone in one process: `bun ceilings.ts NAME SECONDS NOISY`. */
import { measure, type Step } from './measure.ts'

const lanes = (count: number, step: Step): Step[] => Array.from({ length: count }, () => step)

/** m=19456 KiB, t=2, p=1: what OWASP asks and Latchkey does. */
async function argon2idVerify(): Promise<Step[]> {
  const hash = await Bun.password.hash('alicepassword', {
    algorithm: 'argon2id',
    memoryCost: 19456,
    timeCost: 2,
  })
  if (!hash.startsWith('$argon2id$v=19$m=19456,t=2,p=1$')) throw new Error(`other parameters: ${hash}`)
  return lanes(16, async () => {
    if (!(await Bun.password.verify('alicepassword', hash))) throw new Error('the right password was refused')
  })
}

const ceilings: Record<string, () => Promise<Step[]>> = {
  argon2id_verify: argon2idVerify,
}

const [, , name = '', seconds = '3', noisy] = Bun.argv
const prepare = ceilings[name]
if (!prepare) throw new Error(`no such ceiling: ${name}`)
console.log(
  JSON.stringify(
    await measure(name, await prepare(), {
      seconds: Number(seconds),
      warmup: 0.5,
      pids: [],
      noisy: noisy === 'true',
    }),
  ),
)
