/** What the kits of applications share: where their redirect URI may lead, and the files that each has. */
import gitignore from '../../kits/common/gitignore.tmpl' with { type: 'text' }
import secretEnv from '../../kits/node/secret.env.tmpl' with { type: 'text' }
import type { Kit, KitFile, KitValues, RedirectWish } from './kit.ts'
import { type Language, literals } from './literal.ts'
import { fill, fromTemplate } from './template.ts'

const loopback = /^http:\/\/(?:localhost|127\.0\.0\.1|\[::1\]):\d{1,5}\//
/** A path in which no router finds a pattern. */
const plainPath = /^(?:\/[\w.~-]+)+$/
/** The other pages of the applications. */
const ownPaths = ['/sign-in', '/sign-out']

/** The application runs on the machine of its author, at the port of the redirect URI. */
export const onLoopback = (example: string): RedirectWish => ({
  example,
  expected: `on this machine with a port and a plain path, such as ${example}`,
  accepts(uri) {
    const url = URL.parse(uri)
    return (
      loopback.test(uri) &&
      url?.href === uri &&
      plainPath.test(url.pathname) &&
      url.search + url.hash === '' &&
      !ownPaths.includes(url.pathname)
    )
  },
})

/** The same, where a framework decides the path. */
export const onLoopbackAt = (example: string): RedirectWish => {
  const { pathname } = new URL(example)
  const { accepts } = onLoopback(example)
  return {
    example,
    expected: `on this machine with a port and the path ${pathname}`,
    accepts: (uri) => accepts(uri) && URL.parse(uri)?.pathname === pathname,
  }
}

/** A server of the operator, behind its own name. `path`: where the software decides it. */
export const onWeb = (example: string, path?: string): RedirectWish => ({
  example,
  expected: `with http or https${path === undefined ? ' and a plain path' : ` and the path ${path}`}, such as ${example}`,
  accepts(uri) {
    const url = URL.parse(uri)
    return (
      /^https?:\/\//.test(uri) &&
      url?.href === uri &&
      (path === undefined ? plainPath.test(url.pathname) : url.pathname === path) &&
      url.search + url.hash === ''
    )
  },
})

/** A template, where its file goes, and the language of its placeholders. */
export type Row = readonly [path: string, template: string, language?: Language]

const keepsSecret = ({ auth_method }: KitValues): boolean => auth_method !== 'none'

const readme = (title: string, run: readonly string[], values: KitValues, notes: string): KitFile => {
  const first = keepsSecret(values) && values.client_secret === undefined
  return {
    path: 'README.md',
    text: `# ${literals.markdown.text(values.client_name)}: ${title}

This application signs End-Users in with OpenID Connect. It was made for one client; its values are in the settings.

${first ? 'Write the secret of the client into `.env` first: `latchkey client add` and `latchkey client secret` show it once.\n\n' : ''}\`\`\`sh
${run.join('\n')}
\`\`\`
${notes === '' ? '' : `\n${fill(notes, values, 'plain')}`}`,
  }
}

interface Application extends Omit<Kit, 'files' | 'settings' | 'run' | 'grant' | 'signsIn'> {
  rows: readonly Row[]
  /** With the variables of `.env`, where it has one. Placeholders are filled without quotes. */
  run: readonly string[]
  /** More for the README, with placeholders. */
  notes?: string
}

const made = (rows: readonly Row[], values: KitValues): KitFile[] =>
  rows.map(([path, template, language]) => fromTemplate(path, template, values, language))

/** An application: its own files, and those that each one has. */
export function defineApplication({ rows, run: lines, notes = '', ...kit }: Application): Kit {
  const run = (values: KitValues) => [
    ...(keepsSecret(values) ? ['set -a; . ./.env; set +a'] : []),
    ...lines.map((line) => fill(line, values, 'plain')),
  ]
  return {
    ...kit,
    grant: 'code',
    signsIn: true,
    run,
    settings: (values) =>
      made(
        rows.filter(([, , language]) => language !== undefined),
        values,
      ),
    files: (values) => [
      ...made(rows, values),
      ...(keepsSecret(values)
        ? [{ ...fromTemplate('.env', secretEnv, values, 'shell'), isPrivate: true }]
        : []),
      { path: '.gitignore', text: gitignore },
      readme(kit.title, run(values), values, notes),
    ],
  }
}
