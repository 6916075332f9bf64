/** `latchkey client secret`: a new secret for a client, while the old one still holds. */
import type { Context } from '../contracts/context.ts'
import { noClient } from '../endpoints/operator_clients.ts'
import { endFormerSecret as endClientSecret, renewSecret } from '../endpoints/operator_secrets.ts'
import { Client, needsSecret, newSecret } from '../models/client.ts'
import { withContext } from './administration.ts'
import { type Answer, defineCommand } from './command.ts'
import { Refusal, UsageError } from './failure.ts'
import { moment, print, printable } from './output.ts'
import { readSecret, secretOptions } from './secret_option.ts'
import { readTime } from './time_option.ts'

const longestOverlap = 90 * 86_400

export const secret = defineCommand({
  takes: ['CLIENT_ID'],
  options: {
    overlap: {
      type: 'string',
      value: 'TIME',
      help: 'How long the old secret still holds, such as 12h or 30d; 0 ends it at once. Default: 1d',
    },
    'end-old': { type: 'boolean', help: 'Make no new secret: the old one of the last change ends now' },
    ...secretOptions,
  },
  async run(options, [clientId]) {
    const { overlap: text = '1d', 'end-old': endOld } = options
    if (endOld && Object.keys(options).some((name) => !['end-old', 'json'].includes(name)))
      throw new UsageError('--end-old makes no new secret, so no other option goes with it')
    const overlap = text === '0' ? 0 : readTime('overlap', text, longestOverlap)
    return withContext('clients', async (context) => {
      const client = await Client.find(context, clientId)
      if (!client) throw noClient(clientId)
      const { token_endpoint_auth_method: method } = client
      if (!needsSecret(client))
        throw new Refusal(
          `${printable(clientId)} has no secret: its token_endpoint_auth_method is ${printable(method)}; latchkey client set --auth-method changes it`,
        )
      if (endOld) return endFormer(context, clientId)
      const chosen = await readSecret(options, client)
      return renew(context, clientId, {
        secret: chosen ?? newSecret(context.random),
        overlap,
        isChosen: chosen !== undefined,
      })
    })
  },
})

interface Renewal {
  secret: string
  /** Seconds. */
  overlap: number
  isChosen: boolean
}

async function renew(
  context: Context,
  clientId: string,
  { secret, overlap, isChosen }: Renewal,
): Promise<Answer> {
  const after = await renewSecret(context, 'operator', clientId, { secret, overlap })
  const former = after.former_secret?.exp
  const facts = {
    client_id: clientId,
    ...(!isChosen && { client_secret: secret }),
    ...(former !== undefined && { former_secret_until: moment(former) }),
  }
  return {
    facts,
    show() {
      if (!isChosen) print(`client_secret  ${secret}\nThe secret is shown only once.`)
      print(
        former === undefined
          ? 'A running server accepts the new secret at once, and ends the old one within a second.'
          : `The old secret holds until ${moment(former)}. When the client uses the new one, latchkey client secret ${printable(clientId)} --end-old ends it.`,
      )
    },
  }
}

async function endFormer(context: Context, clientId: string): Promise<Answer> {
  await endClientSecret(context, 'operator', clientId)
  return {
    facts: { client_id: clientId, former_secret_ended: true },
    show: () => print('The old secret ends on a running server within a second. The new one stays.'),
  }
}
