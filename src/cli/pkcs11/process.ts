/**
 * The process that has a PKCS#11 library in its memory: one JSON line of stdin is a request, one of stdout its answer. The first
 * request names the token and has the PIN. The process ends with its stdin, which ends with the server.
 */
import { Pkcs11Error } from './library.ts'
import type { Failure, Request } from './protocol.ts'
import { openToken, PinRefused, type Token } from './token.ts'

/** CKR_… after which this session signs nothing more. */
const lostCodes = [0x30, 0x32, 0x60, 0x82, 0xb0, 0xb3, 0xe0, 0xe1, 0x101]

function kindOf(error: unknown): Failure['kind'] {
  if (error instanceof PinRefused) return 'refused'
  return error instanceof Pkcs11Error && lostCodes.includes(error.code) ? 'lost' : 'failed'
}

const answer = (value: object): void => void process.stdout.write(`${JSON.stringify(value)}\n`)

export async function serveLibrary(): Promise<void> {
  // The service manager signals all processes of a service; this one is needed until the server has ended.
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => {})
  let token: Token | undefined
  for await (const line of console) {
    const request = JSON.parse(line) as Request
    try {
      if ('open' in request) {
        token = openToken(request.open)
        answer({ id: request.id })
      } else if (!token) throw new Error('no token was opened')
      else if ('keys' in request) answer({ id: request.id, keys: token.keys(request.alg, request.keys) })
      else {
        const made = token.sign(request.alg, request.sign, request.input)
        answer({ id: request.id, signature: Buffer.from(made).toString('base64url') })
      }
    } catch (error) {
      const kind = kindOf(error)
      answer({ id: request.id, problem: (error as Error).message, kind } satisfies Failure)
      if (kind === 'lost') break
    }
  }
  process.exit(0)
}
