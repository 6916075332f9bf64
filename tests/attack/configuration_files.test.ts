/** Configuration files under attack: bombs, secrets that leak, plans for another store or another moment, rollbacks that revive, paths that lead elsewhere. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'bun:test'
import { carryOut } from '../../src/cli/plan/carry_out.ts'
import { makePlan } from '../../src/cli/plan/make_plan.ts'
import { openSaved, savePlan } from '../../src/cli/plan/saved_plan.ts'
import { shownPlan } from '../../src/cli/plan/show_plan.ts'
import { readSource } from '../../src/cli/plan/source.ts'
import { Refusal } from '../../src/cli/failure.ts'
import { Applied } from '../../src/models/applied.ts'
import { Client } from '../../src/models/client.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { applyFile, fileOf, planOf, sceneOf, wantedIn } from '../support/configuration.ts'
import { demo } from '../support/client.ts'
import { browser, introspect, post, refresh, tokensOf, userinfo } from '../support/flow.ts'
import { expectLinear } from '../support/linear.ts'
import { type Provider, provider, turnableClock } from '../support/provider.ts'

const folder = mkdtempSync(join(tmpdir(), 'latchkey-test-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const web = { client_id: 'web', redirect_uris: ['https://web.example/cb'] }
const job = { client_id: 'job', grant_types: ['client_credentials'], scope: '' }
const canary = 'canary-Q7rT2mXw9ZkLb4Vn8Yp3Hd6Gs1Fj5Cq0'
const other = 'canary-other-B5nM8vC2xZ7lK4jH1gF6dS9aP3oI0u'
const rules = { file: join(folder, 'latchkey.yaml'), allowExec: false, allowWeak: false }

describe('bombs', () => {
  const refused = (text: string) => expect(() => readSource(text, 'x.yaml')).toThrow(Refusal)

  test('aliases of aliases stand for a bounded number of values', () => {
    const laughs = ['a: &a [x, x, x, x, x, x, x, x, x]']
    for (const [name, before] of ['ba', 'cb', 'dc', 'ed', 'fe', 'gf', 'hg', 'ih', 'ji', 'kj'])
      laughs.push(`${name}: &${name} [${Array(9).fill(`*${before}`).join(', ')}]`)
    refused(laughs.join('\n'))
  })
  test('an alias within its own anchor ends', () => refused('a: &a [*a]'))
  test('an anchor that comes later, depth, numbers without end, two documents, tags', () => {
    for (const text of [
      'a: *b\nb: &b 1',
      '['.repeat(50_000),
      'a: 1e999',
      'a: 1\n---\nb: 2',
      'a: !!js/function x',
    ])
      refused(text)
  })
  test('many faults, keys and anchors take time by the length', async () => {
    const read = (text: string) => readSource(text, 'x.yaml')
    for (const piece of ['"\\x', '&a ', '!a ', 'a: &a b\n', '- *a\n', '- b: c\n', '- &a b\n- *a\n'])
      await expectLinear((n) => piece.repeat(n), read, 1_000)
    await expectLinear((n) => Array.from({ length: n }, (_, i) => `k${i}: 1`).join('\n'), read, 1_000)
  }, 120_000)
  test('a name of a prototype is a name', async () => {
    const { context } = await provider()
    expect(() =>
      wantedIn('latchkey: 1\nclients: [{client_id: a, __proto__: {first_party: true}}]', context),
    ).toThrow('__proto__: there is no such member')
  })
})

/** All that the store keeps, as text. */
async function everything({ context }: Provider): Promise<string> {
  let all = ''
  for await (const page of context.store.scan()) for (const found of page) all += `${JSON.stringify(found)}\n`
  return all
}

