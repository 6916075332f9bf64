/** The heads of the pages of /admin: what a start knows of them. */
import type { Call } from '../../../contracts/call.ts'
import type { Context } from '../../../contracts/context.ts'
import type { Head } from '../../../contracts/endpoint.ts'
import { administrationExists, entryExists, ownHostExists } from '../existence.ts'

export interface PageChoices {
  /** Without it the page is there for each administrator who may see it. */
  exists?(context: Context): boolean
  /** `known`: an action must not run twice for a form that is sent twice (contracts/endpoint.ts). */
  repetition?: 'known'
}

/** `/admin/people/{sub}` is `admin_page_people_sub`. */
const nameOf = (path: string): string =>
  `admin_page${path
    .slice('/admin'.length)
    .replaceAll(/[^a-z_]+/g, '_')
    .replace(/_$/, '')}`

export const pageHead = (path: string, { exists, repetition }: PageChoices) => ({
  ...hiddenHead(nameOf(path), path),
  page: true as const,
  exists: (call: Call, context: Context) =>
    administrationExists(call, context) && (exists?.(context) ?? true),
  ...(repetition && { repetition }),
})

/** Of what is below /admin and no page of its own, such as a download. */
export const hiddenHead = (name: string, path: string) =>
  ({
    name,
    path,
    advertised: false,
    limited: true,
    exists: administrationExists,
  }) as const satisfies Head

export const fileHead = (path: string) =>
  hiddenHead(`admin_file${path.slice('/admin'.length).replaceAll(/[^a-z_]+/g, '_')}`, path)

/** A page at ADMIN_HOST, where it has another host name than the issuer. */
export const ownHostHead = (name: string, path: string) => ({
  ...hiddenHead(name, path),
  page: true as const,
  exists: ownHostExists,
})

export const entryHead = (path: string) => ({ ...ownHostHead('admin_host_entry', path), exists: entryExists })
