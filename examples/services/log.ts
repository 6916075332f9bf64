/** One line of JSON for each event, with the trace. Give it names and numbers, never a token, a header or a body. */
import { currentTrace } from './trace.ts'

export type Log = (
  event: string,
  fields?: Readonly<Record<string, string | number | readonly string[]>>,
) => void

export const createLog =
  (service: string, write = (line: string) => console.log(line)): Log =>
  (event, fields = {}) => {
    const { traceId, spanId } = currentTrace() ?? {}
    write(JSON.stringify({ service, event, trace_id: traceId, span_id: spanId, ...fields }))
  }
