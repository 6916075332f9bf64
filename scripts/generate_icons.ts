/**
 * Writes views/icons.json, the shapes of the icons on pages, from lucide-static (ISC and MIT License, docs/licenses/lucide.txt)
 * and simple-icons (CC0 1.0). `--check` only says whether it differs. docs/decisions/0069-icons.md
 */
import * as lucide from 'lucide-static'
import * as simple from 'simple-icons'

/** Of Lucide: drawn with lines. Every name is used on a page; a test finds one that is not. */
const lines = [
  'activity',
  'app-window',
  'building-2',
  'circle-question-mark',
  'database',
  'history',
  'house',
  'laptop',
  'layout-grid',
  'tablet',
  'terminal',
  'chevron-down',
  'chevron-right',
  'chevron-up',
  'circle-alert',
  'circle-check',
  'clock',
  'eye',
  'eye-off',
  'fingerprint-pattern',
  'globe',
  'id-card',
  'info',
  'key-round',
  'life-buoy',
  'link',
  'lock-keyhole',
  'log-in',
  'log-out',
  'mail',
  'map-pin',
  'menu',
  'message-square-text',
  'monitor-smartphone',
  'octagon-x',
  'phone',
  'refresh-cw',
  'scroll-text',
  'search-x',
  'server-crash',
  'shield-check',
  'sliders-horizontal',
  'smartphone',
  'triangle-alert',
  'user-round',
  'users-round',
] as const

/** Of Simple Icons: filled, the marks of sign-in providers and browsers. Each is a trademark of its owner and names it alone. Simple Icons has none whose owner asked for its removal. */
const marks = {
  apple: simple.siApple,
  discord: simple.siDiscord,
  facebook: simple.siFacebook,
  github: simple.siGithub,
  gitlab: simple.siGitlab,
  google: simple.siGoogle,
  spotify: simple.siSpotify,
  chrome: simple.siGooglechrome,
  duckduckgo: simple.siDuckduckgo,
  firefox: simple.siFirefoxbrowser,
  opera: simple.siOpera,
  safari: simple.siSafari,
  vivaldi: simple.siVivaldi,
} as const

const pascal = (name: string): string =>
  name
    .split('-')
    .map((part) => part.charAt(0).toUpperCase() + part.slice(1))
    .join('')

/** What stands between `<svg …>` and `</svg>`, on one line. */
function linesOf(name: string): string {
  const svg = (lucide as unknown as Record<string, string | undefined>)[pascal(name)]
  const [, inside] = /<svg[^>]*>([\s\S]*)<\/svg>/.exec(svg ?? '') ?? []
  if (inside === undefined) throw new Error(`lucide-static has no icon ${name}`)
  return inside.replace(/\s*\n\s*/g, '').replaceAll(' />', '/>')
}

const entries = [
  ...lines.map((name) => [name, linesOf(name)] as const),
  ...Object.entries(marks).map(([name, { path }]) => [`mark-${name}`, `<path d="${path}"/>`] as const),
]

const text = JSON.stringify(Object.fromEntries(entries), undefined, 2)

const file = Bun.file(new URL('../views/icons.json', import.meta.url))
const formatter = Bun.spawn(['bun', 'fmt', '--stdin-filepath', 'views/icons.json'], {
  stdin: new Blob([text]),
  stderr: 'inherit',
})
const formatted = await new Response(formatter.stdout).text()
if ((await formatter.exited) !== 0) throw new Error('bun fmt failed')
const same = (await file.exists()) && (await file.text()) === formatted
if (process.argv.includes('--check') && !same) {
  process.stderr.write('views/icons.json has drifted: run bun scripts/generate_icons.ts\n')
  process.exitCode = 1
} else if (!same) {
  await Bun.write(file, formatted)
  process.stdout.write('wrote views/icons.json\n')
}
