/** The page of an error that must not travel to the client: a sentence for the person, and the rest for who helps them. */
import errorSource from '../../views/error.html' with { type: 'text' }
import { say, type Said } from '../lib/say.ts'
import { page } from './document.ts'
import { foreignText } from './foreign_text.ts'
import * as parts from './page_parts.ts'
import { defineView, type Html } from './view.ts'
import { isMessageKey } from './words.ts'

const error = defineView('error', errorSource, [
  'title',
  'message',
  'description',
  'hint',
  'error',
  'requestId',
])

/** Descriptions are written for JSON; on a page they are sentences. Names of parameters stay as they are. */
const sentence = (text: string): string =>
  text.replace(/^[a-z](?=[a-z]* )/, (first) => first.toUpperCase()) + (/[.!?…]$/.test(text) ? '' : '.')

const titleOf = (status: number): Said => {
  const key = `error_page.title_${status}`
  return say(isMessageKey(key) ? key : 'error_page.title')
}

/** Codes are an open set, for features bring theirs; those without a sentence are told as what they are, a bad request. */
function messageOf(code: string): Said {
  const key = code === 'foreign_form' ? 'error.access_denied' : `error.${code}`
  return say(isMessageKey(key) ? key : 'error.invalid_request')
}

const longestDescription = 1000

/**
 * `error` is its code, `description` technical and in English, `say` what to tell the person when the code alone
 * says too little, `hint` what to try next.
 */
export function errorPage(view: {
  status: number
  error: string
  /** In English, for whoever writes the application. */
  description: string | undefined
  requestId: string
  say?: Said | undefined
  hint?: Said | undefined
}): Html {
  const title = titleOf(view.status)
  return page(
    title,
    error({
      title,
      message: view.say ?? messageOf(view.error),
      description:
        view.say || view.description === undefined
          ? []
          : parts.inEnglish({ text: sentence(foreignText(view.description, longestDescription)) }),
      hint: view.hint ? parts.note({ text: view.hint }) : [],
      error: view.error,
      requestId: view.requestId,
    }),
  )
}
