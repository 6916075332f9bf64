/** What the End-User saw, from the HTML of a page: its title, its headings and its buttons. Values of fields are not kept. */
import type { SeenPage } from './recorded.ts'

const mostWords = 20

const plain = (html: string): string =>
  html
    .replace(/<[^>]*>/g, ' ')
    .replace(/&(?:amp|lt|gt|quot|#x27|#39|nbsp);/g, (entity) => entities[entity] ?? ' ')
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, 200)

const entities: Readonly<Record<string, string>> = {
  '&amp;': '&',
  '&lt;': '<',
  '&gt;': '>',
  '&quot;': '"',
  '&#x27;': "'",
  '&#39;': "'",
}

export function seenPage(html: string): SeenPage {
  const title = plain(/<title[^>]*>([^<]*)<\/title>/i.exec(html)?.[1] ?? '')
  const parts = html.matchAll(/<(h1|h2|button)\b[^>]*>(.*?)<\/\1>/gis)
  const says = [...parts].map(([, , inner = '']) => plain(inner)).filter((each) => each !== '')
  return { title, says: [...new Set(says)].slice(0, mostWords) }
}
