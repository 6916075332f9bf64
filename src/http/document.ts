/** The document round every page: head, brand, card. */
import layoutSource from '../../views/layout.html' with { type: 'text' }
import { logoPath, stylePath } from './assets.ts'
import { defineView, type Html } from './view.ts'

const layout = defineView('layout', layoutSource, ['title', 'logo', 'stylesheet', 'head', 'width', 'main'])

/** `title` says what the page is and never quotes a client: a title has no <bdi> and outlives the page in history. */
export const page = (title: string, main: Html, { width = '', head = [] as readonly Html[] } = {}): Html =>
  layout({ title, logo: logoPath, stylesheet: stylePath, head, width, main })
