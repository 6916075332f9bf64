/** Makes one exchange of a request, its answer and what was heard in between. */
import type { MadeCheck } from '../../auth/check.ts'
import { isSecret, revealed } from '../../auth/refusal.ts'
import type { BoundedMap } from '../../lib/bounded_map.ts'
import type { Fields } from '../../lib/log.ts'
import type { SentAnswer, Arrival, KeysOf, OutboundEvent, StoreEvent } from '../../lib/recorder.ts'
import { isSignOut } from './flow_kinds.ts'
import { isQueued, kindOfKey, linkOf, namesIn, signOutOf } from './links.ts'
import { maskedAgain, maskedStep } from './masked_again.ts'
import type { Mask } from './mask.ts'
import { readToken } from './read_token.ts'
import type { CheckStep, Exchange, Message, NewStep, Step } from './recorded.ts'
import { seenPage } from './seen_page.ts'
import { senderOf } from './senders.ts'

/** Of one exchange; the mask shortens each text of a step. */
const mostSteps = 400

/** An exchange after its answer. */
export interface Ended {
  exchange: Exchange
  /** Keys of the records that belong to one flow. */
  links: ReadonlySet<string>
  /** Keys of the records of work that a job does later. */
  queued: ReadonlySet<string>
}

/** What a job did. */
export type Later = Omit<Ended, 'exchange'> & { steps: readonly Step[] }

/** An exchange that runs. */
export interface Running {
  check(made: MadeCheck): void
  store(event: StoreEvent): void
  signature(kind: 'signed' | 'verified', jwt: string, held: boolean, whose: KeysOf): void
  outbound(event: OutboundEvent): void
  log(level: string, event: string, fields: Fields): void
  end(answer: SentAnswer): Ended
  /** The steps of a job, which has no answer. */
  done(): Later
}

interface Deps {
  mask: Mask
  /** Milliseconds, by the clock of the provider. */
  now: number
  /** Usernames by `sub`, as far as they were seen. */
  usernames: BoundedMap<string>
}

