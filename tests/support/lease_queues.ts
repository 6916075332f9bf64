/** The queues of the provider, each with the server it delivers to, behind one shape: tests/flows/lease_queues.test.ts asks the same of all. */
import * as v from 'valibot'
import { loadConfig } from '../../src/config.ts'
import type { Context } from '../../src/contracts/context.ts'
import { requestDeletion } from '../../src/features/account_data/deletion.ts'
import { requests } from '../../src/features/accounts/requests.ts'
import { deliverDue as deliverLogouts } from '../../src/features/backchannel_logout/deliver.ts'
import { enqueue } from '../../src/features/backchannel_logout/outbox.ts'
import { runDue } from '../../src/features/ciba/deliveries.ts'
import { notifications as cibaNotifications } from '../../src/features/ciba/notifications.ts'
import { deliverDue as deliverMails } from '../../src/people/mail_delivery.ts'
import { say } from '../../src/lib/say.ts'
import { defineLeaseQueue, doubling, leaseEntries } from '../../src/models/lease_queue.ts'
import { User } from '../../src/models/user.ts'
import { sendMail } from '../../src/people/mail.ts'
import { buildTable, featureEntries, featuresFor } from '../../src/table.ts'
import { addClient, begin, receiver } from './backchannel.ts'
import { claimsOf } from './client.ts'
import { operatorClient } from './flow.ts'
import { listener } from './listener.ts'
import { provider, type Provider, type ProviderOptions } from './provider.ts'
import { smtpRelay } from './smtp_relay.ts'

/** A queue at work: instances of the provider, and the other side. */
export interface Use {
  instance(options: ProviderOptions): Promise<Provider>
  /** Adds so many items, due at once or after the clock was advanced here. */
  add(op: Provider, count: number): Promise<void>
  /** One turn of the job, to the end of all that it began. */
  turn(op: Provider): Promise<void>
  /** An entry for each attempt that was seen on the other side: what it was about. */
  attempts(): string[]
  /** Attempts fail from now on, or succeed again. */
  fail(failing: boolean): void
  stop(): void | Promise<void>
}

export interface QueueUnderTest {
  name: string
  index: string
  /** Milliseconds for which a claim holds. */
  lease: number
  /** Milliseconds between attempts that fail. */
  backOff: [number, number, number]
  /** Event in the log when an item is given up; 'silence' when it is dropped without; 'never' when it is kept. */
  givenUp: string
  use(): Promise<Use>
}

/** Milliseconds. */
const timeout = 5_000

async function mails(): Promise<Use> {
  const relay = await smtpRelay({ plain: true })
  const env = {
    SMTP_URL: `smtp://localhost:${relay.port}`,
    SMTP_ALLOW_PLAINTEXT: 'true',
    MAIL_FROM: 'op@op.example',
    SMTP_TIMEOUT_MS: '10000',
    MAIL_RETRY_FOR: '3600',
  }
  return {
    instance: (options) => provider({ ...options, env }),
    async add(op, count) {
      const mail = { language: 'en', subject: say('mail.notice_subject'), lines: [] } as const
      for (let i = 0; i < count; i++) await sendMail(op.context, { ...mail, to: `reader${i}@example.com` })
    },
    turn: ({ context }) => deliverMails(context),
    attempts: () => relay.asked.map((address) => address.toLowerCase()),
    fail: (failing) => relay.answerMessages(failing ? 451 : 0),
    stop: () => relay.stop(),
  }
}

async function logouts(): Promise<Use> {
  const client = listener()
  const env = { OUTBOUND_ALLOW_HOSTS: client.hostPort, OUTBOUND_TIMEOUT_MS: `${timeout}` }
  return {
    instance: (options) => provider({ ...options, env }),
    async add(op, count) {
      for (let i = 0; i < count; i++) {
        const client_id = `client${i}`
        await operatorClient(op, { client_id, backchannel_logout_uri: `${client.origin}/${i}` })
        await enqueue(op.context, { sid: `sid${i}`, sub: 'user-alice' }, client_id, {
          delay: 0,
          retryFor: 3600,
        })
      }
    },
    turn: async ({ context }) => void (await Promise.all(await deliverLogouts(context))),
    attempts: () => client.heard.map(({ form }) => String(claimsOf(form.logout_token).sid)),
    fail: (failing) => client.answerWith(failing ? 500 : 200),
    stop: () => client.stop(),
  }
}

