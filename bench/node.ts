/** The Node that runs the peer: by major version, from bench/node_modules or the PATH, or by path. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'

export interface Node {
  /** As in the table: `Node 22`, or the path. */
  name: string
  path: string
}

/** The `node` package of npm carries the binary of one version. */
const packaged = join(import.meta.dir, 'node_modules/node/bin/node')

const versionOf = (path: string): string | undefined => {
  const { exitCode, stdout } = Bun.spawnSync([path, '--version'])
  return exitCode === 0 ? stdout.toString().trim() : undefined
}

/** `which` is a major version such as `22`, or a path. Throws when no such Node is here. */
export function findNode(which: string): Node {
  const paths = /^\d+$/.test(which) ? [packaged, Bun.which('node') ?? ''] : [which]
  for (const path of paths.filter((each) => existsSync(each))) {
    const version = versionOf(path)
    if (version !== undefined && (path === which || version.startsWith(`v${which}.`)))
      return { name: `Node ${version.slice(1)}`, path }
  }
  throw new Error(`no Node ${which}: looked at ${paths.filter((path) => path !== '').join(', ')}`)
}
