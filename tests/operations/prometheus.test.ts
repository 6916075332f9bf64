/** deploy/prometheus and deploy/grafana: checked by promtool, and used by a real Prometheus that scrapes a provider. Issue 10, section 3. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { families } from '../../src/lib/metric_table.ts'
import { createMetrics } from '../../src/lib/metrics.ts'
import { demo } from '../support/client.ts'
import { document, root } from '../support/document.ts'
import { clientCredentials, good } from '../support/journey.ts'
import { type Prometheus, promtool, startPrometheus } from '../support/prometheus.ts'
import { spawnProvider, type SpawnedProvider } from '../support/provider.ts'
import { until } from '../support/until.ts'

setDefaultTimeout(240_000)

const token = 'a-metrics-token-of-some-length'
const rules = join(root, 'deploy/prometheus/rules.yaml')
let folder: string
let op: SpawnedProvider
let prometheus: Prometheus

interface Panel {
  id: number
  title: string
  gridPos: { x: number; y: number; w: number; h: number }
  targets: { expr: string }[]
}
const dashboard = JSON.parse(document('deploy/grafana/dashboard.json')) as { panels: Panel[] }

const metrics = async () =>
  (await fetch(`${op.issuer}/metrics`, { headers: { authorization: `Bearer ${token}` } })).text()

/** Something of everything: tokens, a wrong secret, a wrong password, a path that is not served. */
async function traffic() {
  await good(clientCredentials({ issuer: op.issuer, fetch }))
  await fetch(`${op.issuer}/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa(`${demo.client_id}:wrong`)}` },
    body: new URLSearchParams({ grant_type: 'client_credentials' }),
  })
  await fetch(`${op.issuer}/authorize`)
  await fetch(`${op.issuer}/nothing`)
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'latchkey-scrape-'))
  op = await spawnProvider({ METRICS_TOKEN: token })
  await traffic()
  copyFileSync(rules, join(folder, 'rules.yaml'))
  writeFileSync(join(folder, 'metrics_token'), `${token}\n`)
  const config = document('deploy/prometheus/prometheus.yaml')
    .replace(/(scrape|evaluation)_interval: 15s/g, '$1_interval: 1s')
    .replace('scrape_timeout: 10s', 'scrape_timeout: 1s')
    .replace('localhost:5000', new URL(op.issuer).host)
  writeFileSync(join(folder, 'prometheus.yaml'), config)
  prometheus = await startPrometheus(join(folder, 'prometheus.yaml'))
})
afterAll(async () => {
  await Promise.all([prometheus?.stop(), op?.stop()])
  rmSync(folder, { recursive: true, force: true })
})

/** Of a query, without what is in brackets, quotes and braces. */
const namesIn = (expr: string): string[] =>
  expr
    .match(/\b(?:latchkey|process|oidc)_[a-z_]+/g)
    ?.map((name) => name.replace(/_(bucket|sum|count)$/, '')) ?? []

test('the example configuration and the rules are right', async () => {
  const { code, said } = await promtool(['check', 'config', join(folder, 'prometheus.yaml')])
  expect([code, said]).toEqual([0, expect.stringContaining('rules.yaml')])
})

test('the metrics follow the conventions of Prometheus', async () => {
  const { code, said } = await promtool(['check', 'metrics'], await metrics())
  expect([code, said]).toEqual([0, ''])
})

test('each metric is in the table, has HELP and TYPE, and is served', async () => {
  const served = await metrics()
  // With the memory store there is one clock alone, nothing reached a limit, the audit trail is off, and no key is at a service.
  const absent = [
    'latchkey_clock_offset_seconds',
    'latchkey_rate_limited_total',
    'latchkey_audit_stream_lag_entries',
    'latchkey_remote_signatures_total',
    'latchkey_remote_signature_seconds_total',
    'latchkey_remote_signatures_waiting',
    'latchkey_audit_alerts_active',
  ]
  for (const [name, { type, help }] of Object.entries(families)) {
    if (absent.includes(name)) continue
    expect(served).toContain(`# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`)
  }
  const names = [...served.matchAll(/^([a-z_]+)/gm)].flatMap(([, name = '']) => namesIn(name))
  expect([...new Set(names)].filter((name) => !(name in families))).toEqual([])
})

test('each metric is documented with its labels', () => {
  const rows = document('docs/operations.md').replaceAll(/ +/g, ' ')
  for (const [name, { type, help, labels = [] }] of Object.entries(families)) {
    const listed = labels.map((label) => `\`${label}\``).join(', ')
    expect(rows).toContain(`\n| \`${name}\` | ${type} |${listed ? ` ${listed} ` : ' '}| ${help} |\n`)
  }
})