test('a secret is in no plan, saved plan, history, log or refusal', async () => {
  process.env.CANARY_SECRET = canary
  const op = await provider({ env: { AUDIT_SIGNING_KEY: 'a-key-for-the-audit-trail-of-this-test' } })
  const text = fileOf({ ...web, client_secret: 'env:CANARY_SECRET' })
  const wanted = wantedIn(text, op.context)
  const plan = await makePlan(wanted, { path: rules.file, rules }, op.context)
  const saved = join(folder, 'canary.plan')
  savePlan(saved, rules.file, wanted, plan, op.context)
  const { facts } = await shownPlan(plan)
  await carryOut(plan, { what: 'apply' }, undefined, op.context)
  expect(
    (
      await post(
        op,
        '/token',
        { ...demo, client_id: 'web', client_secret: canary },
        { grant_type: 'authorization_code', code: 'x', redirect_uri: 'https://web.example/cb' },
      )
    ).body.error,
  ).toBe('invalid_grant')
  const seen = [
    JSON.stringify(facts),
    await Bun.file(saved).text(),
    op.lines.join('\n'),
    await everything(op),
  ]
  for (const text of seen) expect(text).not.toContain(canary)
  expect(seen[3]).toContain('env:CANARY_SECRET')

  for (const place of [canary, `vault ${canary}`, `env:${canary}`, `file:${canary}`]) {
    const refusal = await planOf(op.context, fileOf({ ...web, client_secret: place })).catch((e: Error) => e)
    expect(refusal).toBeInstanceOf(Refusal)
    expect((refusal as Error).message).not.toContain(canary)
  }
  // In a member where it does not belong.
  for (const member of ['client_secret_overlap', 'disabled', 'client_id']) {
    const attempt = async () => planOf(op.context, fileOf({ ...web, [member]: `${canary} ` }))
    const refusal = await attempt().catch((error: Error) => error)
    expect(refusal).toBeInstanceOf(Refusal)
    expect((refusal as Error).message).not.toContain(canary)
  }
})

test('a secret variable of Latchkey itself, and a command, become no client secret', async () => {
  const { context } = await provider()
  process.env.SECRET_KEY ??= 'the-secret-key-of-nothing-in-this-test'
  for (const place of [
    'env:SECRET_KEY',
    'env:SECRET_KEY_FILE',
    'env:BACKUP_KEY',
    'exec:id',
    'env:',
    'env:A B',
    'env:A=B',
  ])
    await expect(planOf(context, fileOf({ ...web, client_secret: place }))).rejects.toThrow('client_secret')
})

test('a relative path stays in the folder of the file, links included', async () => {
  const { context } = await provider()
  const inner = join(folder, 'inner')
  mkdirSync(inner)
  writeFileSync(join(inner, 'good'), `${canary}\n`)
  writeFileSync(join(folder, 'outside'), `${canary}\n`)
  symlinkSync(join(folder, 'outside'), join(inner, 'link'))
  const own = { file: join(inner, 'latchkey.yaml') }
  const at = (place: string) => planOf(context, fileOf({ ...web, client_secret: place }), own)
  expect((await at('file:good')).changes).toHaveLength(1)
  expect((await at(`file:${join(folder, 'outside')}`)).changes).toHaveLength(1)
  for (const place of [
    'file:../outside',
    'file:link',
    'file:./../outside',
    'file:good/../../outside',
    'file:/dev/zero',
    'file:.',
    'file:',
    'file:none',
  ])
    await expect(at(place)).rejects.toThrow('client_secret')
})

describe('saved plans', () => {
  const save = async (op: Provider, text: string, name: string) => {
    const wanted = wantedIn(text, op.context)
    const plan = await makePlan(wanted, { path: rules.file, rules }, op.context)
    const path = join(folder, name)
    savePlan(path, rules.file, wanted, plan, op.context)
    return path
  }
  const applySaved = async (op: Provider, path: string) =>
    carryOut(
      await openSaved(path, rules, op.context, sceneOf(op.context)),
      { what: 'apply' },
      undefined,
      op.context,
    )

  test('one that fits is applied once', async () => {
    const op = await provider()
    const path = await save(op, fileOf(web), 'fits')
    await applySaved(op, path)
    await expect(applySaved(op, path)).rejects.toThrow('came first')
  })

  test('one for another store is refused', async () => {
    const [one, two] = [await provider(), await provider()]
    const path = await save(one, fileOf(web), 'store')
    await Applied.open(two.context)
    await expect(applySaved(two, path)).rejects.toThrow('another store')
  })

  test('one is refused when a client, a secret, or the plan itself was changed in between', async () => {
    process.env.MOVING_SECRET = canary
    const op = await provider()
    const text = fileOf(
      { ...web, client_secret: 'env:MOVING_SECRET' },
      { client_id: demo.client_id, redirect_uris: [demo.redirect_uri] },
    )
    const path = await save(op, text, 'moving')

    process.env.MOVING_SECRET = other
    await expect(applySaved(op, path)).rejects.toThrow('no longer fits')
    process.env.MOVING_SECRET = canary

    const edited = join(folder, 'edited')
    writeFileSync(
      edited,
      (await Bun.file(path).text()).replace('https://web.example/cb', 'https://evil.example/cb'),
    )
    await expect(applySaved(op, edited)).rejects.toThrow('no longer fits')

    await Client.update(op.context, demo.client_id, (client) => ({ ...client, client_name: 'Moved' }))
    await expect(applySaved(op, path)).rejects.toThrow('no longer fits')
    expect(await Client.find(op.context, 'web')).toBeUndefined()
  })

  test('what is no plan is refused without its content', async () => {
    const op = await provider()
    const path = join(folder, 'odd')
    for (const text of ['', '{', '[]', '{"latchkey_plan":1}', canary]) {
      writeFileSync(path, text)
      const refusal = await openSaved(path, rules, op.context, sceneOf(op.context)).catch(
        (error: Error) => error,
      )
      expect(refusal).toBeInstanceOf(Refusal)
      expect((refusal as Error).message).not.toContain(canary)
    }
  })
})

