/** Alerts under attack: floods of keys that a stranger chooses, mail bombing, injected text, two instances, a crash between two steps. docs/audit.md, "Alerts" */
import { describe, expect, test } from 'bun:test'
import { loadConfig } from '../../src/config.ts'
import { mailOf } from '../../src/features/audit/alert_mail.ts'
import { createLog } from '../../src/lib/log.ts'
import { activeAlerts } from '../../src/models/audit/alerts/active.ts'
import { endQuiet, judgeSink } from '../../src/models/audit/alerts/judge.ts'
import { type Rule, rulesOf } from '../../src/models/audit/alerts/rule.ts'
import { kilometres } from '../../src/models/audit/alerts/travel.ts'
import { readLine } from '../../src/models/audit/entry.ts'
import type { Draft } from '../../src/models/audit/trail.ts'
import { runStream, stateOf } from '../../src/models/audit/stream/stream.ts'
import { featureEntries } from '../../src/table.ts'
import { auditKey, trail, type TestTrail } from '../support/audit_trail.ts'
import { sizedStore } from '../support/odd_stores.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { provider, turnableClock } from '../support/provider.ts'

const minute = 60_000
const partsOf = (one: TestTrail) => ({
  audit: one.audit,
  store: one.store,
  clock: one.clock,
  log: createLog('debug', 'text', (line) => one.logged.push(line)),
})

interface Watched extends TestTrail {
  /** Writes the entries, and judges what is new. */
  happen(...drafts: Draft[]): Promise<void>
  judge(): Promise<void>
  over(): Promise<void>
  /** `RULE of WHOM`, in order. */
  told(kind?: 'alert_raised' | 'alert_over'): Promise<string[]>
}

const places: Readonly<Record<string, { latitude: number; longitude: number }>> = {
  '203.0.113.1': { latitude: 48.2, longitude: 16.4 }, // Vienna
  '203.0.113.2': { latitude: 47.1, longitude: 15.4 }, // Graz
  '203.0.113.3': { latitude: -33.9, longitude: 151.2 }, // Sydney
}

async function watched(rules: readonly Rule[] = rulesOf({}), base?: TestTrail): Promise<Watched> {
  const one = base ?? (await trail())
  const findPlace = (address: string) => Promise.resolve(places[address])
  const judge = async () => {
    while (await runStream(partsOf(one), judgeSink({ ...partsOf(one), findPlace }, rules)));
  }
  await one.write(0)
  await judge()
  return {
    ...one,
    judge,
    over: () => endQuiet(partsOf(one)),
    async happen(...drafts) {
      for (const draft of drafts) one.audit.later(draft)
      await one.audit.flush()
      await judge()
    },
    async told(kind = 'alert_raised') {
      const entries = (await one.lines()).flatMap((line) => readLine(line)?.entry ?? [])
      return entries
        .filter((entry) => entry.kind === kind)
        .map(({ details }) => `${String(details?.rule)} of ${String(details?.of)}`)
    },
  }
}

const wrong = (address: string, more: Partial<Draft> = {}): Draft => ({
  ...{ kind: 'sign_in_failed', outcome: 'refused', actor: 'unproven', address },
  ...more,
})
const times = (count: number, draft: Draft) => Array.from({ length: count }, () => draft)

