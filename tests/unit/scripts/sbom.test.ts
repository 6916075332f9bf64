/** The bill of materials has each package of the binary at its version, with the hash of the lockfile. */
import { expect, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dir, '../../..')

interface Component {
  name: string
  version: string
  purl: string
  hashes: { alg: string; content: string }[]
}

test('it has every dependency and what they need, and no package for development', () => {
  const { stdout, exitCode } = Bun.spawnSync(['bun', join(root, 'scripts/sbom.ts')])
  expect(exitCode).toBe(0)
  const bom = JSON.parse(stdout.toString()) as { bomFormat: string; components: Component[] }
  expect(bom.bomFormat).toBe('CycloneDX')
  const { dependencies, devDependencies } = JSON.parse(
    readFileSync(join(root, 'package.json'), 'utf8'),
  ) as Record<'dependencies' | 'devDependencies', Record<string, string>>
  for (const [name, version] of Object.entries(dependencies))
    expect(bom.components).toContainEqual(expect.objectContaining({ name, version }))
  const names = bom.components.map(({ name }) => name)
  expect(names).toContain('@ioredis/commands')
  for (const name of Object.keys(devDependencies)) expect(names).not.toContain(name)
  for (const { name, version, purl, hashes } of bom.components) {
    expect(purl).toBe(`pkg:npm/${name.replace('@', '%40')}@${version}`)
    expect(hashes).toEqual([{ alg: 'SHA-512', content: expect.stringMatching(/^[0-9a-f]{128}$/) }])
  }
})
