/** Traces by OpenTelemetry, sent to a collector as OTLP over HTTP. Loaded only with OTEL_EXPORTER_OTLP_ENDPOINT. https://opentelemetry.io/docs/specs/otlp/#otlphttp docs/decisions/0079 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { hostname } from 'node:os'
import { ROOT_CONTEXT, type Span, SpanKind, SpanStatusCode, trace, TraceFlags } from '@opentelemetry/api'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { resourceFromAttributes } from '@opentelemetry/resources'
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BatchSpanProcessor,
  ParentBasedSampler,
  type Sampler,
  type SpanExporter,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace'
import type { Config } from '../config.ts'
import type { Log } from '../lib/log.ts'
import { type TraceParent, writeTraceParent } from '../lib/traceparent.ts'
import type { OpenSpan, Tracing } from '../lib/tracing.ts'
import { version } from '../version.ts'

/** Spans that wait for the collector. Later ones are dropped: about two megabytes. */
const mostWaiting = 2_048
const batch = 512
const closeMs = 2_000
const graceMs = 1_000
const longestProblem = 200

const samplers: Record<Config['otelTracesSampler'], (ratio: number) => Sampler> = {
  always_on: () => new AlwaysOnSampler(),
  always_off: () => new AlwaysOffSampler(),
  traceidratio: (ratio) => new TraceIdRatioBasedSampler(ratio),
  parentbased_always_on: () => new ParentBasedSampler({ root: new AlwaysOnSampler() }),
  parentbased_always_off: () => new ParentBasedSampler({ root: new AlwaysOffSampler() }),
  parentbased_traceidratio: (ratio) => new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(ratio) }),
}

/** Says once that the collector takes no spans, and once that it takes them again. */
function watched(exporter: SpanExporter, log: Log) {
  let problem: string | undefined
  const note = (found: string | undefined) => {
    if (found !== undefined && problem === undefined) log.warn('traces_not_sent', { problem: found })
    if (found === undefined && problem !== undefined) log.info('traces_sent_again')
    problem = found
  }
  const watching: SpanExporter = {
    export: (spans, done) =>
      exporter.export(spans, (result) => {
        const { code, error } = result
        note(code === 0 ? undefined : (error?.message ?? 'refused').slice(0, longestProblem))
        done(result)
      }),
    shutdown: () => exporter.shutdown(),
    ...(exporter.forceFlush && { forceFlush: () => exporter.forceFlush!() }),
  }
  return { exporter: watching, problem: () => problem }
}

const parentOf = (span: Span): TraceParent => {
  const { traceId, spanId, traceFlags } = span.spanContext()
  return { traceId, spanId, sampled: (traceFlags & TraceFlags.SAMPLED) !== 0 }
}

const contextOf = ({ traceId, spanId, sampled }: TraceParent) => ({
  traceId,
  spanId,
  traceFlags: sampled ? TraceFlags.SAMPLED : TraceFlags.NONE,
  isRemote: true,
})

const opened = (span: Span): OpenSpan => ({
  get traceparent() {
    return writeTraceParent(parentOf(span))
  },
  set: (attributes) => void span.setAttributes(attributes),
  fail: () => void span.setStatus({ code: SpanStatusCode.ERROR }),
})

/** The message of an error may quote a person or a secret: its name alone is kept. */
function endWith(span: Span, error: unknown): never {
  span.setAttribute('error.type', error instanceof Error ? error.name : 'unknown')
  span.setStatus({ code: SpanStatusCode.ERROR })
  span.end()
  throw error
}

export function openTracing(config: Config, endpoint: string, log: Log): Tracing {
  const { otelExporterOtlpHeaders: headers, otelExporterOtlpTimeout: timeoutMillis } = config
  const sent = watched(
    new OTLPTraceExporter({
      url: `${endpoint.replace(/\/$/, '')}/v1/traces`,
      timeoutMillis,
      concurrencyLimit: 1,
      ...(headers && { headers }),
    }),
    log,
  )
  const provider = new TracerProvider({
    sampler: samplers[config.otelTracesSampler](config.otelTracesSamplerArg),
    resource: resourceFromAttributes({
      'service.name': config.otelServiceName,
      'service.version': version,
      'service.instance.id': `${hostname()}:${config.port}`,
    }),
    spanProcessors: [
      new BatchSpanProcessor({
        exporter: sent.exporter,
        maxQueueSize: mostWaiting,
        maxExportBatchSize: batch,
        exportTimeoutMillis: timeoutMillis + graceMs, // the exporter gives up first, and says why
      }),
    ],
  })
  const tracer = provider.getTracer('latchkey', version)
  const active = new AsyncLocalStorage<Span>()

  function run<T>(span: Span, work: (open: OpenSpan) => T): T {
    let result: T
    try {
      result = active.run(span, work, opened(span))
    } catch (error) {
      return endWith(span, error)
    }
    if (!(result instanceof Promise)) {
      span.end()
      return result
    }
    return result.then(
      (value: unknown) => {
        span.end()
        return value
      },
      (error: unknown) => endWith(span, error),
    ) as T
  }

  return {
    request({ name, attributes, caller }, work) {
      const remote = caller && contextOf(caller.of)
      const isChild = remote !== undefined && caller?.trusted === true
      const links = remote && !isChild ? [{ context: remote }] : []
      const parent = isChild ? trace.setSpanContext(ROOT_CONTEXT, remote) : ROOT_CONTEXT
      return run(tracer.startSpan(name, { kind: SpanKind.SERVER, attributes, links }, parent), work)
    },
    job(name, work) {
      const options = { kind: SpanKind.INTERNAL, attributes: { 'latchkey.job': name } }
      return run(tracer.startSpan(`job ${name}`, options, ROOT_CONTEXT), work)
    },
    within({ name, kind, attributes }, work) {
      const parent = active.getStore()
      if (!parent?.isRecording()) return work(parent && opened(parent))
      const options = { kind: kind === 'client' ? SpanKind.CLIENT : SpanKind.INTERNAL, attributes }
      return run(tracer.startSpan(name, options, trace.setSpan(ROOT_CONTEXT, parent)), work)
    },
    traceId: () => active.getStore()?.spanContext().traceId,
    problem: sent.problem,
    close: () => Promise.race([provider.shutdown().catch(() => {}), Bun.sleep(closeMs)]),
  }
}
