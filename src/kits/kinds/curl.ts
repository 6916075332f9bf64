/** A script that makes the requests of the client with curl. */
import script from '../../../kits/curl/client.sh.tmpl' with { type: 'text' }
import { anyMethod, type Kit } from '../kit.ts'
import { fromTemplate } from '../template.ts'

export const curl: Kit = {
  kind: 'curl',
  title: 'curl',
  methods: anyMethod,
  files: (values) => [
    {
      ...fromTemplate('client.sh', script, values, 'shell'),
      isProgram: true,
      isPrivate: values.client_secret !== undefined,
    },
  ],
  run: () => ['./client.sh'],
}
