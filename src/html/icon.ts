/** Icons of pages: inline SVG in the colour of the text, hidden from screen readers, since words stand beside each. docs/decisions/0069-icons.md */
import iconShapes from '../../views/icons.json' with { type: 'json' }

export type IconName = keyof typeof iconShapes

const isIcon = (name: string): name is IconName => Object.hasOwn(iconShapes, name)

/** Marks of brands are filled; the others are drawn with lines. */
const looks = (name: IconName): string =>
  name.startsWith('mark-')
    ? 'fill="currentColor"'
    : 'fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round"'

/** The SVG of an icon; undefined when there is none of this name. */
export const iconMarkup = (name: string): string | undefined =>
  isIcon(name)
    ? `<svg class="icon" width="20" height="20" viewBox="0 0 24 24" aria-hidden="true" ${looks(name)}>${iconShapes[name]}</svg>`
    : undefined

/** `source` with the SVG of each `{{icon name}}`. Inside a tag its quotes would end an attribute, so `refuse` throws. */
export const withIcons = (source: string, refuse: (problem: string) => never): string =>
  source.replace(/\{\{icon ([a-z0-9-]+)\}\}/g, (text, name: string, at: number) => {
    if (source.lastIndexOf('<', at) > source.lastIndexOf('>', at)) refuse(`${text} stands inside a tag`)
    return iconMarkup(name) ?? refuse(`${text}: there is no such icon`)
  })
