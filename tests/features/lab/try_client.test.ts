/** `latchkey try-client`: a client that checks everything passes; one that does not fails on what it does not check, and on nothing else. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { createBrowser } from '../../../src/cli/try_client/browser.ts'
import { type Account, type OwnProvider, startProvider } from '../../../src/cli/try_client/own_provider.ts'
import { type FaultRow, type Outcome, type Result, tryFaults } from '../../../src/cli/try_client/trial.ts'
import { freePort } from '../../support/free_port.ts'
import { relyingParty, type RelyingParty, signedInText } from '../../support/relying_party.ts'

setDefaultTimeout(120_000)

const port = freePort()
const client = { client_id: 'tried', client_secret: 'a secret of the tried client' }
let op: OwnProvider
let rows: FaultRow[]
beforeAll(async () => {
  op = await startProvider(0, {
    ...client,
    redirect_uri: `http://localhost:${port}/callback`,
    id_token_alg: undefined,
  })
  rows = (await op.lab<{ faults: FaultRow[] }>('GET', '/trouble')).faults
})
afterAll(() => op.stop())

/** Seconds that a slow answer takes. The client gives up when the fault is told, so no run lasts that long. */
const slow = 25

/** A slow fault is counted before it waits. */
async function isLate(): Promise<boolean> {
  const { on } = await op.lab<{ on: { fault: string; told: number }[] }>('GET', '/trouble')
  return on.some(({ fault, told }) => fault.endsWith('_slow') && told > 0)
}

const browserOf = (account?: Account) => createBrowser(op.issuer, account, 60_000)

async function run(
  careless: readonly string[],
  only?: readonly string[],
  restarts = true,
): Promise<Outcome[]> {
  const rp: RelyingParty = relyingParty(port, client, () => op.issuer, { careless, isLate })
  try {
    return await tryFaults(
      {
        provider: op,
        clientId: client.client_id,
        start: rp.start,
        isSignedIn: ({ text }) => text.includes(signedInText),
        newBrowser: () => browserOf(op.account),
        stranger: () => browserOf(),
        restart: restarts ? rp.restart : undefined,
        slow,
      },
      only ? rows.filter(({ fault }) => only.includes(fault)) : rows,
      () => {},
    )
  } finally {
    await rp.stop()
  }
}

const good: Readonly<Record<FaultRow['expects'], Result>> = {
  refusal: 'refused',
  sign_in: 'followed',
  either: 'survived',
}

/** What becomes of a fault at a client without its check, where it is not swallowed. */
const otherwise: Readonly<Record<string, Result>> = {
  huge: 'broken',
  jwks_slow: 'broken',
  token_slow: 'broken',
}

const names = [
  'iss',
  'aud',
  'azp',
  'nonce',
  'nonce_missing',
  'at_hash',
  'expired',
  'future',
  'sub_missing',
  'signature',
  'kid',
  'alg_none',
  'alg_swapped',
  'huge',
  'key_rotated',
  'jwks_empty',
  'jwks_503',
  'jwks_slow',
  'answer_iss',
  'answer_iss_missing',
  'state',
  'state_missing',
  'token_slow',
  'token_503',
  'userinfo_sub',
  'discovery_issuer',
]

test('the table has each fault of this test, and no other', () => {
  expect(rows.map(({ fault }) => fault)).toEqual(names)
})

describe.each(names.filter((name) => name !== 'key_rotated'))('%s', (fault) => {
  test('a client without the check fails on it', async () => {
    const [outcome] = await run([fault], [fault])
    expect([outcome!.result, outcome!.failed]).toEqual([otherwise[fault] ?? 'swallowed', fault !== 'at_hash'])
    expect(outcome!.told).toBeGreaterThan(0)
  })

  test('a client with the check passes', async () => {
    const [outcome] = await run([], [fault])
    expect([outcome!.result, outcome!.failed]).toEqual([good[outcome!.expects], false])
    expect(outcome!.told).toBeGreaterThan(0)
  })
})

test('a careless client fails on what it does not check, and on nothing else', async () => {
  const careless = ['aud', 'state', 'userinfo_sub']
  const outcomes = await run(careless)
  expect(outcomes.filter(({ failed }) => failed).map(({ fault }) => fault)).toEqual(careless)
  expect(outcomes.filter(({ result }) => result === 'not_told')).toEqual([])
})

test('a key that is rotated in mid-flight: a client that keeps its keys for ever does not follow', async () => {
  const result = async (careless: string[]) => (await run(careless, ['key_rotated'], false))[0]
  expect(await result([])).toMatchObject({ result: 'followed', failed: false })
  expect(await result(['key_rotated'])).toMatchObject({ result: 'not_followed', failed: false })
})

test('what a client never asks for is not told', async () => {
  const [outcome] = await run([], ['jwks_slow'], false)
  expect(outcome).toMatchObject({ result: 'not_told', failed: false, told: 0 })
})

describe('a trial that would say nothing is refused', () => {
  const attempt = (more: Partial<Parameters<typeof tryFaults>[0]>) =>
    tryFaults(
      {
        provider: op,
        clientId: client.client_id,
        start: `http://localhost:${port}/login`,
        isSignedIn: ({ text }) => text.includes(signedInText),
        newBrowser: () => browserOf(op.account),
        stranger: () => browserOf(),
        slow,
        ...more,
      },
      rows,
      () => {},
    )

  test('a client that is not there, or that another secret has', async () => {
    await expect(attempt({})).rejects.toThrow('does not end signed in')
    const rp = relyingParty(port, { ...client, client_secret: 'another secret' }, () => op.issuer)
    await expect(attempt({})).rejects.toThrow('answered 400')
    await rp.stop()
  })

  test('a text that is there without a sign-in, too', async () => {
    const rp = relyingParty(port, client, () => op.issuer)
    await expect(attempt({ isSignedIn: () => true })).rejects.toThrow('choose another text')
    await rp.stop()
  })
})
