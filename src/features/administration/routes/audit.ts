/** The audit trail: entries, checkpoints, and whether it is as it was written. docs/audit.md */
import * as v from 'valibot'
import { HttpError } from '../../../auth/errors.ts'
import type { Context } from '../../../contracts/context.ts'
import type { Bounds } from '../../../models/audit/export_lines.ts'
import type { Filter, Place } from '../../../models/audit/search.ts'
import type { Verification } from '../../../models/audit/verify.ts'
import { cursorOf, pageOf, pageQuery, positionOf } from '../cursor.ts'
import { GivenMoment, Moment } from '../person.ts'
import { trailIssuer } from '../../../models/audit/trail_issuer.ts'
import { defineRoute } from '../route.ts'

const word = v.optional(v.pipe(v.string(), v.maxLength(2000)))
const time = v.optional(GivenMoment)

const Entry = v.looseObject({
  chain: v.string(),
  seq: v.number(),
  time: Moment,
  kind: v.string(),
  outcome: v.string(),
  actor: v.string(),
})

const PlaceShape = v.object({
  time: v.number(),
  chain: v.string(),
  seq: v.number(),
  passed: v.optional(v.record(v.string(), v.number())),
})

/** Entries that one page reads: a page of a rare kind may have few items, and `next`. */
const mostLooked = 20_000
/** Batches that one page reads: of most, the retention may have dropped all entries. */
const mostBatches = 1_000

/** More than the rules can raise in an hour. */
const mostAlerts = 1_000

/** Loaded only where there is a trail. */
const parts = {
  search: () => import('../../../models/audit/search.ts'),
  verify: () => import('../../../models/audit/verify.ts'),
  lines: () => import('../../../models/audit/export_lines.ts'),
  stored: () => import('../../../models/audit/stored.ts'),
  audit: () => import('../../../models/audit/audit.ts'),
  checkpoint: () => import('../../../models/audit/checkpoint.ts'),
}

function requireTrail({ config }: Context): void {
  if (config.auditSigningKey !== undefined) return
  throw new HttpError('not_found', {
    expected: 'an audit trail',
    problem: 'there is none',
    next: 'set AUDIT_SIGNING_KEY',
  })
}

async function pseudonymOf({ secrets }: Context, sub: string): Promise<string> {
  const { pseudonymBy, pseudonymPurpose } = await parts.audit()
  return pseudonymBy(secrets.lasting(pseudonymPurpose), sub)
}

/** A provider runs one verification at a time. A request that comes while it runs gets the same answer. */
const createRunning = (): { verification?: Promise<Verification> | undefined } => ({})

const tooLong = ({ lines }: Bounds) =>
  new HttpError('unprocessable', {
    expected: `a trail of at most ${lines} lines`,
    problem: 'this one is longer',
    next: 'verify it by latchkey audit verify',
  })

async function verification(context: Context): Promise<Verification> {
  const { store, config } = context
  const [{ verifyTrail }, { boundsOfRequest, exportLines, within }, { openAuditKeys, macKeysOf }] =
    await Promise.all([parts.verify(), parts.lines(), parts.audit()])
  const keys = await openAuditKeys(context, config.secretKey)
  const newest = await newestOf(context, keys)
  const all = exportLines({ store, issuer: config.issuer }, newest)
  const lines = within(all, boundsOfRequest, () => tooLong(boundsOfRequest))
  const issuer = trailIssuer(newest, config.issuer)
  return verifyTrail(lines, { keys, issuer, macKeys: macKeysOf(config.auditSigningKey ?? []) })
}

type Ring = Awaited<ReturnType<Awaited<ReturnType<typeof parts.audit>>['openAuditKeys']>>

async function newestOf({ store }: Context, ring: Ring) {
  const [{ newestCheckpoint }, { readCheckpoint }] = await Promise.all([parts.stored(), parts.checkpoint()])
  const found = await newestCheckpoint(store)
  const checkpoint = found && readCheckpoint(ring, found.jws)
  return checkpoint?.number === found?.number && checkpoint ? { ...found, checkpoint } : undefined
}

/** A kind that is spelled wrong would answer an empty list. Throws 400. */
async function requireKinds(asked: string | undefined): Promise<void> {
  if (asked === undefined) return
  const { kinds } = await import('../../../models/audit/kinds.ts')
  const unknown = asked.split(',').find((each) => !Object.hasOwn(kinds, each))
  if (unknown !== undefined)
    throw new HttpError('bad_request', {
      expected: 'kinds of docs/audit.md, with commas between them',
      came: unknown,
      problem: 'this is no kind of entry',
    })
}

