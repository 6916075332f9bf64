/** The recorder of the teaching lab as the provider sees it. models/recording/ keeps what it hears; without LAB there is none. docs/decisions/0092-recorder.md */
import type { AdjustableLog, Fields, LogLevel } from './log.ts'

/** A verb of the store on one key. The value is read for the names of client and End-User, and is not kept. */
export interface StoreEvent {
  verb: string
  key: string
  value?: string | undefined
  /** Milliseconds. */
  ttl?: number | undefined
  /** What the store answered: the value was there, or the write counted. */
  held?: boolean | undefined
}

export interface OutboundEvent {
  purpose: string
  method: string
  url: string
  headers: Readonly<Record<string, string>>
  body: string | undefined
  answer: { status: number; headers: Readonly<Record<string, string>>; body: string } | { problem: string }
}

/** Where the key of a signature is looked for. */
export type KeysOf = 'provider' | 'client' | 'client_secret' | 'issuer' | 'header'

/** What the parts of the provider tell the recorder. Each call belongs to the request that runs; outside of one it does nothing. */
export interface Heard {
  store(event: StoreEvent): void
  /** `input`: header and payload of a JWS, encoded. */
  signed(kid: string, alg: string, input: string): void
  /** `whose`: those of whom the key is looked for among; this provider's by default. */
  verified(jwt: string, held: boolean, whose?: KeysOf): void
  outbound(event: OutboundEvent): void
  log(level: LogLevel, event: string, fields: Fields): void
}

/** A request as it arrives. */
export interface Arrival {
  method: string
  url: string
  headers: readonly (readonly [name: string, value: string])[]
  /** What was read of the body until now; undefined while nothing was. */
  body(): string | undefined
  endpoint: { name: string; page: boolean }
}

/** An answer as it was sent. */
export interface SentAnswer {
  status: number
  headers: readonly (readonly [name: string, value: string])[]
  body: string
}

export interface Recorder extends Heard {
  /** Runs work that goes on after its request, such as a delivery: `key` is that of its record. What is heard joins the flow of that request. */
  later<T>(job: string, key: string, work: () => Promise<T>): Promise<T>
  /** Answers a request and keeps both, with all that is heard until then. `kept` is called with what became a part of a flow. */
  exchange<T>(
    arrival: Arrival,
    answer: () => Promise<T> | T,
    read: (given: T) => Promise<SentAnswer>,
    kept?: (kept: { flow: string; request: string }) => void,
  ): Promise<T>
}

/** The result of `verify`, heard as the verification of the signature of `jwt`. Without the lab it is `verify` and nothing more. */
export async function heardVerification<T>(
  { recorder }: { recorder?: Pick<Heard, 'verified'> | undefined },
  { jwt, whose }: { jwt: string; whose: KeysOf },
  verify: () => Promise<T>,
): Promise<T> {
  if (!recorder) return verify()
  try {
    const verified = await verify()
    recorder.verified(jwt, true, whose)
    return verified
  } catch (error) {
    recorder.verified(jwt, false, whose)
    throw error
  }
}

/** The same log, whose lines are also heard, of all levels. */
export function recordedLog(log: AdjustableLog, recorder: Pick<Heard, 'log'>): AdjustableLog {
  const heard = (level: 'debug' | 'info' | 'warn' | 'error') => (event: string, fields?: Fields) => {
    recorder.log(level, event, fields ?? {})
    log[level](event, fields)
  }
  return {
    debug: heard('debug'),
    info: heard('info'),
    warn: heard('warn'),
    error: heard('error'),
    setLevel: (level, levels) => log.setLevel(level, levels),
  }
}
