/** `latchkey client set`: an operator changes what only an operator gives a client. */
import { resourceProblem } from '../auth/resource_uri.ts'
import { isPublic, Client } from '../models/client.ts'
import { withContext } from './administration.ts'
import { shownClient, unknownClient } from './client.ts'
import { clientOptions } from './client_options.ts'
import { defineCommand, jsonOption } from './command.ts'
import { Refusal, UsageError } from './failure.ts'
import { printable, printFacts, printJson } from './output.ts'

export const set = defineCommand({
  takes: ['CLIENT_ID'],
  options: {
    'resource-uri': {
      ...clientOptions['resource-uri'],
      help: 'The URI of the API that this client is. The given URIs replace all existing ones',
    },
    'no-resource-uris': { type: 'boolean', help: 'Tie it to no API any more' },
    json: jsonOption,
  },
  async run({ 'resource-uri': uris, 'no-resource-uris': none, json }, [clientId]) {
    if ((uris === undefined) === !none)
      throw new UsageError('expected one of --resource-uri and --no-resource-uris')
    for (const uri of uris ?? []) {
      const problem = resourceProblem(uri)
      if (problem !== undefined) throw new UsageError(`--resource-uri: ${problem}, got ${printable(uri)}`)
    }
    await withContext('clients', async (context) => {
      const client = await Client.find(context, clientId)
      if (!client) throw unknownClient(clientId)
      if (uris && isPublic(client))
        throw new Refusal('--resource-uri: only a client that authenticates may introspect')
      const after = await Client.update(context, clientId, ({ resource_uris: _, ...current }) => ({
        ...current,
        ...(uris && { resource_uris: [...uris] }),
      }))
      if (!after) throw unknownClient(clientId)
      const print = json ? printJson : printFacts
      print(shownClient(after))
    })
  },
})
