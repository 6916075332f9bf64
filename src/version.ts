/** The version and the commit of this build. https://semver.org */
import manifest from '../package.json' with { type: 'json' }

/** scripts/build.ts defines it; it does not exist when the program runs from its sources. */
declare const LATCHKEY_COMMIT: string | undefined

export const version: string = manifest.version

/** The first twelve digits of the commit; `source` when the program runs from its sources. */
export const commit: string = typeof LATCHKEY_COMMIT === 'string' ? LATCHKEY_COMMIT : 'source'

/** Whether this is a binary of scripts/build.ts and not the sources. */
export const isCompiled = typeof LATCHKEY_COMMIT === 'string'

/** Whether NODE_ENV is `development` when nothing sets it: only in the sources, and in the binary that tests start in place of them. */
export const assumesDevelopment = commit === 'source'

/** As `latchkey version` and the first line of a start show it. */
export const build = `${version} (${commit})`
