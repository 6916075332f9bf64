/** A case for each form of the pages: what it is, and where a second one ends. */
import { RecoveryCodes } from '../../src/features/second_factor/recovery.ts'
import { Outbox } from '../../src/models/outbox.ts'
import { codeOf, freshCode, seedOn, setUpApp } from './authenticator.ts'
import {
  afterPassword,
  asked,
  at,
  codesAsked,
  connected,
  connecting,
  creating,
  decided,
  inSignIn,
  leaving,
  lostAfterDays,
  newPassword,
  ofAlice,
  ofNobody,
  ofOwner,
  only,
  removingPasskey,
  resetting,
  signedIn,
  twoFactors,
  typed,
  verifying,
  withApp,
  withCodes,
  type FormCase,
  type World,
} from './every_form.ts'
import { alice, authorize, bob, browser } from './flow.ts'
import { addPasskey } from './passkeys.ts'
import { type Provider } from './provider.ts'

export const formCases: Record<string, FormCase> = {
  'sign-in': {
    name: 'login',
    prepare: ofNobody('/login', 'login', alice),
    ends: '/account',
  },
  'choice of the account': {
    name: 'select_account',
    prepare: async (op) => ({ ...(await asked(op, 'select_account')), button: 'continue' }),
    ends: 'away',
  },
  consent: { name: 'consent', prepare: (op) => asked(op, 'consent'), ends: 'away' },
  'no consent': {
    name: 'consent',
    prepare: async (op) => ({ ...(await asked(op, 'consent')), button: 'deny' }),
    ends: 'away',
  },
  'signing out': { name: 'end_session', prepare: ofAlice('/logout', 'logout'), ends: '/logout' },
  'code of a device': { name: 'device_verification', prepare: typed(), ends: '/device' },
  'a device': { name: 'device_verification', prepare: typed('allow'), ends: '/device?done=approved' },
  'no device': { name: 'device_verification', prepare: typed('deny'), ends: '/device?done=denied' },
  'a request of a bank': { name: 'approvals', prepare: decided('allow'), ends: '/approvals?done=approved' },
  'no request of a bank': { name: 'approvals', prepare: decided('deny'), ends: '/approvals?done=denied' },
  'another provider': {
    name: 'upstream_start',
    prepare: ofNobody('/login', 'upstream_corp'),
    ends: 'away',
  },
  'no connection any more': {
    name: 'account_connections',
    prepare: connected,
    ends: '/account/connections?done=removed',
  },
  'no factor now': {
    name: 'second_factor_set_up',
    prepare: async (op) => ({
      ...(await inSignIn(op, '/second-factor/set-up', bob, twoFactors)),
      button: 'decline',
    }),
    ends: 'away',
  },
  'a connection': { name: 'upstream_connect', prepare: connecting, ends: '/account' },
  'a code of an app': {
    name: 'second_factor_totp',
    async prepare(op) {
      const seed = await withApp(op)
      return { ...(await afterPassword(op)), button: 'verify', fields: { code: freshCode(op, seed) } }
    },
    ends: '/consent',
  },
  'an app in a sign-in': {
    name: 'totp_set_up',
    async prepare(op) {
      const { who, page } = await inSignIn(op, '/second-factor/totp/set-up', bob, twoFactors)
      return { who, page, button: 'verify', fields: { code: codeOf(op, seedOn(page)) } }
    },
    ends: '/consent',
  },
  'an app in the account': {
    name: 'account_totp',
    async prepare(op) {
      const who = await signedIn(op)
      const page = await at(who, '/account/factors/totp')
      return { who, page, button: 'verify', fields: { code: codeOf(op, seedOn(page)) } }
    },
    ends: '/account/factors/recovery',
  },
  ...Object.fromEntries(
    (['sms', 'email'] as const).flatMap((by) => [
      [
        `a code by ${by}`,
        {
          name: `second_factor_${by}`,
          async prepare(op: Provider, world: World) {
            await withCodes(op, world, by)
            const { who, search } = await afterPassword(op)
            return codesAsked(op, world, who, `/second-factor/${by}${search}`, by)
          },
          ends: '/consent',
        },
      ],
      [
        `codes by ${by} in the account`,
        {
          name: `account_${by}_codes`,
          prepare: async (op: Provider, world: World) =>
            codesAsked(op, world, await signedIn(op), `/account/factors/${by}`, by),
          ends: by === 'sms' ? '/account/factors/recovery' : '/account/factors?done=email_added',
        },
      ],
    ]),
  ),
  'codes by sms in a sign-in': {
    name: 'second_factor_sms_set_up',
    async prepare(op, world) {
      const { who, search } = await afterPassword(op, bob, twoFactors)
      return codesAsked(op, world, who, `/second-factor/sms/set-up${search}`, 'sms')
    },
    ends: '/consent',
  },
  'a recovery code': {
    name: 'second_factor_recovery',
    async prepare(op) {
      await withApp(op)
      const [code = ''] = await RecoveryCodes.make(op.context, 'user-alice')
      const { who, page } = await inSignIn(op, '/second-factor/recovery')
      return { who, page, button: 'verify', fields: { code } }
    },
    ends: '/consent',
  },
  'new recovery codes': {
    name: 'account_recovery_codes',
    async prepare(op) {
      const who = await signedIn(op)
      await setUpApp(op, who)
      return { who, page: await at(who, '/account/factors/recovery'), button: 'make' }
    },
    ends: '/account/factors/recovery',
  },
  'no app any more': {
    name: 'account_factors',
    async prepare(op) {
      const who = await signedIn(op)
      await setUpApp(op, who)
      return {
        who,
        page: only(await at(who, '/account/factors'), 'remove', { factor: 'totp' }),
        button: 'remove',
      }
    },
    ends: '/account/factors?done=removed',
  },
  'the name of a passkey': {
    name: 'account_passkeys',
    async prepare(op) {
      const who = await signedIn(op)
      await addPasskey(op.issuer, who)
      return { who, page: await at(who, '/account/passkeys'), button: 'rename', fields: { name: 'Mine' } }
    },
    ends: '/account/passkeys?done=renamed',
  },
  'no passkey any more': {
    name: 'account_passkeys_remove',
    prepare: removingPasskey,
    ends: '/account/passkeys?done=removed',
  },
  'lost passkeys': {
    name: 'account_passkeys_lost',
    prepare: lostAfterDays,
    ends: '/account/passkeys?done=removed',
  },
  'a registration': {
    name: 'register_account',
    prepare: ofNobody('/register_account', 'register', { email: 'carol@example.com' }),
    ends: '/register_account?done=sent',
  },
  'a new account': { name: 'create_account', prepare: creating, ends: '/account' },
  'the profile': {
    name: 'account_profile',
    prepare: ofAlice('/account/profile', 'save', { nickname: 'Al' }),
    ends: '/account/profile?done=saved',
  },
  'another password': {
    name: 'account_password',
    prepare: ofAlice('/account/password', 'change', { current_password: alice.password, ...newPassword }),
    ends: '/account/password?done=changed',
  },
  'a forgotten password': {
    name: 'forgot_password',
    prepare: ofNobody('/forgot_password', 'send', { username: alice.username }),
    ends: '/forgot_password?done=sent',
  },
  'a new password by a link': {
    name: 'reset_password',
    prepare: resetting,
    ends: '/reset_password?done=changed',
  },
  'another address': {
    name: 'account_email',
    prepare: ofAlice('/account/email', 'change', { email: 'new@example.com' }),
    ends: '/account/email?done=sent',
  },
  'an address that is verified': {
    name: 'verify_email',
    prepare: verifying,
    ends: '/account/email?done=confirmed',
  },
  'no access any more': {
    name: 'account_applications',
    async prepare(op) {
      const who = browser(op)
      await authorize(op, who)
      return { who, page: await at(who, '/account/applications'), button: 'withdraw' }
    },
    ends: '/account/applications?done=withdrawn',
  },
  'the end of a session': {
    name: 'account_sessions',
    async prepare(op) {
      await signedIn(op)
      return ofAlice('/account/sessions', 'end')(op)
    },
    ends: '/account/sessions?done=ended',
  },
  'the end of sessions of people': {
    name: 'admin_page_sessions',
    prepare: ofOwner('/admin/sessions', 'end', { sid_gone: 'yes', confirmed: 'yes' }),
    ends: '/admin/sessions?done=end',
  },
  'a role of another person': {
    name: 'admin_page_people_sub',
    prepare: ofOwner('/admin/people/user-bob', 'role', { administration_role: 'auditor' }),
    ends: '/admin/people/user-bob?done=role',
  },
  'claims of another person': {
    name: 'admin_page_people_sub',
    prepare: ofOwner('/admin/people/user-bob', 'claims', { name: 'Robert', given_name: '', family_name: '' }),
    ends: '/admin/people/user-bob?done=claims',
  },
  'a new person': {
    name: 'admin_page_people_new',
    prepare: ofOwner('/admin/people/new', 'add', { username: 'carol', email: 'carol@example.com' }),
    ends: '/admin/people',
  },
  'a new app': {
    name: 'admin_page_clients_new',
    prepare: ofOwner('/admin/clients/new?kind=web', 'add', {
      client_name: 'Wiki',
      redirect_uris: 'https://wiki.example/callback',
    }),
    ends: '/admin/clients',
  },
  'another name of an app': {
    name: 'admin_page_clients_client_id',
    prepare: ofOwner('/admin/clients/client123', 'change', {
      client_name: 'Wiki',
      redirect_uris: 'http://localhost:8080/callback',
    }),
    ends: '/admin/clients/client123?done=change',
  },
  'the next keys': {
    name: 'admin_page_keys',
    prepare: ofOwner('/admin/keys', 'rotate'),
    ends: '/admin/keys?done=rotate',
  },
  'another attempt of a mail': {
    name: 'admin_page_mail',
    async prepare(op) {
      const { context } = op
      const message = { to: 'anna@example.org', subject: 'Hello', text: 'Hello', html: '' }
      const id = await Outbox.add(context, context.random, context.secrets.mail, message)
      return ofOwner('/admin/mail', 'retry', { id })(op)
    },
    ends: '/admin/mail?done=retry',
  },
  'an invitation': {
    name: 'admin_page_invitations',
    prepare: ofOwner('/admin/invitations', 'invite', { email: 'anna@example.org', mail: 'yes' }),
    ends: '/admin/invitations?done=invite',
  },
  'an initial access token': {
    name: 'admin_page_initial_access_tokens',
    prepare: ofOwner('/admin/initial_access_tokens', 'make', { name: 'Team A', uses: '1' }),
    ends: '/admin/initial_access_tokens',
  },
  'levels of the log': {
    name: 'admin_page_settings',
    prepare: ofOwner('/admin/settings', 'log', { level: 'debug' }),
    ends: '/admin/settings?done=log',
  },
  'a run of a job': {
    name: 'admin_page_jobs',
    prepare: ofOwner('/admin/jobs', 'run', { job: 'mail' }),
    ends: '/admin/jobs?done=run',
  },
  'a test of a provider': {
    name: 'admin_page_upstreams',
    prepare: ofOwner('/admin/upstreams', 'test', { id: 'corp' }),
    ends: '/admin/upstreams?done=test',
  },
  'a new realm': {
    name: 'admin_page_realms',
    prepare: ofOwner('/admin/realms', 'add', { name: 'team', title: 'Team' }),
    ends: '/admin/realms/team?done=add',
  },
  'a change of a realm': {
    name: 'admin_page_realms_name',
    async prepare(op) {
      await op.context.realms!.create({ name: 'team', settings: {} })
      return ofOwner('/admin/realms/team', 'change', { title: 'Team', settings: 'LAB=true' })(op)
    },
    ends: '/admin/realms/team?done=change',
  },
  'an account that stays': { name: 'keep_account', prepare: leaving, ends: '/account' },
  'a copy of the data': {
    name: 'account_data',
    prepare: ofAlice('/account/data', 'download'),
    ends: '/account/data',
  },
  'the end of the account': {
    name: 'account_delete',
    prepare: ofAlice('/account/data/delete', 'delete', { confirmation: 'alice' }),
    ends: '/account/deleted',
  },
}
