/** The script of pages with passkeys, at a path with the hash of its content. https://www.w3.org/TR/webauthn-3/#sctn-api */
import source from '../../../views/passkey.js' with { type: 'text' }
import { defineEndpoint } from '../../contracts/endpoint.ts'
import { sha256 } from '../../lib/hash.ts'

export const scriptPath = `/passkeys/${sha256(source).slice(0, 16)}.js`

export const script = defineEndpoint({
  name: 'passkey_script',
  path: scriptPath,
  advertised: false,
  api: false,
  get: () => ({
    status: 200,
    body: source,
    headers: {
      'content-type': 'text/javascript; charset=utf-8',
      'cache-control': 'public, max-age=31536000, immutable',
    },
  }),
})
