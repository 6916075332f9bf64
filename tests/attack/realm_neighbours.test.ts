/** What realms share in one process and one browser, and what is under way when one is opened again. docs/realms.md */
import { describe, expect, test } from 'bun:test'
import { cookieName } from '../../src/http/cookie.ts'
import { csrfToken } from '../../src/http/csrf.ts'
import type { Context } from '../../src/contracts/context.ts'
import { exportLines } from '../../src/models/audit/export_lines.ts'
import { note } from '../../src/models/audit/note.ts'
import { auditKey } from '../support/audit_trail.ts'
import { type Provider } from '../support/provider.ts'
import { openRealm, realmOf, withRealms } from '../support/realms.ts'
import { until } from '../support/until.ts'

const live = '/lab/flows/live'
const mostOfOne = 10

async function openStream(place: Provider): Promise<ReadableStreamDefaultReader<Uint8Array>> {
  const answer = await place.fetch(live)
  expect(answer.status).toBe(200)
  return answer.body!.getReader()
}

describe('streams', () => {
  test('of one realm take no place of another one or of the server, for one address', async () => {
    const op = await withRealms({ env: { LAB: 'true' } })
    const [a, b] = [await realmOf(op, 'a'), await realmOf(op, 'b')]
    const taken = await Promise.all(Array.from({ length: mostOfOne }, () => openStream(a)))
    for (const each of taken) expect((await each.read()).done).toBe(false)
    const tooMany = await openStream(a)
    expect((await tooMany.read()).done).toBe(true)
    for (const place of [b, op]) {
      const own = await openStream(place)
      expect((await own.read()).done).toBe(false)
      taken.push(own)
    }
    for (const each of taken) await each.cancel()
  })
})

describe('sign-ins', () => {
  test('that flood one realm fill neither the queue of the server nor that of another realm, and come in turns', async () => {
    const env = { SIGN_IN_CONCURRENCY: '1', SIGN_IN_QUEUE: '2' }
    const op = await withRealms({ env })
    const [a, b] = [await realmOf(op, 'a'), await realmOf(op, 'b')]
    const begun: string[] = []
    const ends: (() => void)[] = []
    const work = (name: string) => () =>
      new Promise<void>((resolve) => {
        begun.push(name)
        ends.push(resolve)
      })
    const enter = ({ context }: Provider, name: string) =>
      context.signInQueue.run(work(name)).then(
        () => 'done',
        () => 'refused',
      )
    const flood = Array.from({ length: 50 }, () => enter(a, 'a'))
    const others = [enter(b, 'b'), enter(op, 'server')]
    for (let ended = 0; ended < 5; ended++) {
      await until(() => ends.length > ended, 'the next one')
      ends[ended]!()
    }
    expect(await Promise.all(others)).toEqual(['done', 'done'])
    expect(begun.slice(0, 3)).toEqual(['a', 'b', 'server'])
    expect((await Promise.all(flood)).filter((each) => each === 'refused')).toHaveLength(47)
  })
})

describe('the recorder of a realm', () => {
  for (const issuer of ['http://localhost:5000', 'https://op.example', 'https://op.example/base'])
    test(`has no cookie of the server at ${issuer}, also where its lab shows secrets`, async () => {
      const op = await withRealms({ env: { ISSUER_URL: issuer } })
      const a = await realmOf(op, 'a', { settings: { LAB: 'true', LAB_SHOW_SECRETS: 'true' } })
      const own = cookieName(a.context.config, 'browser')
      const others = ['session', 'browser'].map((name) => cookieName(op.context.config, name))
      const cookie = [
        ...others.map((name) => `${name}=of-the-server`),
        `${own}=of-the-realm`,
        'x=of-the-server',
      ]
      await a.fetch('/authorize?client_id=client123', { headers: { cookie: cookie.join('; ') } })
      const kept = JSON.stringify(a.context.recorder!.flows.list())
      expect(kept).toContain(`${own}=of-the-realm`)
      expect(kept).not.toContain('of-the-server')
    })
})

describe('the audit trail of a realm', () => {
  const kindsOf = async ({ store, config }: Context): Promise<string[]> => {
    const lines = await Array.fromAsync(exportLines({ store, issuer: config.issuer }, undefined))
    return lines.flatMap((line) => (JSON.parse(line) as { kind?: string }).kind ?? [])
  }

  test('has the sign-in of a request that was under way when the realm was opened with other settings', async () => {
    const op = await withRealms({ env: { AUDIT_SIGNING_KEY: auditKey } })
    const { context: before } = await realmOf(op, 'a')
    const lab = { LAB: 'true' }
    await op.context.realms!.update('a', (realm) => ({ ...realm, settings: { ...realm.settings, ...lab } }))
    const { context } = await openRealm(op, 'a')
    expect(context.audit).not.toBe(before.audit)
    note(undefined, before, 'signed_in', { sub: 'user-alice' })
    await until(async () => (await kindsOf(context)).includes('signed_in'), 'the entry', 5_000)
    expect(await kindsOf(context)).toEqual(['started', 'stopped', 'started', 'signed_in'])
  })
})

describe('a form of one origin', () => {
  const purpose = 'lab_worksheet'
  const browser = 'x'.repeat(32)

  test('is accepted where its token was made alone, though Origin and Sec-Fetch-Site are those of all', async () => {
    const op = await withRealms({ env: { LAB: 'true' } })
    const places = [op, await realmOf(op, 'a'), await realmOf(op, 'b')]
    const { origin } = new URL(op.issuer)
    for (const from of places)
      for (const at of places) {
        const fields = {
          csrf_token: csrfToken(from.context, browser, purpose),
          lesson: 'pkce',
          begin: 'begin',
        }
        const answer = await at.fetch('/lab/worksheet', {
          method: 'POST',
          redirect: 'manual',
          headers: {
            origin,
            'sec-fetch-site': 'same-origin',
            cookie: `${cookieName(at.context.config, 'browser')}=${browser}`,
          },
          body: new URLSearchParams(fields),
        })
        expect([from.issuer, at.issuer, answer.status]).toEqual([
          from.issuer,
          at.issuer,
          from === at ? 303 : 403,
        ])
      }
  })
})
