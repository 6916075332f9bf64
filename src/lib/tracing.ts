/** Traces as the provider sees them. cli/open_tracing.ts makes them with OpenTelemetry; without OTEL_EXPORTER_OTLP_ENDPOINT there are none. docs/decisions/0079 */
import type { AdjustableLog, Fields } from './log.ts'
import type { TraceParent } from './traceparent.ts'

/** No personal data, no secrets, no parameters of URLs: names of our code, statuses, hosts, request ids. */
export type Attributes = Readonly<Record<string, string | number | boolean>>

export interface OpenSpan {
  /** The header for requests that belong to this span. */
  readonly traceparent: string
  set(attributes: Attributes): void
  /** The span ended in a fault of ours, although nothing was thrown. */
  fail(): void
}

export interface SpanStart {
  name: string
  kind: 'client' | 'internal'
  attributes: Attributes
}

export interface ServerSpanStart extends Omit<SpanStart, 'kind'> {
  /** The span that the caller names. `trusted`: this span is its child, and follows its sampling; otherwise it has a link to it. */
  caller: { of: TraceParent; trusted: boolean } | undefined
}

export interface Tracing {
  /** Runs `work` in the span of a request. The span ends when the result is there. */
  request<T>(start: ServerSpanStart, work: (span: OpenSpan) => T): T
  /** Runs `work` in the span of a job, which belongs to no request. */
  job<T>(name: string, work: () => T): T
  /** Runs `work` in a span below the active one. Without an active one, as at the start, there is no span. */
  within<T>(start: SpanStart, work: (span: OpenSpan | undefined) => T): T
  /** The trace of the active span. */
  traceId(): string | undefined
  /** Why the last batch of spans was not sent; undefined when it was, or when there was none. */
  problem(): string | undefined
  /** Sends what waits, for at most two seconds. */
  close(): Promise<void>
}

/** The same log, with the trace of the request in each line. */
export function tracedLog(log: AdjustableLog, tracing: Pick<Tracing, 'traceId'>): AdjustableLog {
  const named = (fields: Fields | undefined): Fields => ({ trace_id: tracing.traceId(), ...fields })
  return {
    debug: (event, fields) => log.debug(event, named(fields)),
    info: (event, fields) => log.info(event, named(fields)),
    warn: (event, fields) => log.warn(event, named(fields)),
    error: (event, fields) => log.error(event, named(fields)),
    setLevel: (level, levels) => log.setLevel(level, levels),
  }
}
