/** A starter kit in one file, from the page of an app. docs/kits.md */
import { afterAll, expect, test } from 'bun:test'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { zip } from '../../../src/lib/zip.ts'
import { administrator } from '../../support/administration.ts'
import { pageOf } from '../../support/authenticator.ts'
import { provider } from '../../support/provider.ts'

const folder = mkdtempSync(join(tmpdir(), 'latchkey-zip-'))
afterAll(() => rmSync(folder, { recursive: true }))

function unzip(name: string, bytes: Uint8Array): void {
  writeFileSync(join(folder, name), bytes)
  const { exitCode, stdout, stderr } = Bun.spawnSync(['unzip', '-o', name], { cwd: folder })
  expect([exitCode, `${stdout}${stderr}`]).toEqual([0, expect.not.stringContaining('warning')])
}
const read = (path: string) => readFileSync(join(folder, path), 'utf8')

test('a program of others unpacks it: texts, names and modes', () => {
  const text = 'é\n'.repeat(10_000)
  unzip(
    'a.zip',
    zip([
      { path: 'a/run.sh', text: '#!/bin/sh\n', mode: 0o755 },
      { path: 'a/b/größe.txt', text, mode: 0o644 },
      { path: 'a/.env', text: '', mode: 0o600 },
    ]),
  )
  expect([read('a/run.sh'), read('a/b/größe.txt') === text, read('a/.env')]).toEqual([
    '#!/bin/sh\n',
    true,
    '',
  ])
  const modes = ['a/run.sh', 'a/b/größe.txt', 'a/.env'].map(
    (each) => statSync(join(folder, each)).mode & 0o777,
  )
  expect(modes).toEqual([0o755, 0o644, 0o600])
})

const kit = '/admin/clients/client123/kits'
const op = await provider()

test('the page of a kit leads to the file, which has what the page shows', async () => {
  const { who } = await administrator(op, 'auditor')
  const { html } = pageOf(await who.open(`${kit}/express`))
  expect(html).toContain(`href="${kit}/express/zip"`)
  const cookie = [...who.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
  const answer = await op.fetch(`${kit}/express/zip`, { headers: { cookie } })
  expect(answer.headers.get('content-type')).toBe('application/zip')
  expect(answer.headers.get('content-disposition')).toBe('attachment; filename="express-kit.zip"')
  unzip('kit.zip', new Uint8Array(await answer.arrayBuffer()))
  expect(read('express-kit/README.md').length).toBeGreaterThan(100)
  expect(JSON.parse(read('express-kit/package.json'))).toHaveProperty('dependencies')
  const { stdout } = Bun.spawnSync(['grep', '-r', '-e', op.issuer, '-e', 'secret456', 'express-kit'], {
    cwd: folder,
  })
  expect([stdout.toString().includes(op.issuer), stdout.toString().includes('secret456')]).toEqual([
    true,
    false,
  ])
  for (const path of [`${kit}/nothing/zip`, '/admin/clients/nobody/kits/express/zip', `${kit}/react/zip`])
    expect([path, (await op.fetch(path, { headers: { cookie } })).status]).toEqual([path, 404])
})

test('it does not exist for a person without the role, and asks a browser without a session to sign in', async () => {
  const { who } = await administrator(op, undefined, 'plain')
  const cookie = [...who.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
  expect((await op.fetch(`${kit}/express/zip`, { headers: { cookie } })).status).toBe(404)
  const strange = await op.fetch(`${kit}/express/zip`)
  expect([strange.status, strange.headers.get('content-type') === 'application/zip']).toEqual([303, false])
})