describe('a rule', () => {
  test('is raised at its threshold, once, and told when it is over', async () => {
    const one = await watched()
    await one.happen(...times(49, wrong('203.0.113.9')))
    expect(await one.told()).toEqual([])
    await one.happen(wrong('203.0.113.9'))
    await one.happen(...times(80, wrong('203.0.113.9')))
    expect(await one.told()).toEqual(['guessing_by_address of 203.0.113.9'])
    await one.over()
    expect(await one.told('alert_over')).toEqual([])
    expect(await activeAlerts(one.store, 10)).toMatchObject([
      { rule: 'guessing_by_address', of: '203.0.113.9' },
    ])
    one.clock.advance(11 * minute)
    await one.over()
    await one.over()
    expect(await one.told('alert_over')).toEqual(['guessing_by_address of 203.0.113.9'])
    expect(await activeAlerts(one.store, 10)).toEqual([])
    // It may begin again.
    await one.happen(...times(50, wrong('203.0.113.9')))
    expect(await one.told()).toHaveLength(2)
  })

  test('that goes on is not over', async () => {
    const one = await watched()
    await one.happen(...times(50, wrong('203.0.113.9')))
    for (let i = 0; i < 8; i += 1) {
      one.clock.advance(5 * minute)
      await one.happen(...times(60, wrong('203.0.113.9')))
      await one.over()
    }
    expect([await one.told(), await one.told('alert_over')]).toEqual([
      ['guessing_by_address of 203.0.113.9'],
      [],
    ])
  })

  test('counts the addresses of one /64 of IPv6 together, and an entry of many refusals as many', async () => {
    const [rule] = rulesOf({}).filter(({ name }) => name === 'guessing_by_address')
    const one = await watched([
      rule!,
      {
        name: 'refusals',
        kinds: ['refusals_counted'],
        threshold: 1000,
        window: 600,
        by: 'address',
        level: 'warning',
      },
    ])
    await one.happen(...Array.from({ length: 50 }, (_, i) => wrong(`2001:db8::${i.toString(16)}`)))
    expect(await one.told()).toEqual(['guessing_by_address of 2001:db8:0:0::/64'])
    await one.happen({
      ...{ kind: 'refusals_counted', outcome: 'refused', actor: 'unproven', address: '203.0.113.9' },
      details: { count: 1200 },
    })
    expect(await one.told()).toContain('refusals of 203.0.113.9')
  })

  test('the built-in ones: replay, impossible travel, mass export, keys, a damaged trail', async () => {
    const one = await watched()
    const of = (draft: Partial<Draft> & Pick<Draft, 'kind'>): Draft => ({
      ...{ outcome: 'success', actor: 'server' },
      ...draft,
    })
    await one.happen(
      of({ kind: 'refresh_token_reused', client_id: 'app' }),
      of({ kind: 'changed_by_operator', operator: 'root', details: { change: 'accounts_exported' } }),
      of({ kind: 'changed_by_operator', operator: 'root', details: { change: 'administrator_granted' } }),
      of({ kind: 'changed_by_operator', operator: 'root', details: { change: 'client_added' } }),
      of({ kind: 'keys_failed', details: { problem: 'x' } }),
      of({ kind: 'audit_trail_damaged', details: { problem: 'x' } }),
      of({ kind: 'signed_in', subject: 'p1', address: '203.0.113.1' }),
    )
    one.clock.advance(30 * minute)
    await one.happen(of({ kind: 'signed_in', subject: 'p1', address: '203.0.113.2' }))
    expect(await one.told()).not.toContain('impossible_travel of p1')
    one.clock.advance(30 * minute)
    await one.happen(
      of({ kind: 'signed_in', subject: 'p2', address: '203.0.113.3' }),
      of({ kind: 'signed_in', subject: 'p1', address: '203.0.113.3' }),
      of({ kind: 'signed_in', subject: 'p3', address: '198.51.100.1' }),
    )
    expect((await one.told()).toSorted()).toEqual([
      'impossible_travel of p1',
      'key_problem of ',
      'mass_export of ',
      'new_administrator of ',
      'replay of app',
      'trail_damaged of ',
    ])
    expect(kilometres(places['203.0.113.1']!, places['203.0.113.3']!)).toBeCloseTo(15_950, -2)
  })

  test('the first owner, made before the first start, is told; one of a trail of old is not', async () => {
    const granted: Draft = {
      kind: 'changed_by_operator',
      outcome: 'success',
      actor: 'operator',
      operator: 'root',
      details: { change: 'administrator_granted' },
    }
    for (const [age, told] of [
      [minute, ['new_administrator of ']],
      [48 * 60 * minute, []],
    ] as const) {
      const one = await trail()
      one.audit.later(granted)
      await one.audit.flush()
      one.clock.advance(age)
      const later = await watched(rulesOf({}), one)
      expect(await later.told()).toEqual([...told])
      // Of the next start nothing comes again.
      await later.judge()
      expect(await later.told()).toEqual([...told])
    }
  })

  test('two instances count together, and one of them raises it', async () => {
    const one = await watched()
    const base = await trail({ store: one.store, clock: one.clock, chain: 'two' })
    const two = await watched(rulesOf({}), base)
    for (let i = 0; i < 30; i += 1) {
      one.audit.later(wrong('203.0.113.9'))
      base.audit.later(wrong('203.0.113.9'))
      await Promise.all([one.audit.flush(), base.audit.flush()])
      await Promise.all([one.judge(), two.judge()])
    }
    await one.judge()
    expect(await one.told()).toEqual(['guessing_by_address of 203.0.113.9'])
  })

  test('raised by an instance that died before it told, is told by the next', async () => {
    const one = await watched()
    const { keep } = one.audit
    one.audit.keep = () => Promise.reject(new Error('the process dies here'))
    await one.happen(...times(50, wrong('203.0.113.9')))
    expect(await one.told()).toEqual([])
    one.audit.keep = keep
    one.clock.advance(2 * minute)
    await one.judge()
    expect(await one.told()).toEqual(['guessing_by_address of 203.0.113.9'])
  })

  test('of a backlog counts no number, and forgets no single event', async () => {
    const one = await watched()
    for (const draft of times(60, wrong('203.0.113.9'))) one.audit.later(draft)
    one.audit.later({ kind: 'refresh_token_reused', outcome: 'refused', actor: 'client', client_id: 'app' })
    await one.audit.flush()
    one.clock.advance(300 * minute)
    await one.judge()
    expect(await one.told()).toEqual(['replay of app'])
  })
})

