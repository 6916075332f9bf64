/** The page at `/`, for a developer who opens the provider for the first time. */
import startSource from '../../views/start.html' with { type: 'text' }
import startDemoSource from '../../views/start_demo.html' with { type: 'text' }
import startPlainSource from '../../views/start_plain.html' with { type: 'text' }
import { say, type Said } from '../lib/say.ts'
import { page } from './document.ts'
import { codeText, demoUser, startLink } from './page_parts.ts'
import { defineView, type Html } from './view.ts'

export type StartView = {
  issuer: string
  development: boolean
  demo?: {
    users: readonly { username: string; password: string }[]
    client_id: string
    client_secret: string
    redirect_uri: string
  }
  links: readonly { label: Said; url: string; description: Said }[]
  curl: string
}

const start = defineView('start', startSource, ['issuer', 'mode', 'guide', 'links'])
const startDemo = defineView('start_demo', startDemoSource, [
  'curl',
  'npx',
  'bun',
  'setting',
  'users',
  'issuer',
  'clientId',
  'clientSecret',
  'redirectUri',
])
const startPlain = defineView('start_plain', startPlainSource, ['curl'])

const demoGuide = ({ issuer, curl }: StartView, demo: NonNullable<StartView['demo']>): Html =>
  startDemo({
    curl,
    npx: codeText({ text: 'npx bun@1.4.5' }),
    bun: codeText({ text: 'bun' }),
    setting: codeText({ text: 'NODE_ENV=production' }),
    users: demo.users.map(demoUser),
    issuer,
    clientId: demo.client_id,
    clientSecret: demo.client_secret,
    redirectUri: demo.redirect_uri,
  })

/** The demo's secrets are shown in development only. */
export const startPage = (view: StartView): Html =>
  page(
    say('start.title'),
    start({
      issuer: view.issuer,
      mode: say(view.development ? 'start.development' : 'start.production'),
      guide: view.development && view.demo ? demoGuide(view, view.demo) : startPlain({ curl: view.curl }),
      links: view.links.map(startLink),
    }),
    { width: 'wide' },
  )
