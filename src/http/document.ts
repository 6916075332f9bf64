/** The document round every page: head, brand, card. */
import layoutSource from '../../views/layout.html' with { type: 'text' }
import type { Said } from '../lib/say.ts'
import { stylesheet } from './page_parts.ts'
import { defer, defineView, type Html } from './view.ts'

const layout = defineView('layout', layoutSource, [
  'lang',
  'dir',
  'title',
  'brand',
  'logo',
  'stylesheets',
  'head',
  'width',
  'main',
])

/** `title` says what the page is and never quotes a client: a title has no <bdi> and outlives the page in history. */
export const page = (
  title: string | Said,
  main: Html,
  { width = '', head = [] as readonly Html[] } = {},
): Html =>
  defer(({ words, brand }) =>
    layout({
      lang: words.tag,
      dir: words.dir,
      title,
      brand: brand.name,
      logo: brand.logo,
      stylesheets: brand.stylesheets.map((path) => stylesheet({ path })),
      head,
      width,
      main,
    }),
  )
