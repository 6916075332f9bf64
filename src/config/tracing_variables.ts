/** Variables of traces and of reports of faults, by the names of OpenTelemetry and of Sentry. https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/ */
import type { Sections } from './entry.ts'
import * as is from './schemas.ts'

const dsnText = 'the DSN of a project: https://KEY@HOST/PROJECT'

/** https://develop.sentry.dev/sdk/foundations/transport/authentication/ */
const dsn = is.described(dsnText, (text): string | undefined => {
  const url = /^https?:\/\/[\w-]{1,100}@[^@\s?#]+\/\d+$/.test(text) ? URL.parse(text) : null
  return url ? text : undefined
})

export const tracingSections = {
  Traces: [
    {
      name: 'OTEL_EXPORTER_OTLP_ENDPOINT',
      realm: 'server',
      schema: is.webUrl,
      help: 'A collector that takes traces as OTLP over HTTP, such as http://localhost:4318; `/v1/traces` is added. Without it there are no traces.',
    },
    {
      name: 'OTEL_EXPORTER_OTLP_HEADERS',
      realm: 'server',
      schema: is.headerList,
      secret: true,
      needs: 'OTEL_EXPORTER_OTLP_ENDPOINT',
      help: 'Headers for the collector: `name=value`, separated by commas, percent-encoded.',
    },
    {
      name: 'OTEL_EXPORTER_OTLP_TIMEOUT',
      realm: 'server',
      schema: is.integer(100, 60_000),
      default: '10000',
      help: 'Milliseconds for which one batch is tried.',
    },
    {
      name: 'OTEL_SERVICE_NAME',
      realm: 'server',
      schema: is.text,
      default: 'latchkey',
      help: 'The name of this provider in the traces.',
    },
    {
      name: 'OTEL_TRACES_SAMPLER',
      realm: 'server',
      schema: is.oneOf(
        'always_on',
        'always_off',
        'traceidratio',
        'parentbased_always_on',
        'parentbased_always_off',
        'parentbased_traceidratio',
      ),
      default: 'parentbased_always_on',
      help: 'Which requests are traced. `parentbased_…` follows the parent where TRACE_PARENT_FROM allows one.',
    },
    {
      name: 'OTEL_TRACES_SAMPLER_ARG',
      realm: 'server',
      schema: is.ratio,
      default: '1',
      help: 'For `traceidratio`: the part of the requests, from 0 to 1.',
    },
    {
      name: 'TRACE_PARENT_FROM',
      realm: 'server',
      schema: is.networks,
      default: '',
      help: 'Addresses of proxies whose `traceparent` is the parent of our spans; they must replace that of their clients. From all others it is a link: a stranger neither joins a trace nor decides what is recorded.',
    },
  ],
  'Error reports': [
    {
      name: 'SENTRY_DSN',
      realm: 'server',
      schema: dsn,
      secret: true,
      help: 'The DSN of a project of Sentry, or of a server with its protocol: https://KEY@HOST/PROJECT. Faults of the provider are then reported there, without data of people, requests or secrets. Without it there are no reports.',
    },
    {
      name: 'SENTRY_ENVIRONMENT',
      realm: 'server',
      schema: is.text,
      needs: 'SENTRY_DSN',
      computed: 'NODE_ENV',
      help: 'The environment in those reports, such as staging.',
    },
  ],
} as const satisfies Sections
