/** The appearance of pages and mails: the operator's theme, or ours. */
import type { Config } from '../config.ts'
import type { Language } from '../lib/say.ts'
import { type Asset, assets } from './assets.ts'
import type { Setting } from './template.ts'
import { readTheme } from './theme.ts'
import { plainSetting } from './view.ts'
import { createWords, type Words, wordsOf } from './words.ts'

/** The appearance of pages and mails, the same for every reader. */
export interface Looks extends Omit<Setting, 'words' | 'here'> {
  wordsOf(tag: Language): Words
  /** Files that are served unchanged, by path below the base path. */
  assets: ReadonlyMap<string, Asset>
}

/** Throws ConfigError with every problem of the theme. */
export function looksOf(config: Config): Looks {
  const base = new URL(config.issuer).pathname.replace(/\/$/, '')
  const theme = config.themePath === undefined ? undefined : readTheme(config.themePath)
  const own = plainSetting.brand
  const logo = theme?.logo ?? own.logo
  const words = new Map<Language, Words>()
  return {
    base,
    brand: {
      name: theme?.name ?? own.name,
      logo: `${base}${logo}`,
      icon: `${base}${theme?.icon ?? logo}`,
      links: theme?.links ?? [],
      stylesheets: [...own.stylesheets, ...(theme?.stylesheets ?? [])].map((path) => `${base}${path}`),
    },
    templates: theme?.templates ?? new Map(),
    assets: theme ? new Map([...assets, ...theme.assets]) : assets,
    wordsOf(tag) {
      const instead = theme?.messages.get(tag)
      if (!instead) return wordsOf(tag)
      let found = words.get(tag)
      if (!found) words.set(tag, (found = createWords(tag, instead)))
      return found
    },
  }
}
