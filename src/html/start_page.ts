/** The page at `/`: in development for a developer who opens the provider for the first time, in production for an End-User. */
import startSource from '../../views/start.html' with { type: 'text' }
import startDemoSource from '../../views/start_demo.html' with { type: 'text' }
import startPeopleSource from '../../views/start_people.html' with { type: 'text' }
import { say, type Said } from '../lib/say.ts'
import { page } from './document.ts'
import type { IconName } from './icon.ts'
import { codeText, demoUser, icon, startLink } from './page_parts.ts'
import { defineView, type Html } from './view.ts'

export type StartView = {
  issuer: string
  demo: {
    users: readonly { username: string; password: string }[]
    client_id: string
    client_secret: string
    redirect_uri: string
  }
  links: readonly { label: Said; icon?: IconName; url: string; description: Said }[]
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
const startPeople = defineView('start_people', startPeopleSource, ['name', 'links'])
const startButton = defineView('start_button', '<a class="button" href="{{path}}">{{label}}</a>', [
  'path',
  'label',
])

const demoGuide = ({ issuer, curl, demo }: StartView): Html =>
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

/** It shows the secrets of the demo. */
export const developerStartPage = (view: StartView): Html =>
  page(
    say('start.title'),
    start({
      issuer: view.issuer,
      mode: say('start.development'),
      guide: demoGuide(view),
      links: view.links.map((each) => startLink({ ...each, icon: icon(each.icon ?? 'globe') })),
    }),
    { width: 'wide' },
  )

export const startPage = (view: {
  /** The name of the provider. */
  name: string
  links: readonly { label: Said; path: string }[]
}): Html => page(say('login.title'), startPeople({ name: view.name, links: view.links.map(startButton) }))
