/** Services without an End-User: an access token by client_credentials. https://www.rfc-editor.org/rfc/rfc6749#section-4.4 */
import gitignore from '../../../kits/common/gitignore.tmpl' with { type: 'text' }
import secretEnv from '../../../kits/node/secret.env.tmpl' with { type: 'text' }
import nodePackage from '../../../kits/service/package.json.tmpl' with { type: 'text' }
import nodeService from '../../../kits/service/service.js.tmpl' with { type: 'text' }
import pythonRequirements from '../../../kits/service/requirements.txt.tmpl' with { type: 'text' }
import pythonService from '../../../kits/service/service.py.tmpl' with { type: 'text' }
import type { Kit, KitFile, KitValues } from '../kit.ts'
import type { Language } from '../literal.ts'
import { fromTemplate } from '../template.ts'

interface Service extends Pick<Kit, 'kind' | 'title'> {
  program: readonly [path: string, template: string, language: Language]
  packages: KitFile
  run: readonly string[]
}

function defineService({ program, packages, run, ...kit }: Service): Kit {
  const [path, template, language] = program
  const settings = (values: KitValues) => [fromTemplate(path, template, values, language)]
  return {
    ...kit,
    methods: ['client_secret_basic', 'client_secret_post'],
    grant: 'service',
    settings,
    files: (values) => [
      packages,
      ...settings(values),
      { ...fromTemplate('.env', secretEnv, values, 'shell'), isPrivate: true },
      { path: '.gitignore', text: gitignore },
    ],
    run: () => ['set -a; . ./.env; set +a', ...run],
  }
}

export const nodeServiceKit = defineService({
  kind: 'node-service',
  title: 'Service in Node.js',
  program: ['service.js', nodeService, 'js'],
  packages: { path: 'package.json', text: nodePackage },
  run: ['npm install', 'npm start'],
})

export const pythonServiceKit = defineService({
  kind: 'python-service',
  title: 'Service in Python',
  program: ['service.py', pythonService, 'python'],
  packages: { path: 'requirements.txt', text: pythonRequirements },
  run: ['python3 -m venv .venv', '.venv/bin/pip install -r requirements.txt', '.venv/bin/python service.py'],
})