describe('rollback', () => {
  const back = async (op: Provider, text: string) => {
    const plan = await planOf(op.context, text, {}, true)
    await carryOut(plan, { what: 'rollback', to: 1 }, undefined, op.context)
    op.clock.advance(2_000) // clients are cached for a second
    return plan
  }

  test('tokens and grants of a removed client stay ended when a rollback makes it again', async () => {
    process.env.DEMO_SECRET = `${demo.client_secret}`
    const own = {
      client_id: demo.client_id,
      client_secret: 'env:DEMO_SECRET',
      redirect_uris: [demo.redirect_uri],
      scope: 'openid profile email offline_access',
    }
    const op = await provider({ clock: turnableClock(), store: memoryStore(turnableClock()) })
    const weak = { allowWeak: true }
    await applyFile(op.context, fileOf(own, job), weak)
    op.clock.advance(2_000)
    const tokens = await tokensOf(op, browser(op))
    expect((await userinfo(op, tokens.access_token)).status).toBe(200)
    const jobSecret = (await Client.find(op.context, 'job'))!

    await applyFile(op.context, fileOf())
    op.clock.advance(2_000)
    expect((await userinfo(op, tokens.access_token)).status).toBe(401)

    await back(op, fileOf(own, job))
    expect((await userinfo(op, tokens.access_token)).status).toBe(401)
    const client = (await Client.find(op.context, demo.client_id))!
    expect(client.tokens_since).toBeGreaterThan(0)
    // Nor does the secret that ended with it come back.
    expect((await refresh(op, demo, tokens.refresh_token)).body.error).toBe('invalid_client')
    expect((await Client.find(op.context, 'job'))!.secret_mac).not.toBe(jobSecret.secret_mac!)
  })

  test('a token that a client had for itself does not become one of the client that is made again', async () => {
    process.env.JOB_SECRET = canary
    const op = await provider()
    const own = { ...job, client_secret: 'env:JOB_SECRET' }
    const holder = { client_id: 'job', client_secret: canary, redirect_uri: '' }
    await applyFile(op.context, fileOf(own))
    op.clock.advance(2_000)
    const { body } = await post(op, '/token', holder, { grant_type: 'client_credentials' })
    const token = String(body.access_token)
    await applyFile(op.context, fileOf())
    op.clock.advance(2_000)
    // The file itself, with the same secret: the operator wants it again.
    await applyFile(op.context, fileOf(own))
    op.clock.advance(2_000)
    const fresh = await post(op, '/token', holder, { grant_type: 'client_credentials' })
    expect(fresh.status).toBe(200)
    expect((await introspect(op, token, holder)).active).toBe(false)
    expect((await introspect(op, String(fresh.body.access_token), holder)).active).toBe(true)
  })

  test('a secret that was replaced stays replaced', async () => {
    process.env.OLD_SECRET = canary
    process.env.NEW_SECRET = other
    const op = await provider()
    const old = { ...job, client_secret: 'env:OLD_SECRET', client_secret_overlap: 0 }
    await applyFile(op.context, fileOf(old))
    await applyFile(op.context, fileOf({ ...old, client_name: 'Job', client_secret: 'env:NEW_SECRET' }))
    await back(op, fileOf(old))
    const ask = (client_secret: string) =>
      post(
        op,
        '/token',
        { client_id: 'job', client_secret, redirect_uri: '' },
        { grant_type: 'client_credentials' },
      )
    expect((await ask(canary)).body.error).toBe('invalid_client')
    expect((await ask(other)).status).toBe(200)
    expect((await Client.find(op.context, 'job'))?.client_name).toBeUndefined()
  })
})
