/** The table of all endpoints, grant types and features, one line each. */
import type { KeyAlg } from './auth/jwk.ts'
import { type Config, ConfigError, type Sections } from './config.ts'
import type { Table } from './contracts/context.ts'
import { assets } from './endpoints/assets.ts'
import { authorization } from './endpoints/authorization.ts'
import { clientLogo } from './endpoints/client_logo.ts'
import { consent } from './endpoints/consent.ts'
import { discovery } from './endpoints/discovery.ts'
import { endSession } from './endpoints/end_session.ts'
import { health, healthLive } from './endpoints/health.ts'
import { instanceChecks } from './endpoints/health_checks.ts'
import { introspection } from './endpoints/introspection.ts'
import { jwks } from './endpoints/jwks.ts'
import { language } from './endpoints/language.ts'
import { login } from './endpoints/login.ts'
import { metrics } from './endpoints/metrics.ts'
import { openapi } from './endpoints/openapi.ts'
import { registration } from './endpoints/registration.ts'
import { resume } from './endpoints/resume.ts'
import { revocation } from './endpoints/revocation.ts'
import { selectAccount } from './endpoints/select_account.ts'
import { start } from './endpoints/start.ts'
import { token } from './endpoints/token.ts'
import { userinfo } from './endpoints/userinfo.ts'
import { account } from './features/account/feature.ts'
import { administration } from './features/administration/feature.ts'
import { accountDataFeatures } from './features/account_data/feature.ts'
import { applicationsAccess } from './features/applications/feature.ts'
import { auditFeature } from './features/audit/feature.ts'
import { backchannelLogout } from './features/backchannel_logout/feature.ts'
import { ciba } from './features/ciba/feature.ts'
import { claimsLanguages } from './features/claims_languages/feature.ts'
import { clientIdMetadata } from './features/client_id_metadata/feature.ts'
import { protectedResource } from './features/protected_resource/feature.ts'
import { jwtBearer } from './features/jwt_bearer/feature.ts'
import { deviceAuthorization } from './features/device_authorization/feature.ts'
import { fapiInteractionId } from './features/fapi_interaction_id/feature.ts'
import { dpop } from './features/dpop/feature.ts'
import { authorizationDetails } from './features/authorization_details/feature.ts'
import { resourceIndicators } from './features/resource_indicators/feature.ts'
import { tokenExchangeFeature } from './features/token_exchange/feature.ts'
import { encryption } from './features/encryption/feature.ts'
import { signedDocuments } from './features/signed_documents/feature.ts'
import { jarm } from './features/jarm/feature.ts'
import { requestObjects } from './features/request_objects/feature.ts'
import { senderConstraint } from './features/sender_constraint/feature.ts'
import { accounts } from './features/accounts/feature.ts'
import { attributes } from './features/attributes/feature.ts'
import { profile } from './features/profile/feature.ts'
import { password } from './features/password/feature.ts'
import { passwordRules } from './features/password_rules/feature.ts'
import { passkeys } from './features/passkeys/feature.ts'
import { pairwise } from './features/pairwise/feature.ts'
import { upstream, upstreamRecords } from './features/upstream/feature.ts'
import { initiateLoginFeature } from './features/initiate_login/feature.ts'
import { devMailFeature } from './features/dev_mail/feature.ts'
import { emailAddress } from './features/email_address/feature.ts'
import { recovery } from './features/recovery/feature.ts'
import { labFeature } from './features/lab/feature.ts'
import { labRecorder } from './features/lab_recorder/feature.ts'
import { labClock, labClockByHeader } from './features/lab_clock/feature.ts'
import { labTrouble } from './features/lab_trouble/feature.ts'
import { labClientFeature } from './features/lab_client/feature.ts'
import { labErrors } from './features/lab_errors/feature.ts'
import { labToken } from './features/lab_token/feature.ts'
import { labClassroom } from './features/lab_classroom/feature.ts'
import { labWorksheet } from './features/lab_worksheet/feature.ts'
import { mutualTls } from './features/mutual_tls/feature.ts'
import { migrationPaths } from './features/migration_paths/feature.ts'
import { par } from './features/par/feature.ts'
import { registrationManagement } from './features/registration_management/feature.ts'
import { softwareStatement } from './features/software_statement/feature.ts'
import type { Feature, ResponseMode } from './contracts/feature.ts'
import { type Join, named } from './contracts/join.ts'
import { type Joined, type Sockets, sockets } from './contracts/sockets.ts'
import { secondFactor } from './features/second_factor/feature.ts'
import { frontchannelLogout } from './features/frontchannel_logout/feature.ts'
import { sessions } from './features/sessions/feature.ts'
import { sessionManagement } from './features/session_management/feature.ts'
import { responseModes } from './features/response_modes/feature.ts'
import { responseTypesFeature } from './features/response_types/feature.ts'
import { authorizationCode } from './grants/authorization_code.ts'
import { clientCredentials } from './grants/client_credentials.ts'
import { publicSubject } from './grants/person.ts'
import { refreshToken } from './grants/refresh_token.ts'
import { code, query } from './http/authorization_response.ts'
import { clientMethods } from './http/client_methods.ts'
import { usageJob } from './people/usage.ts'
import { searchJob } from './people/search_job.ts'
import { mailCheck, mailJob, mailProblems } from './people/mail_delivery.ts'
import { sealedSecrets } from './clients/sealed_secrets.ts'
import { sealedMails } from './people/sealed_mails.ts'
import { corePersonData } from './people/person_data.ts'
import { createRouter } from './http/router.ts'

