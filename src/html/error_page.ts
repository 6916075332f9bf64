/** The page of an error that must not be sent to the client: a message for the End-User, and technical details for support. */
import errorSource from '../../views/error.html' with { type: 'text' }
import type { Way } from '../auth/refusal.ts'
import { say, type Said } from '../lib/say.ts'
import { shownHost } from './client_parts.ts'
import { page } from './document.ts'
import { foreignText } from './foreign_text.ts'
import type { IconName } from './icon.ts'
import * as parts from './page_parts.ts'
import { defineView, type Html } from './view.ts'
import { isMessageKey } from './words.ts'

const error = defineView('error', errorSource, [
  'sign',
  'title',
  'message',
  'description',
  'explained',
  'hint',
  'client',
  'error',
  'requestId',
])

/** In English, as the page that it leads to. */
const explanation = defineView(
  'explanation',
  '<p lang="en" dir="ltr"><a href="{{url}}">Why this request failed, and how to mend it</a></p>',
  ['url'],
)

/** A description, which is written for JSON, as a sentence. A parameter name at its beginning is not capitalised. */
const sentence = (text: string): string =>
  text.replace(/^[a-z](?=[a-z]* )/, (first) => first.toUpperCase()) + (/[.!?…]$/.test(text) ? '' : '.')

const titleOf = (status: number): Said => {
  const key = `error_page.title_${status}`
  return say(isMessageKey(key) ? key : 'error_page.title')
}

/** By status; a crossed octagon is for a request that no repetition mends. */
const signs: Readonly<Record<number, IconName>> = {
  401: 'lock-keyhole',
  403: 'lock-keyhole',
  404: 'search-x',
  429: 'clock',
  500: 'server-crash',
  503: 'clock',
}

/** Features add error codes. A code without a message gets that of invalid_request. */
function messageOf(code: string): Said {
  const key = code === 'foreign_form' ? 'error.access_denied' : `error.${code}`
  return say(isMessageKey(key) ? key : 'error.invalid_request')
}

/** An unverified client whose request was refused. Without `url` the page names its host and links nowhere. */
export interface RefusedClient {
  host: string
  url: string | undefined
}

const refusedClient = ({ host, url }: RefusedClient): Html[] => [
  parts.refusedWarning({ host: shownHost(host) }),
  ...(url === undefined ? [] : [parts.goOnTo({ url, host: shownHost(host) })]),
]

const wayOn = ({ label, url, unverified }: Way): Html[] => [
  ...(unverified ? [parts.unverifiedDevice({})] : []),
  parts.wayOn({ url, label }),
]

const longestDescription = 1000

/**
 * `error` is the code, `description` is technical and in English, `say` is the message for the End-User in place of the
 * message of the code, `hint` is what to try next.
 */
export function errorPage(view: {
  status: number
  error: string
  /** In English, for the developer of the client. */
  description: string | undefined
  requestId: string
  say?: Said | undefined
  hint?: Said | undefined
  client?: RefusedClient | undefined
  ways?: readonly Way[] | undefined
  /** The page of the teaching lab that explains the refusal. */
  explained?: string | undefined
}): Html {
  const title = titleOf(view.status)
  return page(
    title,
    error({
      sign: parts.sign({ kind: 'sign danger', icon: parts.icon(signs[view.status] ?? 'octagon-x') }),
      title,
      message: view.say ?? messageOf(view.error),
      description:
        view.say || view.description === undefined
          ? []
          : parts.inEnglish({ text: sentence(foreignText(view.description, longestDescription)) }),
      explained: view.explained === undefined ? [] : explanation({ url: view.explained }),
      hint: view.hint ? parts.note({ text: view.hint }) : [],
      client: [...(view.client ? refusedClient(view.client) : []), ...(view.ways ?? []).flatMap(wayOn)],
      error: view.error,
      requestId: view.requestId,
    }),
    { scripts: false },
  )
}
