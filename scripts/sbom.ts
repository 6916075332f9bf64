/**
 * `bun scripts/sbom.ts` prints the packages that are in the binary, with versions and hashes, as CycloneDX 1.6:
 * those of `dependencies` in package.json and what they need, from bun.lock. https://cyclonedx.org/docs/1.6/json/
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { version } from '../src/version.ts'

const root = join(import.meta.dir, '..')

type Locked = [id: string, registry: string, details: { dependencies?: Record<string, string> }, hash: string]

/** bun.lock is JSON with commas before closing brackets. */
const lock = JSON.parse(readFileSync(join(root, 'bun.lock'), 'utf8').replaceAll(/,(\s*[}\]])/g, '$1')) as {
  workspaces: Record<string, { dependencies: Record<string, string> }>
  packages: Record<string, Locked>
}

const found = new Map<string, Locked>()

/** A package that needs another version than the rest has it below its own name: `a/b`. */
function add(name: string, parent?: string): void {
  const key = parent !== undefined && lock.packages[`${parent}/${name}`] ? `${parent}/${name}` : name
  const locked = lock.packages[key]
  if (!locked || found.has(key)) return
  found.set(key, locked)
  for (const each of Object.keys(locked[2].dependencies ?? {})) add(each, key)
}

for (const name of Object.keys(lock.workspaces['']!.dependencies)) add(name)

/** `@scope/name@1.2.3`, and `sha512-` with base64. */
function componentOf([id, , , integrity]: Locked) {
  const at = id.lastIndexOf('@')
  const [name, number] = [id.slice(0, at), id.slice(at + 1)]
  const purl = `pkg:npm/${name.replace('@', '%40')}@${number}`
  return {
    type: 'library',
    'bom-ref': purl,
    name,
    version: number,
    purl,
    hashes: [
      { alg: 'SHA-512', content: Buffer.from(integrity.replace('sha512-', ''), 'base64').toString('hex') },
    ],
  }
}

console.log(
  JSON.stringify(
    {
      bomFormat: 'CycloneDX',
      specVersion: '1.6',
      version: 1,
      metadata: { component: { type: 'application', name: 'latchkey', version } },
      components: [...found.values()].map(componentOf).toSorted((a, b) => a.purl.localeCompare(b.purl)),
    },
    null,
    2,
  ),
)
