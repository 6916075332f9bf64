/** A plan in a file: what the configuration file asked for, and the fingerprint of what follows from it. It has no secret. */
import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs'
import * as v from 'valibot'
import type { Context } from '../../contracts/context.ts'
import type { Scene } from '../administration.ts'
import { Refusal } from '../failure.ts'
import { printable } from '../output.ts'
import { fingerprintOf, isFingerprintOf, makePlan, movedOn, type Plan } from './make_plan.ts'
import { contextUnder } from './scene.ts'
import type { SecretRules } from './secret_places.ts'
import { Problems, readBounded } from './source.ts'
import type { Wanted } from './wanted.ts'

const Place = v.object({ line: v.number(), column: v.number() })
const Saved = v.strictObject({
  latchkey_plan: v.literal(1),
  store: v.string(),
  version: v.number(),
  file: v.string(),
  /** The path of the file, for relative places of secrets. */
  path: v.string(),
  clients: v.record(
    v.string(),
    v.object({
      given: v.record(v.string(), v.unknown()),
      secret: v.optional(v.string()),
      overlap: v.number(),
      place: Place,
      places: v.record(v.string(), Place),
    }),
  ),
  settings: v.record(v.string(), v.string()),
  fingerprint: v.string(),
})

/** A new file for its owner alone. Throws the error of the system where it exists already. */
export function writeOwn(path: string, text: string): void {
  const file = openSync(path, 'wx', 0o600)
  try {
    writeSync(file, text)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}

export function savePlan(to: string, path: string, wanted: Wanted, plan: Plan, context: Context): void {
  const saved: v.InferInput<typeof Saved> = {
    latchkey_plan: 1,
    store: plan.base.store,
    version: plan.base.version,
    file: plan.file,
    path,
    clients: Object.fromEntries(
      [...wanted.clients].map(([id, { secret, ...client }]) => [
        id,
        {
          ...client,
          given: { ...client.given },
          places: { ...client.places },
          ...(secret !== undefined && { secret }),
        },
      ]),
    ),
    settings: { ...wanted.settings },
    fingerprint: fingerprintOf(plan, context),
  }
  try {
    writeOwn(to, `${JSON.stringify(saved, null, 2)}\n`)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    throw new Refusal(`${printable(to)} is there already: name a new file with --out`)
  }
}

function readSaved(path: string): v.InferOutput<typeof Saved> {
  const refuse = () =>
    new Refusal(`expected a plan of latchkey plan --out, got ${printable(path)}: make one again`)
  try {
    return v.parse(Saved, JSON.parse(readBounded(path)))
  } catch (error) {
    throw error instanceof Refusal ? error : refuse()
  }
}

/** The plan, made again from what the saved one asked for. Throws Refusal unless it comes to the same. */
export async function openSaved(
  path: string,
  rules: Omit<SecretRules, 'file'>,
  context: Context,
  scene: Scene,
): Promise<Plan> {
  const saved = readSaved(path)
  const wanted: Wanted = {
    file: saved.file,
    clients: new Map(
      Object.entries(saved.clients).map(([id, client]) => [id, { ...client, secret: client.secret }]),
    ),
    settings: saved.settings,
    settingPlaces: {},
  }
  const under = await contextUnder(wanted, scene, new Problems(saved.path), context)
  const options = { path: saved.path, rules: { ...rules, file: saved.path }, before: context }
  const plan = await makePlan(wanted, options, under)
  if (plan.base.store !== saved.store)
    throw new Refusal(
      `${printable(path)} was made for another store, so nothing was changed: run latchkey plan against this one`,
    )
  if (plan.base.version !== saved.version) throw movedOn()
  if (!isFingerprintOf(saved.fingerprint, plan, context))
    throw new Refusal(
      `${printable(path)} no longer fits: a client, a secret or a setting that it names was changed since, or the plan itself. Nothing was changed: run latchkey plan again`,
    )
  return plan
}
