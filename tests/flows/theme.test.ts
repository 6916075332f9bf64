/** A theme: the folder of examples/, and folders that somebody got wrong. */
import { afterAll, describe, expect, test } from 'bun:test'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { ConfigError } from '../../src/config.ts'
import { notYou, writeMail } from '../../src/people/mail.ts'
import { say } from '../../src/lib/say.ts'
import { provider } from '../support/provider.ts'

const example = join(import.meta.dir, '../../examples/theme')
const folders: string[] = []
afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })))

/** A theme of these files; those of the example beside them when `basis` says so. */
function folderOf(files: Record<string, string>, basis?: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-theme-'))
  folders.push(folder)
  if (basis !== undefined) cpSync(basis, folder, { recursive: true })
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), text)
  }
  return folder
}

const start = (folder: string, env: Record<string, string> = {}) =>
  provider({ env: { THEME_PATH: folder, ...env } })

async function problemsOf(files: Record<string, string>): Promise<string> {
  const folder = folderOf({ 'theme.json': '{}', ...files })
  try {
    await start(folder)
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.join('\n').replaceAll(`${folder}/`, '')
    throw error
  }
  return ''
}

describe('the example', () => {
  test('name, logo, links, words and colours are on every page, and the files are served as what they are', async () => {
    const op = await start(example)
    const html = await (await op.fetch('/', { headers: { 'accept-language': 'de' } })).text()
    expect(html).toContain('· Harbour ID</title>')
    expect(html).toContain('<span>Harbour ID</span>')
    expect(html).toContain('<a href="https://harbour.example/help" rel="noreferrer">Hilfe</a>')
    const sheets = [...html.matchAll(/rel="stylesheet" href="([^"]+)"/g)].map(([, path]) => path!)
    expect(sheets).toHaveLength(3)
    const styles = await Promise.all(sheets.map((path) => op.fetch(path)))
    for (const style of styles) expect(style.headers.get('content-type')).toBe('text/css; charset=utf-8')
    expect(await styles[1]!.text()).toContain('prefers-color-scheme: dark')
    const logo = await op.fetch(/<img src="([^"]+)"/.exec(html)![1]!)
    expect(logo.headers.get('content-type')).toBe('image/svg+xml; charset=utf-8')
    expect(logo.headers.get('content-security-policy')).toContain("default-src 'none'")
    expect(logo.headers.get('cache-control')).toContain('immutable')
    expect(await logo.text()).toContain('aria-label="Harbour"')
  })

  test('messages are told otherwise in one language, and stay in the others', async () => {
    const op = await start(example)
    const login = async (language: string) => {
      const first = await op.fetch('/login', { headers: { 'accept-language': language } })
      const cookie = first.headers
        .getSetCookie()
        .map((each) => each.split(';')[0])
        .join('; ')
      const headers = { 'accept-language': language, cookie }
      return (await op.fetch(first.headers.get('location')!, { headers })).text()
    }
    expect(await login('en')).toContain('<h1>Come aboard</h1>')
    expect(await login('fr')).not.toContain('Come aboard')
  })

  test('mails bear the name of the house', async () => {
    const { context } = await start(example)
    const letter = writeMail(context, {
      to: 'alice@example.com',
      language: 'en',
      subject: say('mail.notice_subject'),
      lines: [say('mail.hello', { username: 'alice' })],
      ...notYou(context),
    })
    expect(letter.html).toContain('Harbour ID')
    expect(letter.text).toContain('Harbour ID')
  })

  test('below an issuer with a path, everything is below it', async () => {
    const op = await start(example, { ISSUER_URL: 'http://localhost:5000/op' })
    const html = await (await op.fetch('/op/')).text()
    for (const [, path] of html.matchAll(/(?:rel="(?:stylesheet|icon)" href|src)="([^"]+)"/g)) {
      expect(path).toStartWith('/op/assets/')
      expect((await op.fetch(path!)).status).toBe(200)
    }
  })
})

test('a template in place of ours, filled and escaped as ours is', async () => {
  const op = await start(
    folderOf({
      'theme.json': '{ "name": "A & <b>" }',
      'views/error.html': '<h1>{{title}}</h1><p title="{{t error_page.help}}">{{requestId}}</p>',
    }),
  )
  const html = await (await op.fetch('/authorize?client_id=%3Cb%3E')).text()
  expect(html).toContain('<h1>We can’t process this request</h1><p title="')
  expect(html).toContain('A &amp; &lt;b&gt;')
  expect(html).not.toContain('<b>')
})

describe('nothing beyond the folder is served', () => {
  test.each([
    '/assets/theme.json',
    '/assets/logo.svg',
    '/assets/../theme.json',
    '/assets/..%2ftheme.json',
    '/assets/%2e%2e/%2e%2e/package.json',
    '/assets//etc/passwd',
  ])('%s', async (path) => {
    const op = await start(example)
    expect((await op.fetch(path)).status).toBe(404)
  })
})

