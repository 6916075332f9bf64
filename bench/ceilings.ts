/** Bare operations a provider cannot outrun, timed alone in one process: `bun ceilings.ts NAME SECONDS`. */
import { generateKeyPair, SignJWT } from 'jose'
import { measure, type Step } from './measure.ts'

const lanes = (count: number, step: Step): Step[] => Array.from({ length: count }, () => step)

/** What an RS256 access token of client_credentials says, in the size it says it. */
async function rs256Sign(): Promise<Step[]> {
  const { privateKey } = await generateKeyPair('RS256', { modulusLength: 2048 })
  const header = { alg: 'RS256', typ: 'at+jwt', kid: 'kSvXbWQ9PGMoXrBGDyZ9b2hBFBGTQ1Xxcb0W6kxd2vM' }
  const claims = {
    iss: 'http://localhost:5000',
    sub: 'kVQnZK3gA1k0n8d1o3xw8Q',
    aud: 'http://localhost:5000',
    client_id: 'kVQnZK3gA1k0n8d1o3xw8Q',
    iat: 1_790_000_000,
    exp: 1_790_003_600,
    jti: 'Dk35y_OOnzagMXAbZ-lRvHmrg7EYn6nhdtrbjbtSAYH',
  }
  return lanes(16, async () => void (await new SignJWT(claims).setProtectedHeader(header).sign(privateKey)))
}

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
  rs256_sign: rs256Sign,
  argon2id_verify: argon2idVerify,
}

const [, , name = '', seconds = '3'] = Bun.argv
const prepare = ceilings[name]
if (!prepare) throw new Error(`no such ceiling: ${name}`)
console.log(
  JSON.stringify(await measure(name, await prepare(), { seconds: Number(seconds), warmup: 0.5, pids: [] })),
)
