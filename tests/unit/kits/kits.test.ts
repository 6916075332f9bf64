/** Every kind of kit: its files say what the client is, and no value of a client changes what they do. */
import { describe, expect, test } from 'bun:test'
import { parse } from 'yaml'
import type { Kit, KitFile } from '../../../src/kits/kit.ts'
import { kits, makeKit } from '../../../src/kits/kits.ts'
import { systemRandom } from '../../../src/lib/random.ts'
import type { Client } from '../../../src/models/client.ts'
import { filesOf, fittingClient, servedEverything } from '../../support/kits.ts'

/** Values that differ in nothing but their characters. */
const benign: Partial<Client> = {
  client_id: 'benign-client',
  client_name: 'Benign name',
  scope: 'openid first second',
}
const hostiles: Record<string, Partial<Client>> = {
  name: {
    client_name: '"\'`</script>\n$(touch pwned)\u202e #{1+1} ${7*7} {{7*7}} */ --> ]]> "; rm -rf / #',
  },
  client_id: { client_id: `a'b"c$(id)\`id\`#{x}</script>\\` },
  'client_id as a variable': { client_id: '{{client_secret}}' },
  scope: { scope: `openid $(id)'+alert(1)+' </script>;\${x}#{y}` },
}
const hostileRedirects: Record<string, string> = {
  quotes: `http://localhost:3000/callback?a='"$(id)\`</script>`,
  'a pattern of a router': 'http://localhost:3000/:x*/(.*)<y>{z}',
  'a variable': 'http://localhost:3000/callback?{{client_secret}}',
}

/** The text without its literals: what a program does. */
const skeleton = ({ path, text }: KitFile): string => {
  if (path.endsWith('.md')) return text.replace(/^# .*$/m, '# title')
  const isShell = path === '.env' || path.endsWith('.sh')
  const literal = isShell
    ? /'[^']*'(?:\\''[^']*')*/g
    : path.endsWith('.ps1')
      ? /'(?:[^']|'')*'/g
      : /"(?:[^"\\\n]|\\.)*"/g
  return text
    .replace(`"'$each"`, '') // the one odd quote of the script for curl
    .replaceAll(literal, 'LITERAL')
    .replaceAll(/(?<=code_verifier = |code_challenge=)[\w-]{43}/g, 'PKCE')
}

const structure = (files: readonly KitFile[]): string[] =>
  files.map((file) => `${file.path}\n${skeleton(file)}`)

const made = (kit: Kit, client: Client) =>
  makeKit(kit, { client, provider: servedEverything, random: systemRandom })

/** Each text of a document, at any depth. */
const textsIn = (value: unknown): string[] =>
  typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : [String(value)]

const documentIn = ({ path, text }: KitFile): unknown => {
  if (path.endsWith('.json')) return JSON.parse(text)
  if (/\.ya?ml$/.test(path)) return parse(text)
  if (/\.(?:toml|cfg)$/.test(path)) return Bun.TOML.parse(text)
  return undefined
}

/** Names that stand in lines of their own, in which no literal is: they differ as the value does. */
const isLineFormat = ({ path }: KitFile): boolean => /\.(?:http|bru)$/.test(path)

describe.each(kits)('$kind', (kit) => {
  test('has the values of the client, and no secret', () => {
    const client = fittingClient(kit, benign)
    const files = filesOf(kit, client)
    const all = files
      .map(({ text }) => decodeURIComponent(text.replaceAll(/%(?![\da-f]{2})/gi, '%25')))
      .join('\n')
    expect(all).toContain('benign-client')
    expect(all).toContain(servedEverything.issuer)
    if (kit.redirect) {
      const { pathname, port } = new URL(kit.redirect.example)
      // MCP clients are told the port alone.
      expect(all).toContain(kit.kind === 'mcp' ? `"callbackPort": ${port}` : pathname)
    }
    for (const file of files) {
      expect([file.path, file.text.includes('@@')]).toEqual([file.path, false])
      expect([file.path, file.text.endsWith('\n')]).toEqual([file.path, true])
      expect(() => documentIn(file)).not.toThrow()
    }
  })

  test('has the secret only when it is given, in a private file', () => {
    if (kit.methods.every((each) => each === 'none')) return expect(kit.methods).toHaveLength(1)
    const secret = 'a-secret-of-this-test'
    const client = fittingClient(kit, benign)
    const files = filesOf(kit, client, { secret })
    const holders = files.filter(({ text }) => text.includes(secret))
    expect(holders.length).toBeGreaterThan(0)
    for (const { path, isPrivate } of holders) expect([path, isPrivate]).toEqual([path, true])
  })

  for (const [what, members] of Object.entries(hostiles))
    test(`a hostile ${what} is data, or is refused`, () => {
      const client = fittingClient(kit, { ...benign, ...members })
      const answer = made(kit, client)
      if ('misfit' in answer) return expect(answer.misfit.problem).toMatch(/cannot hold/)
      const expected = filesOf(kit, fittingClient(kit, benign))
      for (const [at, file] of answer.files.entries()) {
        const document = documentIn(file)
        if (document !== undefined)
          expect(textsIn(document)).toHaveLength(textsIn(documentIn(expected[at]!)).length)
        if (isLineFormat(file)) {
          expect(file.text.split('\n')).toHaveLength(expected[at]!.text.split('\n').length)
          expect(file.text.match(/\{\{.*?\}\}/g)).toEqual(expected[at]!.text.match(/\{\{.*?\}\}/g))
        } else if (document === undefined) expect(structure([file])).toEqual(structure([expected[at]!]))
      }
    })

  for (const [what, uri] of Object.entries(hostileRedirects))
    test(`a redirect URI with ${what} is data, or is refused`, () => {
      const client = fittingClient(kit, { ...benign, redirect_uris: [uri] })
      const answer = made(kit, client)
      if ('misfit' in answer) return expect(answer.misfit.problem).toMatch(/cannot hold|redirect URI/)
      expect(kit.redirect).toBeUndefined()
      const plain = filesOf(
        kit,
        fittingClient(kit, { ...benign, redirect_uris: ['http://localhost:3000/plain'] }),
      )
      for (const [at, file] of answer.files.entries()) {
        const document = documentIn(file)
        if (document !== undefined)
          expect(textsIn(document)).toHaveLength(textsIn(documentIn(plain[at]!)).length)
        else if (isLineFormat(file))
          expect(file.text.match(/\{\{.*?\}\}/g)).toEqual(plain[at]!.text.match(/\{\{.*?\}\}/g))
        else expect(structure([file])).toEqual(structure([plain[at]!]))
      }
    })
})
