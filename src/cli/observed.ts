/** The log and the store of a server as observers see them: reports of faults with SENTRY_DSN, the recorder with LAB, traces with OTEL_EXPORTER_OTLP_ENDPOINT. Each is loaded with its variable alone. */
import { type ErrorReports, reportingLog } from '../lib/error_reports.ts'
import { tracedLog, type Tracing } from '../lib/tracing.ts'
import { tracedStore } from '../store/traced.ts'
import type { FlowRecorder } from '../models/recording/recorder.ts'
import type { Opened } from './open.ts'

type Observable = Pick<Opened, 'config' | 'clock' | 'log' | 'store'>

export interface Observed<O extends Opened> {
  opened: O
  tracing: Tracing | undefined
  recorder: FlowRecorder | undefined
  errorReports: ErrorReports | undefined
}

export async function observed<O extends Opened>(plain: O): Promise<Observed<O>> {
  const { opened: reporting, errorReports } = await withErrorReports(plain)
  const { opened: recording, recorder } = await withRecorder(reporting)
  return { ...(await withTracing(recording)), recorder, errorReports }
}

/** The same log, whose errors are reported too. */
async function withErrorReports<O extends Opened>(plain: O) {
  const { sentryDsn: dsn } = plain.config
  if (dsn === undefined) return { opened: plain, errorReports: undefined }
  const { openErrorReports } = await import('./open_error_reports.ts')
  const errorReports = openErrorReports(plain.config, dsn, plain)
  return { opened: { ...plain, log: reportingLog(plain.log, errorReports) }, errorReports }
}

/** The same log and store, whose lines and verbs the recorder of the lab hears. */
export async function withRecorder<O extends Observable>(plain: O) {
  if (!plain.config.lab) return { opened: plain, recorder: undefined }
  const [{ openRecorder }, { recordedLog }, { recordedStore }] = await Promise.all([
    import('../models/recording/recorder.ts'),
    import('../lib/recorder.ts'),
    import('../store/recorded.ts'),
  ])
  const recorder = openRecorder(plain, plain.config.labShowSecrets)
  const log = recordedLog(plain.log, recorder)
  return { opened: { ...plain, log, store: recordedStore(plain.store, recorder) }, recorder }
}

/** The same log and store, whose lines and round trips belong to the request. */
async function withTracing<O extends Opened>(plain: O): Promise<{ opened: O; tracing: Tracing | undefined }> {
  const { otelExporterOtlpEndpoint: endpoint, store } = plain.config
  if (endpoint === undefined) return { opened: plain, tracing: undefined }
  const { openTracing } = await import('./open_tracing.ts')
  const tracing = openTracing(plain.config, endpoint, plain.log)
  const log = tracedLog(plain.log, tracing)
  return { opened: { ...plain, log, store: tracedStore(plain.store, store.kind, tracing) }, tracing }
}
