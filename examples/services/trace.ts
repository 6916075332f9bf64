/** One trace through all programs that one request goes through. https://www.w3.org/TR/trace-context/#traceparent-header */
import { AsyncLocalStorage } from 'node:async_hooks'
import { randomBytes } from 'node:crypto'

export interface Trace {
  /** 32 hexadecimal digits: the same in every program. */
  traceId: string
  /** 16 hexadecimal digits: another one in every program. */
  spanId: string
}

const current = new AsyncLocalStorage<Trace>()

const hex = (bytes: number) => randomBytes(bytes).toString('hex')
export const newTrace = (): Trace => ({ traceId: hex(16), spanId: hex(8) })
export const childOf = ({ traceId }: Trace): Trace => ({ traceId, spanId: hex(8) })

export const inTrace = <T>(trace: Trace, act: () => T): T => current.run(trace, act)
export const currentTrace = (): Trace | undefined => current.getStore()

/** Undefined for what is not exactly one: then a trace of its own begins, and nothing of the text is used or logged. */
export function readTraceParent(text: string | null): Trace | undefined {
  const [, traceId, spanId] = /^00-([\da-f]{32})-([\da-f]{16})-[\da-f]{2}$/.exec(text ?? '') ?? []
  if (traceId === undefined || spanId === undefined || /^0+$/.test(traceId) || /^0+$/.test(spanId))
    return undefined
  return { traceId, spanId }
}

/** Headers for a request to another program, the provider included. */
export function traceHeaders(): Record<string, string> {
  const trace = currentTrace()
  return trace ? { traceparent: `00-${trace.traceId}-${trace.spanId}-01` } : {}
}
