/** The settings of MCP clients for a server whose authorization server is this provider, with a client that is registered already. https://modelcontextprotocol.io/specification/2025-06-18/basic/authorization */
import { escapeCharacter, replaceUnsafe } from '../../lib/unsafe_text.ts'
import type { Kit, KitValues } from '../kit.ts'
import { onLoopback } from '../application.ts'

/** To be replaced by the reader. */
const server = { name: 'my-server', url: 'https://mcp.example.com/mcp' }

const json = (value: unknown): string => `${replaceUnsafe(JSON.stringify(value, null, 2), 'line', inJson)}\n`
/** The line breaks between members stay. */
const inJson = (character: string): string => (character === '\n' ? character : escapeCharacter(character))

/** The port at which an application listens for the redirect. */
function callbackPort({ redirect_uri: uri }: KitValues): number | undefined {
  const url = URL.parse(uri ?? '')
  return url?.protocol === 'http:' && url.port !== '' ? Number(url.port) : undefined
}

export const mcp: Kit = {
  kind: 'mcp',
  title: 'MCP client',
  methods: ['none'],
  grant: 'code',
  redirect: onLoopback('http://localhost:8090/callback'),
  files: (values) => [
    {
      path: '.mcp.json',
      text: json({
        mcpServers: {
          [server.name]: {
            type: 'http',
            url: server.url,
            oauth: {
              clientId: values.client_id,
              callbackPort: callbackPort(values),
              authServerMetadataUrl: `${values.issuer}/.well-known/openid-configuration`,
            },
          },
        },
      }),
    },
    {
      path: '.cursor/mcp.json',
      text: json({
        mcpServers: {
          [server.name]: {
            url: server.url,
            auth: {
              CLIENT_ID: values.client_id,
              scopes: values.scope.split(' ').filter((each) => each !== ''),
            },
          },
        },
      }),
    },
  ],
  run: () => [],
}
