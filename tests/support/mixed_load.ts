/** A load of real flows: End-Users who sign in and out, and applications that redeem, refresh, introspect. Each answer is judged. */
import { authorizationUrl, claimsOf, formPost, type Json, type TestClient } from './client.ts'
import { type Fetch, good, isActive, type Journey, redeem, refresh, visitor } from './journey.ts'
import type { Person } from './person.ts'
import { until } from './until.ts'

/** What answers were, other than wrong. */
export interface Counts {
  /** Answers as the flow expects them. */
  right: number
  /** 503 with Retry-After. */
  unavailable: number
  /** The proxy answered 502 or 504, or the connection ended: the instance did not answer. */
  unanswered: number
  /** Codes that were refused after a redemption without a right answer. A new authorization request follows. */
  spent: number
}

export interface MixedLoad {
  counts: Counts
  wrong: string[]
  /** Resolves once every worker has gone through all flows `times` more, from their beginning. */
  rounds(times: number): Promise<void>
  stop(): Promise<void>
}

export interface LoadOptions {
  issuer: string
  fetch: Fetch
  /** One worker for each. */
  accounts: { username: string; password: string; sub: string }[]
  application: TestClient & { post_logout_redirect_uri: string }
  service: TestClient
}

/** There was no answer that a flow could go on with. The same step is repeated. */
class NoAnswer extends Error {}
/** The code of this authorization cannot be redeemed any more, as RFC 6749 §4.1.2 has it. */
class Spent extends Error {}

export function startMixedLoad({ issuer, fetch, accounts, application, service }: LoadOptions): MixedLoad {
  const counts: Counts = { right: 0, unavailable: 0, unanswered: 0, spent: 0 }
  const wrong: string[] = []
  const finished = accounts.map(() => 0)
  let isRunning = true

  const counting: Fetch = async (url, init) => {
    const answer = await fetch(url, init).catch(() => undefined)
    if (answer === undefined || answer.status === 502 || answer.status === 504) {
      counts.unanswered++
      throw new NoAnswer()
    }
    if (answer.status === 503) {
      if (!Number(answer.headers.get('retry-after'))) throw new Error('a 503 without Retry-After')
      counts.unavailable++
      throw new NoAnswer()
    }
    counts.right++
    return answer
  }
  const journey: Journey = { issuer, fetch: counting }

  /** Repeats `step` until it is answered. `again` says that an earlier try had no answer. */
  async function answered<T>(step: (again: boolean) => Promise<T>): Promise<T> {
    for (let again = false; ; again = true)
      try {
        return await step(again)
      } catch (error) {
        if (!(error instanceof NoAnswer) || !isRunning) throw error
        await Bun.sleep(100) // a busy loop would take the processors from the servers
      }
  }
  const bearer = (token: unknown) => ({ headers: { authorization: `Bearer ${token}` } })
  function same(what: string, found: unknown, expected: unknown): void {
    if (found !== expected) throw new Error(`${what}: ${found} instead of ${expected}`)
  }
  /** The answer is a refusal with this error. */
  async function refused(what: string, send: () => Promise<Response>, status: number, error: string) {
    const answer = await answered(send)
    same(what, answer.status, status)
    same(what, ((await answer.json()) as Json).error, error)
  }

  async function authorize(who: Person, account: LoadOptions['accounts'][number]) {
    const { url, code_verifier, params } = authorizationUrl(issuer, application)
    const back = await answered(() => who.goThrough(url, account))
    same('state', back.searchParams.get('state'), params.state)
    const code = back.searchParams.get('code')
    if (code === null) throw new Error(`no code: ${back}`)
    const inHand = { code, code_verifier }
    const tokens = await answered(async (again) => {
      const answer = await redeem(journey, inHand, application)
      if (answer.status === 400 && again) throw new Spent()
      return good(answer)
    })
    const claims = claimsOf(tokens.id_token)
    same('iss', claims.iss, issuer)
    same('sub', claims.sub, account.sub)
    same('nonce', claims.nonce, params.nonce)
    return { inHand, tokens }
  }

  const introspected = (token: unknown, client: TestClient) =>
    answered(() => isActive(journey, token, client))

  async function signedIn(who: Person, account: LoadOptions['accounts'][number]): Promise<void> {
    let { tokens } = await authorize(who, account)
    const idToken = String(tokens.id_token)
    for (let times = 0; times < 3; times++) {
      const person = await answered(() => good(counting(`${issuer}/userinfo`, bearer(tokens.access_token))))
      same('userinfo', person.sub, account.sub)
      same('a token in use', await introspected(tokens.access_token, application), true)
      const before = tokens
      tokens = await answered(() => good(refresh(journey, before.refresh_token, application)))
      same('the sub of a refresh', claimsOf(tokens.access_token).sub, account.sub)
      if (tokens.refresh_token === before.refresh_token) throw new Error('a refresh token did not rotate')
    }
    const logout = `${issuer}/logout?${new URLSearchParams({ id_token_hint: idToken, state: 'out', post_logout_redirect_uri: application.post_logout_redirect_uri })}`
    const out = await answered(() => who.open(logout))
    same('logout', out.location?.href, `${application.post_logout_redirect_uri}?state=out`)
    // Three times, since each goes to another instance.
    for (let times = 0; times < 3; times++) {
      same('a token after logout', await introspected(tokens.access_token, application), false)
      const ended = await answered(() => counting(`${issuer}/userinfo`, bearer(tokens.access_token)))
      same('userinfo after logout', ended.status, 401)
      const again = () => refresh(journey, tokens.refresh_token, application)
      await refused('a refresh after logout', again, 400, 'invalid_grant')
    }
  }

  /** A code that comes a second time is refused, and ends what came of the first. */
  async function replayed(who: Person, account: LoadOptions['accounts'][number]): Promise<void> {
    const { inHand, tokens } = await authorize(who, account)
    await refused('a second redemption', () => redeem(journey, inHand, application), 400, 'invalid_grant')
    same('a token after a replay', await introspected(tokens.access_token, application), false)
  }

  async function asService(): Promise<void> {
    const send = () => counting(`${issuer}/token`, formPost(service, { grant_type: 'client_credentials' }))
    const { access_token } = await answered(() => good(send()))
    same('the sub of a service', claimsOf(access_token).client_id, service.client_id)
    same('a token of a service', await introspected(access_token, service), true)
  }

  async function work(i: number): Promise<void> {
    const account = accounts[i]!
    while (isRunning)
      try {
        const who = visitor(journey)
        await signedIn(who, account)
        await replayed(who, account)
        await asService()
        finished[i]!++
      } catch (error) {
        if (error instanceof Spent) counts.spent++
        else if (!(error instanceof NoAnswer)) {
          counts.right--
          wrong.push((error as Error).message.slice(0, 500))
          return
        }
      }
  }
  const workers = accounts.map((_, i) => work(i))
  return {
    counts,
    wrong,
    async rounds(times) {
      const goals = finished.map((done) => done + times + 1) // one is under way and began before
      await until(
        () => wrong.length > 0 || goals.every((goal, i) => finished[i]! >= goal),
        `each worker to go through all flows ${times} times`,
        120_000,
      )
    },
    async stop() {
      isRunning = false
      await Promise.all(workers)
    },
  }
}