/** The provider without features. It fills the same sockets, before them. */
const core: Feature = {
  name: 'core',
  endpoints: [
    discovery,
    jwks,
    authorization,
    resume,
    login,
    selectAccount,
    consent,
    token,
    userinfo,
    introspection,
    revocation,
    registration,
    endSession,
    start,
    language,
    assets,
    clientLogo,
    health,
    healthLive,
    metrics,
    openapi,
  ],
  grantTypes: [authorizationCode, refreshToken, clientCredentials],
  clientAuth: clientMethods,
  responseTypes: [code],
  responseModes: [query],
  subjectTypes: [publicSubject],
  personData: corePersonData,
  jobs: [mailJob, searchJob, usageJob],
  operation: {
    healthChecks: [...instanceChecks, mailCheck],
    sealedRecords: [sealedSecrets, sealedMails],
  },
  problems: mailProblems,
}

export const features: readonly Feature[] = [
  responseModes,
  responseTypesFeature,
  dpop,
  mutualTls,
  par,
  resourceIndicators,
  authorizationDetails,
  claimsLanguages,
  tokenExchangeFeature,
  deviceAuthorization,
  ciba,
  jarm,
  senderConstraint,
  fapiInteractionId,
  requestObjects,
  signedDocuments,
  encryption,
  migrationPaths,
  registrationManagement,
  softwareStatement,
  pairwise,
  backchannelLogout,
  frontchannelLogout,
  sessionManagement,
  clientIdMetadata,
  protectedResource,
  jwtBearer,
  upstream,
  upstreamRecords,
  initiateLoginFeature,
  secondFactor,
  passkeys,
  accounts,
  profile,
  attributes,
  passwordRules,
  password,
  devMailFeature,
  labFeature,
  labRecorder,
  labClock,
  labClockByHeader,
  labTrouble,
  labErrors,
  labToken,
  labWorksheet,
  labClassroom,
  labClientFeature,
  recovery,
  emailAddress,
  account,
  applicationsAccess,
  sessions,
  ...accountDataFeatures,
  auditFeature,
  administration,
]

/** The configuration variables of the features, for `loadConfig`. */
export const featureEntries: Sections = Object.fromEntries(
  features.map((feature) => [feature.name, feature.env ?? []]),
)

/** The features that are active under this configuration. Throws ConfigError with the problems they report. */
export function featuresFor(config: Config): Feature[] {
  const chosen = features.filter((feature) => feature.when?.(config) ?? true)
  const problems = [core, ...chosen].flatMap((feature) => [...(feature.problems?.(config) ?? [])])
  if (problems.length > 0) throw new ConfigError(problems)
  return chosen
}

/** The inactive features. Data that they stored about End-Users while they were active still exists. */
export const featuresLeftOut = (config: Config): Feature[] =>
  features.filter((feature) => feature.when?.(config) === false)

/** Algorithms for which features need a key, in addition to the signing algorithms. */
export const featureKeyAlgs = (config: Config): KeyAlg[] => [
  ...new Set(featuresFor(config).flatMap((feature) => [...(feature.keyAlgs?.(config) ?? [])])),
]

/** What features note about this configuration, for `config check`. */
export const featureNotes = (config: Config): string[] =>
  featuresFor(config).flatMap((feature) => [...(feature.notes?.(config) ?? [])])

type Rows = Readonly<Record<string, unknown>>

/** One value for each row of sockets. A row joins the fillings of the features that have one; a group of rows is joined row by row. */
function join(rows: Rows, fillings: readonly Rows[]): Rows {
  const filled = new Map(Object.keys(rows).map((socket): [string, unknown[]] => [socket, []]))
  // By filling: a feature fills few of the sockets.
  for (const filling of fillings)
    for (const [socket, value] of Object.entries(filling))
      if (value !== undefined) filled.get(socket)?.push(value)
  return Object.fromEntries(
    Object.entries(rows).map(([socket, row]) => {
      const own = filled.get(socket)!
      return [
        socket,
        typeof row === 'function'
          ? (row as Join<unknown, unknown>)(own, socket)
          : join(row as Rows, own as Rows[]),
      ]
    }),
  )
}

/**
 * Joins the fillings of the features; a name that two features use fails the boot. Of the inactive features only
 * `personData` is used, so that export and erasure of an account include their data.
 */
export function buildTable(plugged: readonly Feature[] = features, leftOut: readonly Feature[] = []): Table {
  const all = named([[core, ...plugged]], 'features')
  const table = join(sockets, all as readonly (Feature & Rows)[]) as unknown as Joined<Sockets>
  const endpoints = mounted(table)
  createRouter(endpoints) // throws when two endpoints have the same path
  return {
    ...table,
    endpoints,
    responseModes: modesOf(table),
    features: all.map((feature) => feature.name),
    personData: [...table.personData, ...leftOut.flatMap((feature) => feature.personData ?? [])],
  }
}

function mounted({ endpoints, operation: { mounts } }: Joined<Sockets>): Table['endpoints'] {
  const unknown = mounts.find((mount) => endpoints.every(({ name }) => name !== mount.endpoint))
  if (unknown) throw new Error(`no endpoint ${unknown.endpoint} to mount at ${unknown.path}`)
  if (mounts.length === 0) return endpoints
  return endpoints.map((each) => {
    const more = mounts.filter(({ endpoint }) => endpoint === each.name).map(({ path }) => path)
    return more.length === 0 ? each : { ...each, aliases: [...(each.aliases ?? []), ...more] }
  })
}

function modesOf({ responseModes, lab }: Joined<Sockets>): Table['responseModes'] {
  if (lab.modes.length === 0) return responseModes
  const put = (mode: ResponseMode) => lab.modes.reduce((made, add) => add(made), mode)
  return new Map([...responseModes].map(([name, mode]) => [name, put(mode)]))
}
