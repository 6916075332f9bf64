/** The head of an endpoint of the administration API: what a start knows of it. */
import { adminScopes } from '../../auth/admin_roles.ts'
import type { Call } from '../../contracts/call.ts'
import type { Context } from '../../contracts/context.ts'
import type { Head } from '../../contracts/endpoint.ts'
import { administrationExists } from './existence.ts'

/** The path below which all routes are. With the issuer before it, the audience of tokens. */
export const root = '/admin/v1'

export const audienceOf = ({ config }: Pick<Context, 'config'>): string => config.issuer + root

/** `/people/{sub}/sessions` is `admin_people_sub_sessions`. */
const nameOf = (path: string): string => `admin${path.replaceAll(/[^a-z_]+/g, '_').replace(/_$/, '')}`

export const apiHead = (path: string, exists?: (context: Context) => boolean) =>
  ({
    name: nameOf(path),
    path: root + path,
    resource: root,
    resourceScopes: adminScopes, // of the resource, which all these are
    exists: (call: Call, context: Context) =>
      administrationExists(call, context) && (exists?.(context) ?? true),
    problems: true,
    advertised: false,
    limited: 'by_proof',
  }) as const satisfies Head
