/** The consent page, and its descriptions of scopes and claims. */
import consentSource from '../../views/consent.html' with { type: 'text' }
import consentScopeSource from '../../views/consent_scope.html' with { type: 'text' }
import { isMessageKey } from './words.ts'
import { ownMember } from '../lib/own_member.ts'
import { isSaid, type OwnWords, say, type Said } from '../lib/say.ts'
import {
  type ClientPlace,
  clientLinks,
  clientLogo,
  clientWarning,
  type ShownClient,
  shownHost,
  shownName,
} from './client_parts.ts'
import { avatar, type ShownPerson } from './avatar.ts'
import { page } from './document.ts'
import { foreignText } from './foreign_text.ts'
import type { IconName } from './icon.ts'
import * as parts from './page_parts.ts'
import { defer, defineView, type Html } from './view.ts'

/** What each standard scope lets an application do, as a continuation of "It will be able to". */
export const scopeDescriptions: Readonly<Record<string, Said>> = {
  openid: say('scope.openid'),
  profile: say('scope.profile'),
  email: say('scope.email'),
  address: say('scope.address'),
  phone: say('scope.phone'),
  offline_access: say('scope.offline_access'),
}

/** Of scopes that most people know. */
const scopeIcons: Readonly<Record<string, IconName>> = {
  openid: 'log-in',
  profile: 'id-card',
  email: 'mail',
  address: 'map-pin',
  phone: 'phone',
  offline_access: 'refresh-cw',
}

/** The same for a single claim of a scope. */
export function claimDescription(name: string): Said {
  const [base = ''] = name.split('#')
  const key = `claim.${base}`
  return isMessageKey(key) ? say(key) : say('claim.custom', { claim: base.replaceAll('_', ' ') })
}

/** `description` is a message of ours, or a text of the operator. */
export type ShownScope = { name: string; description: OwnWords | Said; isNew?: boolean }

const consent = defineView('consent', consentSource, [
  'logo',
  'avatar',
  'client',
  'username',
  'notYou',
  'warning',
  'scopes',
  'details',
  'action',
  'csrf',
  'interaction',
  'host',
  'lasts',
  'links',
])
const consentScope = defineView('consent_scope', consentScopeSource, ['icon', 'description', 'isNew', 'name'])

const longestScope = 200
const secondsInDay = 86_400
const ownWords = defineView('scope_words', '{{text}}', ['text'])

/** A text of the operator is shown in the language of the page, else in English, else in its first language. */
export function scopeWords(description: OwnWords | Said): Html | Said | string {
  if (isSaid(description)) return description
  if (typeof description === 'string') return foreignText(description, longestScope)
  const [first = ''] = Object.values(description)
  return defer(({ words }) =>
    ownWords({ text: foreignText(description[words.tag] ?? description.en ?? first, longestScope) }),
  )
}

export const scopeRow = ({ name, description, isNew }: ShownScope): Html =>
  consentScope({
    icon: parts.icon(ownMember(scopeIcons, name) ?? 'key-round'),
    description: scopeWords(description || name),
    isNew: isNew ? parts.newBadge({}) : [],
    name: description ? parts.scopeName({ name: foreignText(name) }) : [],
  })

/**
 * Asks whether a client may have the scopes: buttons `allow` and `deny`. `clientHost` is the host the End-User is sent to
 * next. `describedAt` is the host of the Client ID Metadata Document of a client that has one. `details` are blocks that
 * features add.
 */
export function consentPage(
  view: ShownClient &
    ClientPlace &
    ShownPerson & {
      action: string
      csrf: string
      interaction: string
      clientName: string | Said
      unverified: boolean
      /** The path of the sign-in with another account. */
      other?: string | undefined
      scopes: readonly ShownScope[]
      details?: readonly Html[]
      /** How long the answer is remembered; undefined where the page is shown each time. */
      lastsSeconds?: number | undefined
    },
): Html {
  return page(
    say('consent.title'),
    consent({
      logo: clientLogo(view),
      client: shownName(view.clientName),
      avatar: avatar(view),
      username: parts.name({ text: foreignText(view.username) }),
      notYou: view.other === undefined ? [] : parts.notYou({ path: view.other }),
      warning: view.unverified ? clientWarning(view) : [],
      scopes: view.scopes.length ? parts.scopeList({ scopes: view.scopes.map(scopeRow) }) : [],
      details: view.details ?? [],
      action: view.action,
      csrf: view.csrf,
      interaction: view.interaction,
      host: shownHost(view.clientHost),
      lasts:
        view.lastsSeconds === undefined
          ? say('consent.each_time')
          : say('consent.lasts', { n: Math.max(1, Math.floor(view.lastsSeconds / secondsInDay)) }),
      links: clientLinks(view),
    }),
    { signedIn: true },
  )
}
