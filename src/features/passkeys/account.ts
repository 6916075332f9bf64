/** /account/passkeys: lists the passkeys of an account and renames them. https://www.w3.org/TR/webauthn-3/#sctn-usecases */
import { ownMember } from '../../lib/own_member.ts'
import type { Context } from '../../contracts/context.ts'
import { accountForm, signedInForm } from '../../flow/account_form.ts'
import { defineEndpoint } from '../../contracts/endpoint.ts'
import { type SignedInPerson, pageOfPerson } from '../../flow/signed_in_person.ts'
import { accountPage } from '../../flow/account_page.ts'
import { entry, entryList } from '../../html/account_parts.ts'
import { query } from '../../http/call.ts'
import type { Call } from '../../contracts/call.ts'
import { foreignText } from '../../html/foreign_text.ts'
import { page, redirectWithin } from '../../http/reply.ts'
import type { Reply } from '../../contracts/reply.ts'
import type { Html } from '../../html/view.ts'
import { type MessageKey, type Said, say } from '../../lib/say.ts'
import type { AccountSection } from '../../contracts/feature.ts'
import { relyingParty } from './ceremony.ts'
import { fieldAlert, list, lostLink, none, rename, signalView } from './pages.ts'
import { lossAddress } from './loss.ts'
import { accountPath, addPath, lostPath, removePath } from './paths.ts'
import { Passkey } from './records.ts'

export const purpose = 'passkeys'

export const section: AccountSection = {
  name: 'passkeys',
  path: accountPath,
  title: 'passkeys.title',
  order: 40,
  icon: 'fingerprint-pattern',
  async summary(context, { user }) {
    const n = (await Passkey.listOf(context, user.sub)).length
    return n === 0 ? say('passkeys.none') : say('passkeys.count', { n })
  },
}

const done: Readonly<Record<string, MessageKey>> = {
  added: 'passkeys.added',
  renamed: 'passkeys.renamed',
  removed: 'passkeys.removed',
}

/** Redirects to the list with a notice of what was done. */
export const toList = ({ basePath }: Context, word: keyof typeof done): Reply =>
  redirectWithin(`${basePath}${accountPath}?done=${word}`)

export const passkeysPage = defineEndpoint({
  name: 'account_passkeys',
  path: accountPath,
  advertised: false,
  limited: true,
  page: true,
  get: pageOfPerson(accountPath, (call, context, person) => showList(call, context, person)),
  form: signedInForm(accountPath, purpose),
  async post(call, context, { fields, ...person }) {
    const key = fields.passkey ?? ''
    const name = foreignText(fields.name ?? '', longestName + 1)
    if (name === '' || [...name].length > longestName)
      return showList(call, context, person, { key, typed: fields.name ?? '' })
    await Passkey.rename(context, person.user.sub, key, name)
    return toList(context, 'renamed')
  },
})

const longestName = 60

async function showList(
  call: Call,
  context: Context,
  { user, session }: SignedInPerson,
  wrong?: { key: string; typed: string },
): Promise<Reply> {
  const { csrf, cookies } = accountForm(call, context, session, purpose)
  const passkeys = await Passkey.listOf(context, user.sub)
  const word = query(call, context).done
  const told = ownMember(done, word ?? '')
  const entries = passkeys.map((passkey) =>
    entry({
      title: passkey.name,
      badge: passkey.backed_up ? say('passkeys.synced') : undefined,
      lines: factsOf(passkey),
      more: renameForm(context, csrf, passkey, wrong?.key === passkey.key ? wrong.typed : undefined),
    }),
  )
  const html = accountPage(context, {
    current: accountPath,
    title: say('passkeys.title'),
    main: list({
      add: `${context.basePath}${addPath}`,
      list: entries.length > 0 ? entryList({ entries }) : none({}),
      lost:
        (await lossAddress(context, user)) === undefined
          ? []
          : lostLink({ path: `${context.basePath}${lostPath}` }),
      signal: word === 'removed' ? await signalDevice(context, user.sub, passkeys) : [],
    }),
    done: told && say(told),
  })
  return { ...page(wrong ? 400 : 200, html), cookies }
}

/** Only if every passkey could be read: the browser removes passkeys that are missing in this list. */
async function signalDevice(
  context: Context,
  sub: string,
  passkeys: readonly Passkey[],
): Promise<Html | Html[]> {
  const owner = await Passkey.ownerOf(context, context.random, sub)
  if (owner.passkeys.length !== passkeys.length) return []
  return signalView(context, {
    rpId: relyingParty(context).id,
    userId: owner.user_handle,
    allAcceptedCredentialIds: passkeys.map(({ credential_id }) => credential_id),
  })
}

const moment = (seconds: number) => new Date(seconds * 1000)

const factsOf = ({ created_at, used_at }: Passkey): Said[] => [
  say('passkeys.created', { at: moment(created_at) }),
  used_at === undefined ? say('passkeys.unused') : say('passkeys.used', { at: moment(used_at) }),
]

const renameForm = (
  { basePath }: Context,
  csrf: string,
  { key, name }: Passkey,
  wrong: string | undefined,
): Html =>
  rename({
    action: `${basePath}${accountPath}`,
    csrf,
    key,
    name,
    typed: wrong ?? name,
    alert: wrong === undefined ? [] : fieldAlert({ key, message: say('passkeys.name_wrong') }),
    invalid: wrong === undefined ? 'false' : 'true',
    describedBy: wrong === undefined ? '' : `alert_${key}`,
    remove: `${basePath}${removePath}?passkey=${key}`,
  })