export function beginExchange(arrival: Arrival, { mask, now, usernames }: Deps): Running {
  const started = performance.now()
  const steps: Step[] = []
  const links = new Set<string>()
  const queued = new Set<string>()
  let session: string | undefined
  const names: { clientId?: string | undefined; sub?: string | undefined } = {}
  let left = 0
  let ended = false

  const add = (step: NewStep): void => {
    if (ended) return
    if (steps.length >= mostSteps) left += 1
    else steps.push({ ...step, at: Math.round((performance.now() - started) * 10) / 10 } as Step)
  }
  /** Values of checks as text. */
  const value = (given: unknown): string | undefined => {
    if (given === undefined) return undefined
    if (isSecret(given)) return mask.secret(textOf(revealed(given)))
    return mask.value(textOf(given))
  }
  const message = (headers: SentAnswer['headers'], text: string | undefined, type: string): Message => ({
    headers: mask.headers(headers),
    body: text === undefined || text === '' ? undefined : mask.body(text, type),
  })

  return {
    check: ({ held, refusal }) =>
      add({
        kind: 'check',
        held,
        code: refusal.code,
        rule: refusal.rule,
        expected: mask.value((held ? refusal.held : undefined) ?? refusal.expected),
        came: value(refusal.came),
        wanted: value(refusal.wanted),
        ...(!held && { problem: value(refusal.problem), next: value(refusal.next) }),
      }),
    store({ verb, key, value: text, ttl, held }) {
      const link = linkOf(key)
      if (link !== undefined) links.add(link)
      if (verb === 'create' && isQueued(key)) queued.add(key)
      if (kindOfKey(key) === 'session') session = key
      const { clientId, sub, username } = namesIn(key, text)
      names.clientId ??= clientId
      names.sub = sub ?? names.sub
      if (sub !== undefined && username !== undefined)
        usernames.set(sub, username, (sub.length + username.length) * 2 + 100)
      add({ kind: 'store', verb, of: kindOfKey(key), held, ttl })
    },
    signature(kind, jwt, held, whose) {
      const token = readToken(jwt)
      const { kid = '', alg = '' } = token?.header ?? {}
      add({ kind, held, kid: String(kid), alg: String(alg), whose, token })
    },
    outbound({ purpose, method, url, headers, body: text, answer }) {
      const type = headers['content-type'] ?? 'application/x-www-form-urlencoded'
      add({
        kind: 'outbound',
        purpose,
        sent: { method, url: mask.url(url), ...message(Object.entries(headers), text, type) },
        answer:
          'problem' in answer
            ? { problem: mask.value(answer.problem) }
            : {
                status: answer.status,
                ...message(Object.entries(answer.headers), answer.body, answer.headers['content-type'] ?? ''),
              },
      })
    },
    log(level, event, fields) {
      if (event === 'refused') addRefused(fields)
      else add({ kind: 'log', level, event, fields: mask.value(JSON.stringify(fields)) })
    },
    end(answer) {
      ended = true
      const { method, url, headers, endpoint } = arrival
      const text = arrival.body()
      const type = headerOf(headers, 'content-type')
      const given = parametersOf(url, text, type)
      const clientId = given('client_id') ?? basicName(headerOf(headers, 'authorization')) ?? names.clientId
      const sub = names.sub
      for (const name of misplaced(answer.status, given, clientId)) mask.suspect(name)
      const answerType = headerOf(answer.headers, 'content-type')
      const isHtml = answerType.startsWith('text/html')
      const exchange: Exchange = {
        id: headerOf(answer.headers, 'x-request-id'),
        at: now,
        took: Math.round(performance.now() - started),
        endpoint: endpoint.name,
        from: senderOf(endpoint),
        grantType: given('grant_type'),
        clientId: clientId && mask.parameter('client_id', clientId).slice(0, 300),
        person: sub === undefined ? undefined : (usernames.get(sub) ?? sub),
        request: {
          method,
          url: mask.url(url),
          ...message(headers, text, type),
        },
        answer: {
          status: answer.status,
          ...message(answer.headers, isHtml ? undefined : answer.body, answerType),
          page: isHtml ? seenPage(answer.body) : undefined,
        },
        tokens: mask.tokens,
        steps,
        left,
      }
      if (session !== undefined && isSignOut(endpoint.name)) links.add(signOutOf(session))
      return { exchange: maskedAgain(exchange, mask.again()), links, queued }
    },
    done() {
      ended = true
      const again = mask.again()
      return { steps: steps.map((each) => maskedStep(each, again)), links, queued }
    },
  }

  /**
   * Names under which a secret may have come: the username of a sign-in that found no account, and the client_id of a
   * secret that no client has. Other names that are not registered are shown, so that a misspelled one is seen.
   */
  function misplaced(
    status: number,
    given: (name: string) => string | undefined,
    clientId: string | undefined,
  ): string[] {
    if (status < 400) return []
    const isUnknownClient = steps.some(
      (step) =>
        step.kind === 'check' && !step.held && step.expected === 'client_id is that of a registered client',
    )
    const cameWithSecret =
      given('client_secret') !== undefined ||
      basicName(headerOf(arrival.headers, 'authorization')) !== undefined
    return [
      ...(given('password') !== undefined && names.sub === undefined ? ['username'] : []),
      ...(clientId !== undefined && isUnknownClient && cameWithSecret ? ['client_id'] : []),
    ]
  }

  /** A refusal that no check declared is a check that failed. */
  function addRefused(fields: Fields): void {
    const text = (name: string) => (typeof fields[name] === 'string' ? mask.value(fields[name]) : undefined)
    const { code = '', expected = '' } = { code: text('code'), expected: text('expected') }
    const isDeclared = steps.some((each) => each.kind === 'check' && !each.held && each.code === code)
    if (isDeclared) return
    const came = fields.came === undefined ? undefined : mask.value(textOf(fields.came))
    const rule = text('rule') ?? ''
    const step: Omit<CheckStep, 'at'> = { kind: 'check', held: false, code, rule, expected, came }
    add({ ...step, problem: text('problem') })
  }
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : (JSON.stringify(value) ?? ''))

const headerOf = (headers: SentAnswer['headers'], name: string): string =>
  headers.find(([each]) => each.toLowerCase() === name)?.[1] ?? ''

/** A parameter of the query or of the form. */
function parametersOf(url: string, body: string | undefined, type: string) {
  const query = URL.parse(url)?.searchParams
  const form = type.startsWith('application/x-www-form-urlencoded') ? new URLSearchParams(body) : undefined
  return (name: string): string | undefined => form?.get(name) ?? query?.get(name) ?? undefined
}

function basicName(authorization: string): string | undefined {
  const [, encoded = ''] = /^basic +(.+)$/i.exec(authorization) ?? []
  const text = Buffer.from(encoded, 'base64').toString()
  return text.includes(':') ? text.split(':')[0] : undefined
}
