/** What the recorder of the lab keeps: exchanges of HTTP with the steps in between, as text that is masked and clipped. docs/lab.md */
import type { Claims } from '../../auth/jws.ts'
import type { KeysOf } from '../../lib/recorder.ts'

/** A JWT without its signature. */
export interface ReadToken {
  header: Claims
  claims: Claims
}

interface At {
  /** Milliseconds since the request arrived. */
  at: number
  /** The job that did it after the answer, such as a delivery. */
  job?: string | undefined
}

export interface CheckStep extends At {
  kind: 'check'
  held: boolean
  code: string
  rule: string
  expected: string
  came?: string | undefined
  wanted?: string | undefined
  problem?: string | undefined
  next?: string | undefined
}

export interface StoreStep extends At {
  kind: 'store'
  verb: string
  /** The kind of the record, such as `grant`. */
  of: string
  held?: boolean | undefined
  /** Milliseconds from then on until the record is gone. */
  ttl?: number | undefined
}

export interface SignatureStep extends At {
  kind: 'signed' | 'verified'
  held: boolean
  kid: string
  alg: string
  /** Of whom the key is. */
  whose: KeysOf
  token?: ReadToken | undefined
}

export interface Message {
  headers: readonly (readonly [name: string, value: string])[]
  /** Undefined for none, and for one that was not read. */
  body?: string | undefined
}

export interface OutboundStep extends At {
  kind: 'outbound'
  purpose: string
  sent: Message & { method: string; url: string }
  answer: (Message & { status: number }) | { problem: string }
}

export interface LogStep extends At {
  kind: 'log'
  level: string
  event: string
  fields: string
}

export type Step = CheckStep | StoreStep | SignatureStep | OutboundStep | LogStep

/** A step before it has its time. */
export type NewStep = Step extends infer S ? (S extends Step ? Omit<S, 'at'> : never) : never

/** The parties of a sequence diagram that send requests. */
export type Sender = 'browser' | 'client' | 'device' | 'api'

export interface Exchange {
  /** That of the request: it stands in the log, too. */
  id: string
  /** Milliseconds since the epoch, by the clock of the provider. */
  at: number
  /** Milliseconds until the answer. */
  took: number
  endpoint: string
  from: Sender
  grantType?: string | undefined
  clientId?: string | undefined
  /** The End-User: the username, else the `sub`. */
  person?: string | undefined
  request: Message & { method: string; url: string }
  answer: Message & { status: number; page?: SeenPage | undefined }
  /** Tokens of the request and of the answer, by the name of their parameter. */
  tokens: readonly { where: string; token: ReadToken }[]
  steps: readonly Step[]
  /** Steps that were left out beyond the bound. */
  left: number
}

/** What the End-User saw. */
export interface SeenPage {
  title: string
  /** Headings and the text of buttons. */
  says: readonly string[]
}

export type Outcome = 'succeeded' | 'refused' | 'failed' | 'open'

export interface Flow {
  id: string
  /** In order of time. */
  exchanges: readonly Exchange[]
  /** Exchanges that were dropped because the flow was too long. */
  dropped: number
}
