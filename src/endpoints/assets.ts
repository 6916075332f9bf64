/** Serves stylesheets, logos and scripts, ours and those of the theme. Their names change with their content. */
import { HttpError } from '../auth/errors.ts'
import { defineEndpoint } from '../contracts/endpoint.ts'

export const assets = defineEndpoint({
  name: 'assets',
  path: '/assets/*',
  advertised: false,
  api: false,
  get(call, context) {
    const file = context.looks.assets.get(call.path)
    if (!file)
      throw new HttpError('not_found', {
        expected: 'the name of a file',
        came: call.path,
        problem: 'no such file',
      })
    return {
      status: 200,
      body: file.body,
      headers: {
        'content-type': file.contentType,
        'cache-control': 'public, max-age=31536000, immutable',
        ...file.headers,
      },
    }
  },
})