test('the names of the Flask provider say the same', async () => {
  const text = await metrics()
  const numbers = (pattern: RegExp) => [...text.matchAll(pattern)].map(([, value]) => Number(value))
  const sum = (pattern: RegExp) => numbers(pattern).reduce((a, b) => a + b, 0)
  expect(numbers(/^oidc_tokens_issued_total (\d+)$/gm)).toEqual([
    sum(/^latchkey_tokens_issued_total\{.*\} (\d+)$/gm),
  ])
  expect(sum(/^oidc_tokens_issued_total (\d+)$/gm)).toBeGreaterThan(0)
  expect(sum(/^oidc_auth_requests_total (\d+)$/gm)).toBe(
    sum(/^latchkey_requests_total\{endpoint="authorization".*\} (\d+)$/gm),
  )
  expect(sum(/^oidc_response_time_seconds\{endpoint="\/token"\} (\S+)$/gm)).toBeGreaterThan(0)
})

test('a label value without end makes no series without end', () => {
  const counted = createMetrics()
  for (let i = 0; i < 5_000; i++) counted.count('refusals', 'code', `made_up_${i}`)
  const lines = counted.render([], new Map()).match(/^latchkey_refusals_total\{.*$/gm) ?? []
  expect(lines).toHaveLength(201)
  expect(lines).toContain('latchkey_refusals_total{code="other"} 4800')
})

test('rules and dashboard name metrics that exist', async () => {
  const exprs = [
    ...document('deploy/prometheus/rules.yaml').matchAll(/expr: ([\s\S]*?)\n +(?:for|labels):/g),
  ].map(([, expr = '']) => expr)
  exprs.push(...dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)))
  expect(exprs.length).toBeGreaterThan(40)
  const named = new Set(exprs.flatMap(namesIn))
  expect(named.size).toBeGreaterThan(18)
  expect([...named].filter((name) => !(name in families))).toEqual([])
})

test('the panels of the dashboard lie beside each other', () => {
  const { panels } = dashboard
  expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length)
  const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
    Array.from({ length: w * h }, (_, i) => `${x + (i % w)},${y + Math.floor(i / w)}`),
  )
  expect(new Set(cells).size).toBe(cells.length)
  expect(Math.max(...panels.map(({ gridPos: { x, w } }) => x + w))).toBe(24)
})

test('a real Prometheus scrapes the provider, loads the rules and answers each panel', async () => {
  const tokens = 'latchkey_requests_total{job="latchkey",endpoint="token",status="200"}'
  await until(async () => (await prometheus.query(tokens)).length > 0, 'the first scrape')
  expect((await prometheus.query(tokens))[0]?.value[1]).toBe('1')
  expect((await prometheus.query('up{job="latchkey"}'))[0]?.value[1]).toBe('1')

  interface Groups {
    groups: { rules: { name: string; health: string; state: string }[] }[]
  }
  const alerts = async () => (await prometheus.api<Groups>('rules')).groups.flatMap((group) => group.rules)
  await until(
    async () => (await alerts()).every(({ health }) => health !== 'unknown'),
    'each rule to be evaluated',
  )
  for (const { name, health, state } of await alerts())
    expect([name, health, state]).toEqual([name, 'ok', 'inactive'])

  const empty = ['Clock', 'Beyond a limit'] // no other clock, and no limit was reached
  await until(async () => {
    await traffic()
    for (const { title, targets } of dashboard.panels)
      for (const { expr } of targets) {
        const concrete = expr
          .replaceAll('$__rate_interval', '1m')
          .replaceAll('$job', 'latchkey')
          .replaceAll('$instance', '.*')
        const found = await prometheus.query(concrete) // throws what it cannot read
        if (found.length === 0 && !empty.includes(title)) return false
      }
    return true
  }, 'data for each panel')
})

/** Series of Prometheus' rule tests, one value a minute. */
type Series = Record<string, string>
const of = 'job="latchkey",instance="a"'
const steady = '0+60x100'
const check = (essential: boolean) => `latchkey_health_check{${of},check="x",essential="${essential}"}`
const answers = (status: number) => `latchkey_requests_total{${of},endpoint="token",status="${status}"}`
const counter = (name: string, labels = '') => `latchkey_${name}_total{${of}${labels}}`
const bucket = (le: string) => `latchkey_response_time_seconds_bucket{${of},endpoint="token",le="${le}"}`
const times = `latchkey_response_time_seconds_count{${of},endpoint="token"}`
const never = '0x100'
const once = '0x90 1x10'

