/** Starts a provider and this API on this machine: `bun examples/api/start.ts`. Ctrl-C ends both and removes what they made. */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { runExample, startLatchkey, startProgram } from '../start/latchkey.ts'

const { PORT = '9000', PROVIDER_PORT = '5000', VERIFY = 'jwt' } = process.env
const resource = `http://localhost:${PORT}`
const secret = randomBytes(32).toString('base64url')

await runExample(async (add) => {
  const { issuer } = await add(
    startLatchkey(
      Number(PROVIDER_PORT),
      {
        scopes: ['read:notes', 'write:notes'],
        clients: [
          // The API itself, for introspection: it learns of tokens for its own URI alone.
          {
            client_id: 'notes-api',
            grant_types: ['client_credentials'],
            resource_server: true,
            resource_uris: [resource],
            client_secret: 'env:API_SECRET',
          },
          // A program that uses the API for itself.
          {
            client_id: 'reader',
            grant_types: ['client_credentials'],
            scope: 'read:notes write:notes',
            client_secret: 'env:READER_SECRET',
          },
          // An application that uses the API for an End-User.
          {
            client_id: 'notebook',
            client_name: 'Notebook',
            token_endpoint_auth_method: 'none',
            redirect_uris: ['http://localhost:8080/callback'],
            scope: 'openid read:notes write:notes',
          },
        ],
      },
      { RESOURCES: resource, API_SECRET: secret, READER_SECRET: 'a-secret-for-this-machine' },
    ),
  )
  const env = { PORT, ISSUER: issuer, VERIFY, CLIENT_SECRET: secret, DEVELOPER_PAGE: 'true' }
  await add(startProgram(join(import.meta.dir, 'main.ts'), env))
  return 'Ready. Ctrl-C ends the provider and the API.'
})
