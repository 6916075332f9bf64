/** Creates the demo End-Users and clients of docs/walkthrough.md where they are missing. Called in development alone. */
import { secretsOf } from '../app.ts'
import { systemRandom } from '../lib/random.ts'
import { defaultSigningAlg } from '../clients/signer.ts'
import { Client, makeClient } from '../models/client.ts'
import {
  demoClient,
  demoDeviceClient,
  demoPublicClient,
  demoServiceClient,
  demoUsers,
} from '../models/demo.ts'
import type { Memory } from '../models/define_record.ts'
import { User } from '../models/user.ts'
import type { Opened } from './open.ts'
import { seconds } from '../lib/clock.ts'

export async function seedDemo(opened: Memory & Pick<Opened, 'config'>): Promise<void> {
  const now = seconds(opened.clock)
  const { client_secret, ...confidential } = demoClient
  const { client_secret: secretOfService, ...service } = demoServiceClient
  const making = { ...opened, random: systemRandom, secrets: secretsOf(opened.config) }
  const id_token_signed_response_alg = defaultSigningAlg(opened)
  const clients = [
    makeClient(making, { ...confidential, id_token_signed_response_alg }, client_secret),
    makeClient(making, { ...demoPublicClient, id_token_signed_response_alg }),
    makeClient(making, { ...demoDeviceClient, id_token_signed_response_alg }),
    makeClient(making, { ...service, id_token_signed_response_alg }, secretOfService),
  ]
  await Promise.all([
    ...demoUsers.map(async ({ password: _, ...user }) => {
      if (!(await User.find(opened, user.sub)))
        await User.create(opened, {
          ...user,
          claims: { ...user.claims },
          disabled: false,
          created_at: now,
          updated_at: now,
        })
    }),
    ...clients.map(({ client }) => Client.create(opened, client)),
  ])
}