const cases: Record<string, { fires: Series; quiet: Series }> = {
  LatchkeyDown: { fires: { [`up{${of}}`]: never }, quiet: { [`up{${of}}`]: '1x100' } },
  LatchkeyCheckFails: {
    fires: { [check(true)]: never },
    quiet: { [check(true)]: '1x100', [check(false)]: never },
  },
  LatchkeyCheckWarns: {
    fires: { [check(false)]: never },
    quiet: { [check(false)]: '1x100', [check(true)]: never },
  },
  LatchkeyUnavailable: {
    fires: { [answers(200)]: steady, [answers(503)]: '0+6x100' },
    quiet: { [answers(200)]: steady, [answers(503)]: '0+1x100' },
  },
  LatchkeyErrors: {
    fires: { [answers(500)]: once },
    quiet: { [answers(500)]: '1x100', [answers(503)]: steady },
  },
  LatchkeySlow: {
    fires: { [bucket('1')]: never, [bucket('2.5')]: steady, [bucket('+Inf')]: steady, [times]: steady },
    quiet: { [bucket('1')]: steady, [bucket('2.5')]: steady, [bucket('+Inf')]: steady, [times]: steady },
  },
  LatchkeySignInsFail: {
    fires: {
      [counter('sign_ins', ',result="failure"')]: '0+30x100',
      [counter('sign_ins', ',result="success"')]: '0+20x100',
    },
    quiet: {
      [counter('sign_ins', ',result="failure"')]: '0+30x100',
      [counter('sign_ins', ',result="success"')]: '0+40x100',
    },
  },
  LatchkeyRateLimited: {
    fires: { [counter('rate_limited', ',what="requests"')]: '0+60x100' },
    quiet: { [counter('rate_limited', ',what="requests"')]: '0+6x100' },
  },
  LatchkeyReplay: {
    fires: {
      [counter('refresh_token_reuse')]: once,
      [counter('authorization_code_reuse')]: never,
      [counter('device_code_reuse')]: never,
      [counter('auth_req_id_reuse')]: never,
    },
    quiet: {
      [counter('refresh_token_reuse')]: '7x100',
      [counter('authorization_code_reuse')]: never,
      [counter('device_code_reuse')]: never,
      [counter('auth_req_id_reuse')]: never,
    },
  },
  LatchkeyMailsWait: {
    fires: { [counter('mails', ',result="postponed"')]: '0+1x100' },
    quiet: {
      [counter('mails', ',result="postponed"')]: once,
      [counter('mails', ',result="delivered"')]: steady,
    },
  },
  LatchkeyMailsLost: {
    fires: { [counter('mails', ',result="given_up"')]: once },
    quiet: {
      [counter('mails', ',result="given_up"')]: '3x100',
      [counter('mails', ',result="postponed"')]: steady,
    },
  },
  LatchkeyLogoutsLost: {
    fires: { [counter('logout_deliveries', ',result="given_up"')]: once },
    quiet: { [counter('logout_deliveries', ',result="postponed"')]: once },
  },
  LatchkeyClockOff: {
    fires: { [`latchkey_clock_offset_seconds{${of}}`]: '-3x100' },
    quiet: { [`latchkey_clock_offset_seconds{${of}}`]: '1x100' },
  },
  LatchkeySignInQueueFull: {
    fires: {
      [`latchkey_sign_in_queue_waiting{${of}}`]: '85x100',
      [`latchkey_sign_in_queue_limit{${of}}`]: '100x100',
    },
    quiet: {
      [`latchkey_sign_in_queue_waiting{${of}}`]: '75x100',
      [`latchkey_sign_in_queue_limit{${of}}`]: '100x100',
    },
  },
  LatchkeyMemoryGrows: {
    fires: { [`process_resident_memory_bytes{${of}}`]: '100x50 300x10' },
    quiet: { [`process_resident_memory_bytes{${of}}`]: '100x50 150x10' },
  },
}

describe('each alert fires when it should, and only then', () => {
  test('each alert of the rules has a case', () => {
    const alerts = [...document('deploy/prometheus/rules.yaml').matchAll(/alert: (\w+)/g)].map(
      ([, name]) => name,
    )
    expect(Object.keys(cases).toSorted()).toEqual(alerts.toSorted() as string[])
  })

  /** `minutes` between two values and two evaluations. */
  async function tryRules(names: readonly string[], minutes: number, at: number) {
    const tests = names.flatMap((alert) =>
      Object.entries(cases[alert]!).map(([which, series]) => ({
        interval: `${minutes}m`,
        input_series: Object.entries(series).map(([name, values]) => ({ series: name, values })),
        promql_expr_test: [
          {
            expr: `count(ALERTS{alertname="${alert}",alertstate="firing"}) or vector(0)`,
            eval_time: `${at}m`,
            exp_samples: [{ labels: '{}', value: which === 'fires' ? 1 : 0 }],
          },
        ],
      })),
    )
    const file = join(folder, `rules_test_${minutes}.yaml`)
    writeFileSync(
      file,
      JSON.stringify({ rule_files: ['rules.yaml'], evaluation_interval: `${minutes}m`, tests }),
    )
    const { code, said } = await promtool(['test', 'rules', file])
    expect([code, said]).toEqual([0, expect.stringContaining('SUCCESS')])
  }

  const overADay = ['LatchkeyMemoryGrows']
  test('within minutes', () =>
    tryRules(
      Object.keys(cases).filter((name) => !overADay.includes(name)),
      1,
      95,
    ))
  test('over a day', () => tryRules(overADay, 30, 58 * 30))
})
