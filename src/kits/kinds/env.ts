/** A `.env` file with the values of the client. */
import env from '../../../kits/env/env.tmpl' with { type: 'text' }
import { anyMethod, type Kit } from '../kit.ts'
import { fromTemplate } from '../template.ts'

export const envFile: Kit = {
  kind: 'env',
  title: '.env file',
  methods: anyMethod,
  files: (values) => [{ ...fromTemplate('.env', env, values, 'env'), isPrivate: true }],
  run: () => [],
}
