/** Stored data of second factors: the export, without secrets, and the erasure. */
import type { Context } from '../../contracts/context.ts'
import { FactorGeneration } from '../../models/factor_generation.ts'
import type { PersonData } from '../../contracts/feature.ts'
import { channels } from './channels.ts'
import { RecoveryCodes } from './recovery.ts'
import { Totp } from './totp.ts'

async function read(context: Context, sub: string): Promise<unknown> {
  const [totp, recovery, phone, mailbox] = await Promise.all([
    Totp.find(context, sub),
    RecoveryCodes.find(context, sub),
    channels.sms.records.find(context, sub),
    channels.email.records.find(context, sub),
  ])
  return {
    ...(totp && { totp: { created_at: totp.created_at } }),
    ...(phone && { sms: { phone_number: phone.to, created_at: phone.created_at } }),
    ...(mailbox && { email: { email: mailbox.to, created_at: mailbox.created_at } }),
    ...(recovery && { recovery_codes: { left: recovery.hashes.length, created_at: recovery.created_at } }),
  }
}

async function erase(context: Context, sub: string): Promise<void> {
  await Promise.all([
    FactorGeneration.forget(context, sub),
    Totp.remove(context, sub),
    RecoveryCodes.remove(context, sub),
    channels.sms.records.take(context, sub),
    channels.email.records.take(context, sub),
  ])
}

export const factorData: PersonData = { name: 'second_factors', factor: true, read, erase }