export const auditRoutes = {
  entries: defineRoute({
    method: 'GET',
    path: '/audit/entries',
    summary: 'Looks entries of the audit trail up, newest first',
    scope: 'admin:audit.read',
    query: {
      ...pageQuery,
      kind: v.optional(
        v.pipe(v.string(), v.maxLength(2000), v.description('One kind, or several with commas')),
      ),
      outcome: v.optional(v.picklist(['success', 'refused', 'failure'])),
      actor: v.optional(v.picklist(['person', 'client', 'administrator', 'operator', 'server', 'unproven'])),
      sub: v.optional(v.pipe(v.string(), v.maxLength(500), v.description('The account'))),
      subject: v.optional(v.pipe(v.string(), v.maxLength(500), v.description('The pseudonym of an account'))),
      client_id: word,
      operator: word,
      request_id: v.optional(
        v.pipe(v.string(), v.maxLength(200), v.description('The x-request-id of an answer')),
      ),
      address: word,
      from: time,
      to: time,
    },
    answer: pageOf(Entry),
    async run(_call, context, { query }) {
      requireTrail(context)
      const { searchTrail } = await parts.search()
      await requireKinds(query.kind)
      const after: Place | undefined = positionOf(context, 'audit entries', query, PlaceShape)
      const filter: Filter = {
        kinds: query.kind === undefined ? undefined : new Set(query.kind.split(',')),
        outcome: query.outcome,
        actor: query.actor,
        subject: query.sub === undefined ? query.subject : await pseudonymOf(context, query.sub),
        client: query.client_id,
        operator: query.operator,
        address: query.address,
        request: query.request_id,
        from: query.from === undefined ? undefined : Date.parse(query.from),
        to: query.to === undefined ? undefined : Date.parse(query.to),
      }
      const { entries, next } = await searchTrail(context.store, filter, {
        limit: query.limit,
        after,
        most: mostLooked,
        mostBatches,
      })
      return {
        answer: { items: entries, next: next ? cursorOf(context, 'audit entries', query, next) : null },
      }
    },
  }),

  alerts: defineRoute({
    method: 'GET',
    path: '/audit/alerts',
    summary: 'Alerts that are raised and not over',
    scope: 'admin:audit.read',
    answer: v.object({
      items: v.array(
        v.object({
          rule: v.string(),
          level: v.picklist(['warning', 'critical']),
          of: v.pipe(
            v.string(),
            v.description(
              'An address, a pseudonym, a client or an operator; empty for a rule that counts all',
            ),
          ),
          count: v.number(),
          since: Moment,
          last: Moment,
          over_at: v.pipe(Moment, v.description('When it is over, unless another entry fits')),
          about: v.pipe(v.string(), v.description('Chain and number of the first entry')),
        }),
      ),
    }),
    async run(_call, context) {
      requireTrail(context)
      const { activeAlerts } = await import('../../../models/audit/alerts/active.ts')
      const iso = (ms: number) => new Date(ms).toISOString()
      const items = (await activeAlerts(context.store, mostAlerts)).map(
        ({ rule, level, of, count, since, last, until, about }) => ({
          ...{ rule, level, of, count, about },
          ...{ since: iso(since), last: iso(last), over_at: iso(until) },
        }),
      )
      return { answer: { items } }
    },
  }),

  checkpoints: defineRoute({
    method: 'GET',
    path: '/audit/checkpoints',
    summary: 'The newest checkpoint of the audit trail, as a JWS that the keys of /audit/jwks.json verify',
    scope: 'admin:audit.read',
    answer: v.object({
      newest: v.nullable(v.object({ number: v.number(), at: Moment, jws: v.string(), digest: v.string() })),
    }),
    async run(_call, context) {
      requireTrail(context)
      const [{ openAuditKeys }, { sha256 }] = await Promise.all([
        parts.audit(),
        import('../../../lib/hash.ts'),
      ])
      const newest = await newestOf(context, await openAuditKeys(context, context.config.secretKey))
      if (newest?.number === undefined || newest.jws === undefined) return { answer: { newest: null } }
      const { number, jws, checkpoint } = newest
      const at = new Date(checkpoint.time).toISOString()
      return { answer: { newest: { number, at, jws, digest: sha256(jws) } } }
    },
  }),

  verification: defineRoute({
    method: 'GET',
    path: '/audit/verification',
    summary: 'Verifies the audit trail, and names what is wrong',
    scope: 'admin:audit.read',
    answer: v.object({
      ok: v.boolean(),
      checkpoints: v.number(),
      chains: v.number(),
      entries: v.number(),
      dropped: v.pipe(v.number(), v.description('Entries of which the retention is over')),
      uncovered: v.pipe(v.number(), v.description('Entries that no checkpoint has signed yet')),
      findings: v.array(
        v.object({
          chain: v.optional(v.string()),
          seq: v.optional(v.number()),
          problem: v.string(),
          text: v.string(),
        }),
      ),
    }),
    async run(_call, context) {
      requireTrail(context)
      const running = context.made(createRunning, context)
      running.verification ??= verification(context).finally(() => (running.verification = undefined))
      const found = await running.verification
      return { answer: { ok: found.findings.length === 0, ...found } }
    },
  }),
}