describe('what is wrong stops the start, by the name of the file', () => {
  test.each<[string, Record<string, string>, RegExp]>([
    ['no theme.json', { 'theme.json': '' }, /^THEME_PATH: theme\.json: /],
    ['a member nobody knows', { 'theme.json': '{"colors":{}}' }, /^THEME_PATH: theme\.json: colors: /],
    [
      'a colour that is more',
      { 'theme.json': '{"colours":{"light":{"accent":"red;}body{display:none"}}}' },
      /theme\.json: colours\.light\.accent: expected a colour/,
    ],
    [
      'a colour nobody uses',
      { 'theme.json': '{"colours":{"dark":{"pink":"#fff"}}}' },
      /theme\.json: colours\.dark\.pink: /,
    ],
    [
      'a link that runs',
      { 'theme.json': '{"links":[{"label":"x","url":"javascript:alert(1)"}]}' },
      /theme\.json: links\.0\.url: expected an http/,
    ],
    [
      'a logo elsewhere',
      { 'theme.json': '{"logo":"../../../etc/passwd"}' },
      /theme\.json: logo: expected the name of a file/,
    ],
    ['a logo up there', { 'theme.json': '{"logo":".."}' }, /theme\.json: logo: expected the name of a file/],
    [
      'a logo that is none',
      { 'theme.json': '{"logo":"theme.json"}' },
      /^THEME_PATH: theme\.json: expected one of \.svg/,
    ],
    ['a logo that is not there', { 'theme.json': '{"logo":"logo.png"}' }, /^THEME_PATH: logo\.png: ENOENT/],
    [
      'a stylesheet from elsewhere',
      { 'stylesheet.css': 'main { background: URL( "https://evil.example/x" ) }' },
      /^THEME_PATH: stylesheet\.css: loads a resource from another host/,
    ],
    ['one that imports', { 'stylesheet.css': '@import "x.css";' }, /^THEME_PATH: stylesheet\.css: loads/],
    [
      'a view that is none',
      { 'views/logon.html': '<h1></h1>' },
      /^THEME_PATH: views\/logon\.html: view logon: no such view; there are /,
    ],
    [
      'a placeholder that is none',
      { 'views/error.html': '{{password}}' },
      /views\/error\.html: view error: \{\{password\}\} is not declared/,
    ],
    [
      'a message that is none',
      { 'views/error.html': '{{t error_page.nothing}}' },
      /views\/error\.html: view error: \{\{t error_page\.nothing\}\}/,
    ],
    [
      'words in a script',
      { 'views/error.html': '<script>let x = "{{title}}"</script>' },
      /views\/error\.html: .* no value is safe/,
    ],
    [
      "a name in a link's place",
      { 'views/login.html': '{{csrf}}{{action}}{{interaction}}<a href="{{username}}">x</a>' },
      /views\/login\.html: .*\{\{username\}\} stands where its values are not safe/,
    ],
    [
      'markup in an attribute',
      { 'views/login.html': '{{csrf}}{{action}}{{interaction}}<p title="{{alert}}">x</p>' },
      /views\/login\.html: .*\{\{alert\}\} stands where/,
    ],
    [
      'a form without its token',
      { 'views/login.html': '<form method="post" action="{{action}}"></form>' },
      /views\/login\.html: .*\{\{csrf\}\} is missing/,
    ],
    [
      'a key that is none',
      { 'languages/de.json': '{"login.nothing":"x"}' },
      /^THEME_PATH: languages\/de\.json: login\.nothing is not in/,
    ],
    [
      'a name nothing fills',
      { 'languages/de.json': '{"login.title":"{x}"}' },
      /languages\/de\.json: login\.title has \{x\}/,
    ],
    [
      'a language nobody speaks',
      { 'languages/xx.json': '{}' },
      /languages\/xx\.json: expected one of en, de/,
    ],
    ['JSON that is none', { 'languages/de.json': '{' }, /^THEME_PATH: languages\/de\.json: /],
  ])('%s', async (_, files, problem) => {
    expect(await problemsOf(files)).toMatch(problem)
  })

  test('a folder that is not there', async () => {
    await expect(start('/nowhere/at/all')).rejects.toThrow(
      /THEME_PATH: expected the folder of a theme, got \/nowhere\/at\/all/,
    )
  })

  test('all of it at once', async () => {
    const problems = await problemsOf({
      'theme.json': '{"logo":5}',
      'stylesheet.css': '@import "x"',
      'views/x.html': '',
    })
    expect(problems.split('\n').filter((line) => line.startsWith('THEME_PATH: '))).toHaveLength(3)
  })
})
