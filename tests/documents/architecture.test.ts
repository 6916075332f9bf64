/** docs/architecture.md against the code: the sockets it names, and the examples of what one would add. */
import { afterAll, expect, test } from 'bun:test'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import type { Endpoint } from '../../src/contracts/endpoint.ts'
import type { Feature } from '../../src/contracts/feature.ts'
import type { GrantType } from '../../src/contracts/grant_type.ts'
import { sockets } from '../../src/contracts/sockets.ts'
import { buildTable } from '../../src/table.ts'
import { authorizationUrl, demo, formPost, type Json } from '../support/client.ts'
import { blocksOf, document, root } from '../support/document.ts'
import { person } from '../support/person.ts'
import { provider } from '../support/provider.ts'

const markdown = document('docs/architecture.md')
const folder = mkdtempSync(join(tmpdir(), 'latchkey-examples-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** What `Feature` declares itself, beside its name and what it derives from the rows of sockets. */
function membersBesideSockets(): string[] {
  const contract = document('src/contracts/feature.ts')
  const body = contract.slice(contract.indexOf('export interface Feature'))
  const all = [...body.matchAll(/^ {2}(\w+)[?(:]/gm)].map(([, name]) => name!)
  return all.filter((name) => name !== 'name')
}

test('every socket of a feature is named, and none that is not there', () => {
  const rows = Object.entries(sockets).flatMap(([name, row]) =>
    typeof row === 'function' ? [name] : [name, ...Object.keys(row)],
  )
  const from = markdown.indexOf('## Features: sockets')
  const table = markdown
    .slice(from, markdown.indexOf('###', from))
    .split('\n')
    .filter((line) => line.startsWith('| `'))
  const named = table.flatMap((line) =>
    [...line.split('|')[1]!.matchAll(/`(\w+)`/g)].map(([, name]) => name!),
  )
  expect(named.sort()).toEqual([...membersBesideSockets(), ...rows].sort())
})

/** The example that would stand at `path`, loaded as if it did. */
async function example(index: number, path: string): Promise<Record<string, unknown>> {
  const block = blocksOf(markdown).filter(({ language }) => language === 'ts')[index]!
  const code = block.text.replace(/from '(\.[^']+)'/g, (_, relative: string) => {
    return `from '${resolve(root, dirname(path), relative)}'`
  })
  const file = join(folder, `${index}.ts`)
  writeFileSync(file, code.replaceAll("from 'valibot'", `from '${join(root, 'node_modules/valibot')}'`))
  return (await import(file)) as Record<string, unknown>
}

test('the worked examples work', async () => {
  const { hello } = (await example(0, 'src/endpoints/hello.ts')) as { hello: Endpoint }
  const { voucher } = (await example(1, 'src/grants/example_voucher.ts')) as { voucher: GrantType }
  const { example: added } = (await example(2, 'src/features/example/feature.ts')) as { example: Feature }
  const table = buildTable([{ name: 'tried', endpoints: [hello], grantTypes: [voucher] }, added])
  const op = await provider({ table })

  const metadata = (await (await op.fetch('/.well-known/openid-configuration')).json()) as Json
  expect(metadata.scopes_supported).toContain('department')
  expect(metadata.grant_types_supported).toContain(voucher.name)
  const refused = await op.fetch('/token', formPost(demo, { grant_type: voucher.name, voucher: 'x' }))
  expect(((await refused.json()) as Json).error).toBe('unauthorized_client') // not registered for it

  const { url, code_verifier } = authorizationUrl(op.issuer, demo)
  const back = await person(op.issuer, op.fetch).goThrough(url)
  const code = { code: back.searchParams.get('code')!, redirect_uri: demo.redirect_uri, code_verifier }
  const answer = await op.fetch('/token', formPost(demo, { grant_type: 'authorization_code', ...code }))
  const { access_token } = (await answer.json()) as Json
  const said = await op.fetch('/hello', { headers: { authorization: `Bearer ${access_token}` } })
  expect(await said.json()).toEqual({ hello: 'user-alice' })
})
