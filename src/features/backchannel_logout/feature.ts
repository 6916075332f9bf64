/** Back-channel logout: this provider sends clients a logout token when a session ends. https://openid.net/specs/openid-connect-backchannel-1_0.html */
import { OAuthError } from '../../auth/errors.ts'
import { defineEntries, featureConfig } from '../../config.ts'
import * as is from '../../config/schemas.ts'
import type { Context } from '../../contracts/context.ts'
import { findClient } from '../../clients/find_client.ts'
import { OutboundError } from '../../outbound/error.ts'
import { readTarget } from '../../outbound/target.ts'
import type { Session } from '../../models/session.ts'
import {
  type AccessWithdrawn,
  defineFeature,
  type Job,
  type RegistrationRule,
} from '../../contracts/feature.ts'
import { deliverDue, logoutUriOf, metadata } from './deliver.ts'
import { enqueue } from './outbox.ts'

const env = defineEntries([
  {
    name: 'BACKCHANNEL_LOGOUT_RETRY_FOR',
    realm: 'own_or_server',
    schema: is.seconds(0, 604_800),
    default: '3600',
    help: 'How long a logout token is sent again, at growing intervals, while a client does not accept it.',
  },
])

/** Delay before the first delivery, so that the session has ended before clients are options. */
const headStartMs = 2_000

async function enqueueAll(context: Context, session: Session, delay: number): Promise<void> {
  const { backchannelLogoutRetryFor: retryFor } = featureConfig(context.config, 'backchannel_logout', env)
  await Promise.all(
    session.clients.map(async (clientId) => {
      const client = await findClient(context, clientId)
      if (client && logoutUriOf(client)) await enqueue(context, session, clientId, { delay, retryFor })
    }),
  )
}

/** Sends logout tokens to this client alone, for the sessions in which it received tokens. */
const accessWithdrawn: AccessWithdrawn = async (context, { sub, clientId, sids, id }) => {
  const { backchannelLogoutRetryFor: retryFor } = featureConfig(context.config, 'backchannel_logout', env)
  const client = await findClient(context, clientId)
  if (!client || !logoutUriOf(client)) return
  const options = { delay: headStartMs, retryFor, end: id }
  await Promise.all(sids.map((sid) => enqueue(context, { sid, sub }, clientId, options)))
}

const deliveries: Job = {
  name: 'logout_deliveries',
  every: 1,
  async run(context) {
    void (await deliverDue(context)) // not awaited: a client that hangs must not delay the next run
  },
}

/** §2.2: https, or what OUTBOUND_ALLOW_HOSTS names; without fragment. */
const uriRule: RegistrationRule = {
  name: 'backchannel_logout_uri',
  async check({ config }, read) {
    const { backchannel_logout_uri: uri } = metadata.of(read)
    if (uri === undefined) return
    const refuse = (why: string) =>
      new OAuthError('invalid_client_metadata', {
        rule: 'OpenID Connect Back-Channel Logout §2.2',
        expected: 'backchannel_logout_uri is a URL without fragment that this provider may call',
        came: uri,
        problem: `backchannel_logout_uri ${why}`,
      })
    if (uri.includes('#')) throw refuse('must have no fragment')
    try {
      readTarget(uri, new Set(config.outboundAllowHosts))
    } catch (error) {
      throw error instanceof OutboundError ? refuse(error.message) : error
    }
  },
}

export const backchannelLogout = defineFeature({
  name: 'backchannel_logout',
  env,
  clientMetadata: metadata,
  registrationRules: [uriRule],
  metadata: () => ({
    backchannel_logout_supported: true,
    backchannel_logout_session_supported: true,
  }),
  logout: {
    channel: (_context, client) => (logoutUriOf(client) === undefined ? undefined : 'server'),
    beforeEnd: (context, session) => enqueueAll(context, session, headStartMs),
    async ended(context, session) {
      try {
        // Again: another client may have received tokens between `beforeEnd` and the end of the session.
        await enqueueAll(context, session, 0)
        context.soon(deliveries.name)
      } catch (error) {
        context.log.error('logout_not_sent_at_once', { sid: session.sid, problem: (error as Error).message })
      }
    },
    withdrawn: accessWithdrawn,
  },
  jobs: [deliveries],
})
