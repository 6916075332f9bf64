/** The HTML document around every page: head, brand, card, and a footer with the operator's links and the languages. */
import languagesSource from '../../views/languages.html' with { type: 'text' }
import layoutSource from '../../views/layout.html' with { type: 'text' }
import { type Language, languages, type Said } from '../lib/say.ts'
import { pagePath } from './assets.ts'
import { clientLink, clientLinks, script, signOut, skipLink, stylesheet } from './page_parts.ts'
import { defer, defineView, type Html, type Setting } from './view.ts'

/** The action of the language form in the footer; `endpoints/language.ts` serves it. */
export const languagePath = '/language'

const layout = defineView('layout', layoutSource, [
  'lang',
  'dir',
  'title',
  'brand',
  'logo',
  'icon',
  'stylesheets',
  'head',
  'width',
  'skip',
  'nav',
  'main',
  'links',
  'languages',
])

const languageForm = defineView('languages', languagesSource, ['action', 'back', 'options'])
const option = defineView(
  'language_option',
  '<option value="{{tag}}" lang="{{tag}}" {{selected}}>{{name}}</option>',
  ['tag', 'selected', 'name'],
)

/** The name of each language in that language. */
const nameOf = (tag: Language): string => {
  const name = new Intl.DisplayNames([tag], { type: 'language' }).of(tag) ?? tag
  return name.charAt(0).toLocaleUpperCase(tag) + name.slice(1)
}
const names = new Map<Language, string>()
const ownName = (tag: Language): string => {
  let name = names.get(tag)
  if (name === undefined) names.set(tag, (name = nameOf(tag)))
  return name
}

const options = new Map<Language, Html[]>()
const optionsFor = (chosen: Language): Html[] => {
  let made = options.get(chosen)
  if (made === undefined) {
    made = languages.map((tag) =>
      option({ tag, name: ownName(tag), selected: tag === chosen ? 'selected' : '' }),
    )
    options.set(chosen, made)
  }
  return made
}

/** Only on pages that a GET shows again: a change of language must not lose entered fields or repeat an action. */
const languageChoice = ({ words, base, here }: Setting): Html | Html[] =>
  here === undefined
    ? []
    : languageForm({
        action: `${base}${languagePath}`,
        back: here,
        options: optionsFor(words.tag),
      })

function operatorLinks({ brand, words }: Setting): Html | Html[] {
  const links = brand.links.map(({ label, url }) =>
    clientLink({ url, label: typeof label === 'string' ? label : (label[words.tag] ?? label.en ?? url) }),
  )
  return links.length ? clientLinks({ links }) : []
}

/** A script of ours, by its path below the base path. */
export const ownScript = (path: string): Html => defer(({ base }) => script({ path: `${base}${path}` }))

/**
 * `title` never quotes a client: it cannot have <bdi>, and the browser keeps it in the history. `again` is false when a
 * reload would not show the same page. `signedIn` adds a sign-out link, to /logout or to another path below the base path, for pages of signed-in End-Users without the
 * account menu, which is `nav`. `scripts` adds `views/page.js`: an error page does without, since what failed may be an asset. OWASP ASVS 5.0 V7.4.4
 */
export const page = (
  title: Said | string,
  main: Html,
  {
    width = '',
    head = [] as readonly Html[],
    nav = [] as readonly Html[],
    again = true,
    signedIn = false as boolean | { signOut: string },
    scripts = true,
  } = {},
): Html =>
  defer((setting) => {
    const { words, brand, base } = setting
    return layout({
      lang: words.tag,
      dir: words.dir,
      // As text: the element has no markup.
      title: typeof title === 'string' ? title : words.text(title),
      brand: brand.name,
      logo: brand.logo,
      icon: brand.icon,
      stylesheets: brand.stylesheets.map((path) => stylesheet({ path })),
      head: scripts ? [ownScript(pagePath), ...head] : head,
      skip: nav.length > 0 ? skipLink({}) : [],
      nav,
      width,
      main: signedIn
        ? [main, signOut({ path: `${base}${signedIn === true ? '/logout' : signedIn.signOut}` })]
        : main,
      links: operatorLinks(setting),
      languages: again ? languageChoice(setting) : [],
    })
  })
