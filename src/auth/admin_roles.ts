/** The scopes of the administration API, and the roles of administrators as sets of them. docs/administration.md */

const readable = [
  'people',
  'clients',
  'sessions',
  'keys',
  'mail',
  'roles',
  'settings',
  'statistics',
  'upstream',
  'realms',
] as const
const writable = ['people', 'clients', 'sessions', 'keys', 'mail', 'roles', 'settings', 'upstream'] as const

export const adminScopes = [
  ...readable.map((each) => `admin:${each}.read` as const),
  'admin:audit.read',
  ...writable.map((each) => `admin:${each}.write` as const),
  /** End the sessions and grants of all people, or of all people at one client. */
  'admin:sessions.end_all',
  /** Give the role owner, and change an owner. */
  'admin:owners.write',
  /** Make, change and remove realms: each is a provider of its own, with administrators of its own. */
  'admin:realms.write',
] as const
export type AdminScope = (typeof adminScopes)[number]

const isReading = (scope: AdminScope): boolean => scope.endsWith('.read')

const ofOwners: readonly AdminScope[] = ['admin:owners.write', 'admin:realms.write']

/** A role is a set of scopes. A person may change what another holds only within what the person holds. */
export const adminRoles = {
  owner: adminScopes,
  operator: adminScopes.filter((each) => !ofOwners.includes(each)),
  support: ['admin:people.read', 'admin:people.write', 'admin:sessions.read', 'admin:sessions.write'],
  auditor: adminScopes.filter(isReading),
} as const satisfies Record<string, readonly AdminScope[]>
export type AdminRole = keyof typeof adminRoles

export const adminRoleNames = Object.keys(adminRoles) as AdminRole[]

export const scopesOfRole = (role: AdminRole | undefined): readonly AdminScope[] =>
  role === undefined ? [] : adminRoles[role]

export const isAdminScope = (scope: string): scope is AdminScope =>
  (adminScopes as readonly string[]).includes(scope)

/** What a person with a role has, may be changed by a caller that holds all scopes of the role. */
export const holdsRole = (held: ReadonlySet<AdminScope>, role: AdminRole | undefined): boolean =>
  scopesOfRole(role).every((each) => held.has(each))
