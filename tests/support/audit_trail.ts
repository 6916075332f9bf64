/** An audit trail on a real store, and its lines as an export has them. */
import { deriveKey } from '../../src/lib/hash.ts'
import { createLog } from '../../src/lib/log.ts'
import { type Audit, openAudit } from '../../src/models/audit/audit.ts'
import { exportLines } from '../../src/models/audit/export_lines.ts'
import { trailIssuer } from '../../src/models/audit/trail_issuer.ts'
import { note } from '../../src/models/audit/note.ts'
import { type Demands, type Verification, verifyTrail } from '../../src/models/audit/verify.ts'
import { memoryStore } from '../../src/store/memory.ts'
import type { Store } from '../../src/store/store.ts'
import { type TurnableClock, turnableClock } from './provider.ts'

export const auditKey = 'an-audit-signing-key-of-the-tests'
const issuer = 'https://id.example'

export interface TrailOptions {
  store?: Store
  clock?: TurnableClock
  chain?: string
  issuer?: string
  signingKeys?: readonly string[]
  secretKey?: string
  isServer?: boolean
}

export interface TestTrail {
  audit: Audit
  store: Store
  clock: TurnableClock
  logged: string[]
  /** Entries about the numbers given, each in the store. */
  write(...numbers: number[]): Promise<void>
  sign(): Promise<void>
  /** As `latchkey audit export` writes them. */
  lines(): Promise<string[]>
  /** With the public key alone, unless `macKeys` are given. */
  verify(lines?: readonly string[], more?: Partial<Demands>): Promise<Verification>
}

export async function trail(options: TrailOptions = {}): Promise<TestTrail> {
  const clock = options.clock ?? turnableClock()
  const store = options.store ?? memoryStore(clock)
  const logged: string[] = []
  const log = createLog('debug', 'text', (line) => logged.push(line))
  const iss = options.issuer ?? issuer
  const secretKey = options.secretKey ?? 'the secret key of the tests'
  const audit = await openAudit(
    { store, clock, log },
    {
      issuer: iss,
      secretKey: [secretKey],
      people: deriveKey(secretKey, 'audit people'),
      signingKeys: options.signingKeys ?? [auditKey],
      chain: options.chain ?? 'one',
      operator: 'tester',
    },
    options.isServer ?? false,
  )
  const lines = async () =>
    Array.fromAsync(exportLines({ store, issuer: iss }, await audit.checkpoints.newest()))
  return {
    audit,
    store,
    clock,
    logged,
    async write(...numbers) {
      for (const each of numbers) {
        clock.advance(1)
        await note(undefined, { log, audit }, 'client_registered', { client_id: `client ${each}` })
      }
    },
    async sign() {
      await audit.checkpoints.extend(audit, { all: true })
    },
    lines,
    verify: async (given, more = {}) =>
      verifyTrail(given ?? (await lines()), {
        keys: audit.ring,
        issuer: trailIssuer(await audit.checkpoints.newest(), iss),
        ...more,
      }),
  }
}

/** What is found, in one line each. */
export const words = ({ findings }: Verification): string[] => findings.map(({ text }) => text)
