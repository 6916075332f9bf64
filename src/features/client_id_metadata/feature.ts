/** Client ID Metadata Documents: a client without registration describes itself at its client_id, a URL. https://datatracker.ietf.org/doc/draft-ietf-oauth-client-id-metadata-document/ */
import { OAuthError } from '../../auth/errors.ts'
import { RefusedError } from '../../auth/refusal.ts'
import { readClientMetadata } from '../../auth/registration.ts'
import type { Config } from '../../config.ts'
import { defineEntries, featureConfig } from '../../config.ts'
import * as is from '../../config/schemas.ts'
import type { Context } from '../../contracts/context.ts'
import { admitMetadata, policyOf } from '../../endpoints/registration.ts'
import { OutboundError } from '../../outbound/outbound.ts'
import { isSubOfPerson } from '../../models/subjects.ts'
import { type Client, makeClient } from '../../models/client.ts'
import { type ClientSource, defineFeature } from '../../contracts/feature.ts'
import { documentPolicy, readDocument, requireDocumentUrl } from './document.ts'

const env = defineEntries([
  {
    name: 'CLIENT_ID_METADATA_DOCUMENTS',
    realm: 'own_or_server',
    schema: is.boolean,
    default: 'false',
    profiles: { mcp: 'true' },
    help: 'Allows a client_id that is an https URL at which the client describes itself, without registration.',
  },
])

const isOn = (config: Config): boolean =>
  featureConfig(config, 'client_id_metadata', env).clientIdMetadataDocuments

/** §8.7. */
const maxBytes = 5120
/** Seconds for which a document is cached. A change or removal takes effect at most this much later. */
const keptFor = 600

const invalid = (error: RefusedError): OAuthError =>
  new OAuthError('invalid_client', {
    ...error.refusal,
    status: undefined,
    problem: `the document at client_id: ${error.publicDescription}`,
    next: undefined,
  })

const asInvalidClient = (error: unknown): unknown => {
  if (error instanceof OutboundError)
    return new OAuthError('invalid_client', {
      rule: 'Client ID Metadata Document §4',
      expected: 'client_id is an https URL that answers with the metadata of the client',
      problem: `client_id ${error.told}`,
      detail: error.detail,
    })
  const refused = error instanceof RefusedError && error.status < 500 && error.code !== 'invalid_client'
  return refused ? invalid(error) : error
}

/** The client that the document (at most 10 minutes old) describes. Throws `invalid_client` with the reason. */
async function find(context: Context, clientId: string): Promise<Client> {
  requireDocumentUrl(clientId)
  const policy = documentPolicy(policyOf(context))
  try {
    const document = await context.outbound.getJson(clientId, {
      purpose: 'client_document',
      cacheFor: keptFor,
      maxBytes,
      strictType: true,
      validate: (value) => void readClientMetadata(readDocument(value, clientId), policy),
    })
    // Checked again: the cached document may have been fetched under another `validate`.
    const requested = readDocument(document, clientId)
    const metadata = await admitMetadata(requested, policy, { by: 'client' }, context)
    if (await isSubOfPerson(context, clientId))
      throw new OAuthError('invalid_client', {
        rule: 'RFC 9700 §4.15',
        expected: 'a client_id that is not the sub of an account',
        came: clientId,
      })
    const { client } = makeClient(context, {
      ...metadata,
      client_id: clientId,
      self_registered: true,
      described_at: clientId,
      require_pkce: true,
    })
    return client
  } catch (error) {
    throw asInvalidClient(error)
  }
}

const source: ClientSource = {
  name: 'client_id_metadata',
  // The outbound fetcher allows http for OUTBOUND_ALLOW_HOSTS alone.
  accepts: (clientId) => /^https?:\/\//.test(clientId),
  find,
}

export const clientIdMetadata = defineFeature({
  name: 'client_id_metadata',
  when: isOn,
  env,
  clientSources: [source],
  metadata: () => ({ client_id_metadata_document_supported: true }),
})