test('entries that no rule asks for are passed over, whatever their text; what follows them is judged', async () => {
  const one = await watched()
  const draft: Draft = {
    ...{ kind: 'tokens_issued', outcome: 'success', actor: 'client' },
    client_id: '","kind":"refresh_token_reused","x":"',
  }
  await one.happen(...times(1_200, draft))
  expect(await stateOf(one.store, 'alerts', one.audit.keys)).toMatchObject({ lag: 0 })
  await one.happen(...times(300, draft), {
    ...{ kind: 'refresh_token_reused', outcome: 'refused', actor: 'client', client_id: 'app' },
  })
  expect(await one.told()).toEqual(['replay of app'])
})

describe('a flood', () => {
  test('of addresses and clients that a stranger chooses keeps a bounded number of records', async () => {
    const clock = turnableClock()
    const sized = sizedStore(memoryStore(clock))
    const rule: Rule = {
      ...{ name: 'refused', kinds: ['refused'], threshold: 3, window: 600, by: 'client', level: 'warning' },
    }
    const one = await watched([rule], await trail({ store: sized.store, clock }))
    const before = sized.keys().length
    for (let at = 0; at < 13_000; at += 1_000)
      await one.happen(
        ...Array.from({ length: 1_000 }, (_, i): Draft => ({
          ...{ kind: 'refused', outcome: 'refused', actor: 'unproven', client_id: `made up ${at + i}` },
        })),
      )
    const counts = sized
      .keys()
      .slice(before)
      .filter((key) => key.startsWith('audit_alert_count'))
    expect(counts.length).toBeLessThanOrEqual(10_001)
    // Those beyond the bound are counted together, and are an alert of many.
    expect(await one.told()).toEqual(['refused of many'])
  })

  test('of addresses that each reach the threshold is a bounded number of alerts', async () => {
    const one = await watched([
      {
        name: 'guessing',
        kinds: ['sign_in_failed'],
        threshold: 2,
        window: 600,
        by: 'address',
        level: 'warning',
      },
    ])
    for (let i = 0; i < 200; i += 1) await one.happen(...times(2, wrong(`198.51.100.${i}`)))
    const told = await one.told()
    expect(told).toHaveLength(21)
    expect(told.at(-1)).toBe('guessing of many')
  })

  test('of alerts is few mails; those that wait come together', async () => {
    const op = await provider({
      env: {
        AUDIT_SIGNING_KEY: auditKey,
        AUDIT_ALERT_MAIL: 'ops@example.com',
        AUDIT_ALERT_MAILS_PER_HOUR: '3',
      },
    })
    const { alertMailSink } = await import('../../src/features/audit/alert_mail.ts')
    const { context } = op
    const parts = { ...context, audit: context.audit! }
    const sink = alertMailSink(context)
    const alert = async (n: number) => {
      await context.audit!.keep({
        ...{ kind: 'alert_raised', outcome: 'failure', actor: 'server' },
        details: {
          rule: `rule_${n}`,
          level: 'warning',
          of: '',
          count: n,
          about: 'one:1',
          since: 'x',
          last: 'x',
        },
      })
      await runStream(parts, sink)
    }
    await context.audit!.flush()
    await runStream(parts, sink)
    for (let n = 1; n <= 40; n += 1) await alert(n)
    const mails = async () => (await context.store.range('mail_outbox')).length
    expect(await mails()).toBe(3)
    op.clock.advance(61 * minute)
    await alert(41)
    expect(await mails()).toBe(4)
  })
})

