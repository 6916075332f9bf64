/** The start page: in production what an End-User can do here, in development how a developer begins. */
import type { Config } from '../config.ts'
import type { Context } from '../contracts/context.ts'
import { demoClient, demoUsers } from '../models/demo.ts'
import { developerStartPage, startPage } from '../html/pages.ts'
import type { StartView } from '../html/start_page.ts'
import { page } from '../http/reply.ts'
import { say, type Said } from '../lib/say.ts'
import { defineEndpoint } from '../contracts/endpoint.ts'
import { accountPath } from '../html/account_parts.ts'
import { mailsAreShown } from '../people/mail.ts'
import { devMailPath } from '../people/shown_mails.ts'

export const start = defineEndpoint({
  name: 'start',
  path: '/',
  advertised: false,
  page: true,
  get: (_call, context) =>
    page(
      200,
      context.config.environment === 'development'
        ? developerStartPage(guideOf(context.config))
        : startPage({ name: context.looks.brand.name, links: linksOf(context) }),
    ),
})

/** Pages for End-Users, if they are served. */
const pagesOfPeople: readonly { path: string; label: Said }[] = [
  { path: accountPath, label: say('account.title') },
  { path: '/applications', label: say('launch.title') },
]

const linksOf = ({ basePath, table }: Context) =>
  pagesOfPeople
    .filter(({ path }) => table.endpoints.some((endpoint) => endpoint.path === path))
    .map(({ path, label }) => ({ label, path: `${basePath}${path}` }))

function guideOf(config: Config): StartView {
  const { issuer } = config
  const mails = mailsShownAt(config)
  return {
    issuer,
    demo: {
      users: demoUsers.map(({ username, password }) => ({ username, password })),
      client_id: demoClient.client_id,
      client_secret: demoClient.client_secret,
      redirect_uri: demoClient.redirect_uris[0]!,
    },
    links: [
      {
        label: say('start.discovery'),
        icon: 'globe' as const,
        url: `${issuer}/.well-known/openid-configuration`,
        description: say('start.discovery_text'),
      },
      {
        label: say('start.keys'),
        icon: 'key-round' as const,
        url: `${issuer}/jwks.json`,
        description: say('start.keys_text'),
      },
      {
        label: say('start.api'),
        icon: 'terminal' as const,
        url: `${issuer}/openapi.json`,
        description: say('start.api_text'),
      },
      {
        label: say('start.health'),
        icon: 'circle-check' as const,
        url: `${issuer}/health`,
        description: say('start.health_text'),
      },
      {
        label: say('account.title'),
        icon: 'user-round' as const,
        url: `${issuer}${accountPath}`,
        description: say('start.account_text'),
      },
      ...(config.lab
        ? [
            {
              label: say('start.lab'),
              icon: 'activity' as const,
              url: `${issuer}/lab`,
              description: say('start.lab_text'),
            },
          ]
        : []),
      ...(mails === undefined
        ? []
        : [
            {
              label: say('dev_mail.title'),
              icon: 'mail' as const,
              url: mails,
              description: say('start.mails_text'),
            },
          ]),
    ],
    curl: firstCurl(issuer),
  }
}

/** The URL of the page with the mails that development shows and does not send. */
export const mailsShownAt = (config: Config): string | undefined =>
  mailsAreShown(config) ? `${config.issuer}${devMailPath}` : undefined

/** A command that works in development without changes: the demo client requests an access token. */
export const firstCurl = (issuer: string): string =>
  `curl -u ${demoClient.client_id}:${demoClient.client_secret} -d grant_type=client_credentials ${issuer}/token`
