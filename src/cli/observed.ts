/** The log and the store of a server as observers see them: reports of faults with SENTRY_DSN, the recorder with LAB, traces with OTEL_EXPORTER_OTLP_ENDPOINT. Each is loaded with its variable alone. */
import { type ErrorReports, reportingLog } from '../lib/error_reports.ts'
import { tracedLog, type Tracing } from '../lib/tracing.ts'
import { tracedStore } from '../store/traced.ts'
import type { FlowRecorder, Listening } from '../models/recording/recorder.ts'
import type { Opened } from './open.ts'

type Observable = Pick<Opened, 'config' | 'clock' | 'log' | 'store'>

export interface Observers {
  tracing: Tracing | undefined
  errorReports: ErrorReports | undefined
}

export interface Observed<O extends Opened> extends Observers {
  opened: O
  recorder: FlowRecorder | undefined
  /** Without the recorder of the server and without traces: what a realm adds its own to. */
  unrecorded: O
}

export async function observed<O extends Opened>(plain: O): Promise<Observed<O>> {
  const { opened: unrecorded, errorReports } = await withErrorReports(plain)
  const { opened: recording, recorder } = await withRecorder(unrecorded)
  const tracing = await tracingOf(recording)
  return {
    opened: tracing ? traced(recording, tracing) : recording,
    unrecorded,
    recorder,
    tracing,
    errorReports,
  }
}

/** The same log, whose errors are reported too. */
async function withErrorReports<O extends Opened>(plain: O) {
  const { sentryDsn: dsn } = plain.config
  if (dsn === undefined) return { opened: plain, errorReports: undefined }
  const { openErrorReports } = await import('./open_error_reports.ts')
  const errorReports = openErrorReports(plain.config, dsn, plain)
  return { opened: { ...plain, log: reportingLog(plain.log, errorReports) }, errorReports }
}

/** How much a recorder keeps, and where it hears the checks of the process; left out: as a server alone does. */
interface Recording {
  bytes?: number
  listening?: Listening
}

/** The same log and store, whose lines and verbs the recorder of the lab hears. */
export async function withRecorder<O extends Observable>(plain: O, { bytes, listening }: Recording = {}) {
  if (!plain.config.lab) return { opened: plain, recorder: undefined }
  const [{ openRecorder }, { recordedLog }, { recordedStore }] = await Promise.all([
    import('../models/recording/recorder.ts'),
    import('../lib/recorder.ts'),
    import('../store/recorded.ts'),
  ])
  const recorder = openRecorder(plain, plain.config.labShowSecrets, bytes, listening)
  const log = recordedLog(plain.log, recorder)
  return { opened: { ...plain, log, store: recordedStore(plain.store, recorder) }, recorder }
}

async function tracingOf({ config, log }: Opened): Promise<Tracing | undefined> {
  const { otelExporterOtlpEndpoint: endpoint } = config
  if (endpoint === undefined) return undefined
  const { openTracing } = await import('./open_tracing.ts')
  return openTracing(config, endpoint, log)
}

/** The same log and store, whose lines and round trips belong to the request. */
export const traced = <O extends Observable>(plain: O, tracing: Tracing): O => ({
  ...plain,
  log: tracedLog(plain.log, tracing),
  store: tracedStore(plain.store, plain.config.store.kind, tracing),
})
