/** The stylesheet, the logo and the one script, under names that change with their content. */
import { OAuthError } from '../auth/errors.ts'
import { assets as files } from '../http/pages.ts'
import { defineEndpoint } from './endpoint.ts'

export const assets = defineEndpoint({
  name: 'assets',
  path: '/assets/*',
  methods: ['GET'],
  advertised: false,
  handle(call) {
    const file = files.get(call.path)
    if (!file) throw new OAuthError('not_found', 'no such file')
    return {
      status: 200,
      body: file.body,
      headers: { 'content-type': file.contentType, 'cache-control': 'public, max-age=31536000, immutable' },
    }
  },
})
