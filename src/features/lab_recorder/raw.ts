/** A message of HTTP as text. */
import { defineView, type Html } from '../../html/view.ts'
import type { Message } from '../../models/recording/recorded.ts'
import { written } from '../../lib/unsafe_text.ts'

const view = defineView(
  'lab_raw',
  '<pre class="raw" dir="ltr" tabindex="0" role="region" aria-label="{{label}}">{{text}}</pre>',
  ['label', 'text'],
)

/** The first line, the headers, an empty line, the body. */
export const rawText = (first: string, { headers, body }: Message): string =>
  [
    first,
    ...headers.map(([name, value]) => `${name}: ${value}`),
    ...(body === undefined ? [] : ['', body]),
  ].join('\n')

export const rawMessage = (label: string, first: string, message: Message): Html =>
  view({ label, text: rawText(first, message).split('\n').map(written).join('\n') })