async function notifications(): Promise<Use> {
  let status = 204
  const client = receiver(() => new Response(null, { status }))
  const env = { OUTBOUND_ALLOW_HOSTS: client.host, OUTBOUND_TIMEOUT_MS: `${timeout}` }
  return {
    instance: (options) => provider({ ...options, env }),
    async add(op, count) {
      await addClient(op, {
        backchannel_token_delivery_mode: 'push',
        backchannel_client_notification_endpoint: client.url,
      })
      const client_notification_token = 'a-token-to-call-with'
      for (let i = 0; i < count; i++) await begin(op, { client_notification_token })
      op.clock.advance(301_000) // the client is told that the request has expired
    },
    turn: async ({ context }) => void (await Promise.all(await runDue(context, cibaNotifications))),
    attempts: () => client.received.map(({ body }) => String(body.auth_req_id)),
    fail: (failing) => void (status = failing ? 503 : 204),
    stop: () => client.stop(),
  }
}

async function waitList(): Promise<Use> {
  const attempts: string[] = []
  let failing = false
  return {
    instance: provider,
    async add({ context }, count) {
      const request = { language: 'en', address: '192.0.2.1' } as const
      for (let i = 0; i < count; i++)
        await requests.add(context, context.random, context.secrets.people, {
          ...request,
          email: `reader${i}@example.com`,
        })
    },
    turn: async ({ context }) =>
      void (await requests.workOff(context, context.secrets.people, 50, async ({ email }) => {
        attempts.push(email)
        if (failing) throw new Error('as the test says')
      })),
    attempts: () => attempts,
    fail: (next) => void (failing = next),
    stop() {},
  }
}

async function deletions(): Promise<Use> {
  const attempts: string[] = []
  let failing = false
  const env = { ACCOUNT_DELETION_GRACE: '0' }
  const features = featuresFor(loadConfig(env, { featureEntries }))
  const watched = {
    name: 'watched',
    personData: [
      {
        name: 'watched',
        read: async () => undefined,
        async erase(_context: Context, sub: string) {
          attempts.push(sub)
          if (failing) throw new Error('as the test says')
        },
      },
    ],
  }
  return {
    instance: (options) => provider({ ...options, env, table: buildTable([watched, ...features]) }),
    async add({ context, clock }, count) {
      for (let i = 0; i < count; i++) {
        const [sub, at] = [`person${i}`, Math.floor(clock.now() / 1000)]
        await User.create(context, { sub, username: sub, claims: {}, created_at: at, updated_at: at })
        await requestDeletion(context, sub)
      }
      clock.advance(30_000)
    },
    turn: ({ context }) =>
      context.table.jobs.find(({ name }) => name === 'account_deletions')!.run(context) as Promise<void>,
    attempts: () => attempts,
    fail: (next) => void (failing = next),
    stop() {},
  }
}

/** The shape itself, with nothing of a queue of ours around it. */
async function bare(): Promise<Use> {
  const attempts: string[] = []
  let failing = false
  const schema = v.object({ ...leaseEntries, until: v.number() })
  const queue = defineLeaseQueue('bare', schema, { index: 'bare', keyOf: () => 'one' })
  const delayAfter = doubling(1_000, 3_000)
  return {
    instance: provider,
    async add({ context, clock }, count) {
      for (let i = 0; i < count; i++)
        await queue.add(context, `item${i}`, { until: clock.now() + 60_000 }, clock.now())
    },
    async turn({ context }) {
      const due = await queue.due(context, { limit: 64, each: 64 })
      await queue.work(context, due, { atOnce: 3, lease: 10_000 }, async (item) => {
        attempts.push(item.member)
        if (!failing) return queue.finish(context, item.member)
        const result = await queue.retry(context, item, delayAfter(item.attempts), item.until)
        if (result === 'given_up') context.log.error('bare_given_up')
      })
    },
    attempts: () => attempts,
    fail: (next) => void (failing = next),
    stop() {},
  }
}

export const queues: readonly QueueUnderTest[] = [
  {
    name: 'the shape itself',
    index: 'bare',
    lease: 10_000,
    backOff: [1_000, 2_000, 3_000],
    givenUp: 'bare_given_up',
    use: bare,
  },
  {
    name: 'mail',
    index: 'mail_outbox',
    lease: 20_000,
    backOff: [10_000, 20_000, 40_000],
    givenUp: 'mail_given_up',
    use: mails,
  },
  {
    name: 'back-channel logout',
    index: 'logout_outbox',
    lease: timeout + 10_000,
    backOff: [5_000, 10_000, 20_000],
    givenUp: 'logout_given_up',
    use: logouts,
  },
  {
    name: 'CIBA notifications',
    index: 'backchannel_deliveries',
    lease: timeout + 5_000,
    backOff: [timeout + 5_000, timeout + 30_000, timeout + 120_000],
    givenUp: 'backchannel_delivery_given_up',
    use: notifications,
  },
  {
    name: 'wait list',
    index: 'account_request_waiting',
    lease: 30_000,
    backOff: [30_000, 30_000, 30_000],
    givenUp: 'silence',
    use: waitList,
  },
  {
    name: 'account deletions',
    index: 'account_deletions',
    lease: 600_000,
    backOff: [60_000, 60_000, 60_000],
    givenUp: 'never',
    use: deletions,
  },
]