describe('text that a stranger chose', () => {
  test('is one line of the mail, and no markup', () => {
    const entry = (of: string) => ({
      ...{ v: 1 as const, chain: 'one', seq: 1, time: '2026-11-29T10:00:00.000Z', key: 'k', mac: 'm' },
      ...{ kind: 'alert_raised' as const, outcome: 'failure' as const, actor: 'server' as const },
      details: {
        rule: 'replay',
        level: 'critical',
        of,
        count: 1,
        about: 'one:1',
        since: 'then',
        last: 'then',
      },
    })
    const evil = 'app\r\nBcc: everyone@example.com\n2026  CRITICAL forged \u202e<img src=x onerror=alert(1)>'
    const { subject, text, html } = mailOf([entry(evil), entry('x'.repeat(5000))], 'https://id.example', {})
    expect(subject).toBe('CRITICAL: replay and 1 more (id.example)')
    expect(text.split('\n').filter((line) => line.startsWith('2026'))).toHaveLength(2)
    expect(text).not.toMatch(/[\r\u202e]/)
    expect(text.length).toBeLessThan(1500)
    expect(html).not.toContain('<img')
  })
})

describe('AUDIT_ALERTS', () => {
  const read = (AUDIT_ALERTS: string) => {
    try {
      const config = loadConfig({ AUDIT_SIGNING_KEY: auditKey, AUDIT_ALERTS }, { featureEntries })
      return config.features.audit!.auditAlerts as Rule[]
    } catch (error) {
      return (error as Error).message
    }
  }

  test('changes, adds and turns off rules', () => {
    const rules = read(
      '{"rules":{"replay":false,"key_problem":{"kinds":["keys_failed"],"level":"warning"},"many_tokens":{"kinds":["tokens_issued"],"by":"client","threshold":1000,"window":60}}}',
    ) as Rule[]
    expect(rules.map(({ name }) => name)).not.toContain('replay')
    expect(rules.find(({ name }) => name === 'key_problem')!.level).toBe('warning')
    expect(rules.at(-1)).toEqual({
      ...{
        name: 'many_tokens',
        kinds: ['tokens_issued'],
        by: 'client',
        threshold: 1000,
        window: 60,
        level: 'warning',
      },
    })
    expect(read('off')).toEqual([])
  })

  const wrongs: Record<string, string> = {
    'a rule on alerts, which would raise itself': '{"rules":{"a":{"kinds":["alert_raised"]}}}',
    'a kind that there is not': '{"rules":{"a":{"kinds":["sign_in"]}}}',
    'a member that there is not': '{"rules":{"a":{"kinds":["refused"],"treshold":5}}}',
    'a window without end': '{"rules":{"a":{"kinds":["refused"],"window":1e9}}}',
    'a name with a line break': '{"rules":{"a\\nb":{"kinds":["refused"]}}}',
    'no JSON': '{',
    'no file': '/no/such/file.json',
    'more rules than are judged': JSON.stringify({
      rules: Object.fromEntries(Array.from({ length: 51 }, (_, i) => [`r${i}`, { kinds: ['refused'] }])),
    }),
  }
  test.each(Object.entries(wrongs))('%s is refused', (_, text) => {
    expect(read(text)).toContain('AUDIT_ALERTS: ')
  })
})
