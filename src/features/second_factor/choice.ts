/** The pages between factors: another way to prove oneself, and setting one up where none is there yet. */
import { acrOf, meetsAcr } from '../../auth/acr.ts'
import type { Context } from '../../contracts/context.ts'
import { defineEndpoint, type Submitted } from '../../contracts/endpoint.ts'
import { allowedFactors, isStale, mayEnrol, mustHaveFactor, readyFactors } from '../../flow/second_factors.ts'
import { signIn } from '../../flow/sign_in.ts'
import { clientIdOf, demandOf } from '../../flow/step_up.ts'
import { resumePath } from '../../flow/interaction_page.ts'
import type { Call } from '../../contracts/call.ts'
import { findClient } from '../../http/client_authentication.ts'
import { redirectWithin } from '../../http/reply.ts'
import type { Reply } from '../../contracts/reply.ts'
import { say } from '../../lib/say.ts'
import { Interaction } from '../../models/interaction.ts'
import type { SecondFactor } from '../../contracts/feature.ts'
import { halfPlace, halfPlaceForm, type HalfPlaced } from './place.ts'
import { choicePath, setUpPath, type Wanted, wantedBy } from './policy.ts'
import { buttonFormOf, choice, choiceList } from './views.ts'

/** What the request of this interaction leaves open for this person. */
async function wantedHere(
  call: Call,
  context: Context,
  { progress }: HalfPlaced,
): Promise<Wanted | undefined> {
  const { user, amr, open } = progress
  const { interaction } = open
  const clientId = clientIdOf(interaction)
  const client = clientId === undefined ? undefined : await findClient(context, clientId)
  const demand = demandOf(interaction, client)
  return wantedBy({ call, user, amr, client, interaction, demand }, acrOf(amr))
}

const able = (factors: readonly SecondFactor[], wanted: Wanted | undefined): SecondFactor[] => {
  const reaching = factors.filter(({ acr }) => wanted?.levels.some((level) => meetsAcr(acr, level)))
  return reaching.length > 0 ? reaching : [...factors]
}

const findChoice = halfPlace(choicePath)

async function choose(call: Call, context: Context): Promise<Reply> {
  const placed = await findChoice(call, context)
  if ('reply' in placed) return placed.reply
  const { place, progress } = placed
  const ready = able(await readyFactors(progress.user, context), await wantedHere(call, context, placed))
  if (ready.length === 0) return redirectWithin(resumePath(context, progress.open.handle))
  return place.show(200, {
    title: say('second_factor.title'),
    text: say('second_factor.choose'),
    main: [
      choiceList({
        choices: ready.map(({ path, label }) => choice({ path: place.at(path), label: say(label) })),
      }),
    ],
  })
}

const findSetUp = halfPlace(setUpPath)

async function showSetUp(call: Call, context: Context): Promise<Reply> {
  const placed = await findSetUp(call, context)
  return 'reply' in placed ? placed.reply : setUp(call, context, { ...placed, fields: {} })
}

/** The page, or where it leads; `decline` among the fields is the answer that no factor is set up. */
async function setUp(call: Call, context: Context, placed: HalfPlaced & Submitted): Promise<Reply> {
  const { place, progress, fields } = placed
  const wanted = await wantedHere(call, context, placed)
  const optional =
    wanted !== undefined && wanted.otherwise !== 'stuck' && !mustHaveFactor(progress.user, context)
  const wish = optional && wanted.otherwise === 'as_is'
  const stale = isStale(progress, context)
  // What is only wished for is shown first; whoever chooses one signs in again on its page.
  if (stale && !wish) return redirectWithin(place.at('/login'))
  if (!stale && !(await mayEnrol(progress, context))) return redirectWithin(place.at(choicePath))
  if (fields.decline !== undefined && optional) return decline(call, context, placed)
  const ready = await readyFactors(progress.user, context)
  const possible = allowedFactors(context).filter(
    (factor) => factor.enrolPath !== undefined && !ready.includes(factor),
  )
  const choices = wanted ? able(possible, wanted) : possible
  return place.show(200, {
    title: say('second_factor.set_up_title'),
    text: say(
      choices.length === 0
        ? 'second_factor.set_up_impossible'
        : wish
          ? 'second_factor.set_up_wished'
          : 'second_factor.set_up_needed',
    ),
    main: [
      ...(choices.length > 0
        ? [
            choiceList({
              choices: choices.map(({ enrolPath, label }) =>
                choice({ path: place.at(enrolPath!), label: say(label) }),
              ),
            }),
          ]
        : []),
      ...(optional
        ? [
            buttonFormOf({
              action: place.action,
              hidden: place.hidden,
              name: 'decline',
              label: say('second_factor.decline'),
            }),
          ]
        : []),
    ],
  })
}

/** On with what was proven so far: a wish of the application is not an order, and what is essential to it is refused then. */
async function decline(call: Call, context: Context, { progress }: HalfPlaced): Promise<Reply> {
  const { open, user, amr } = progress
  const declined_by = user.sub
  await Interaction.update(context, open.handle, (current) => ({ ...current, declined_by }))
  const interaction = { ...open.interaction, declined_by }
  return signIn(call, context, { ...progress, open: { ...open, interaction } }, { user, amr })
}

const shared = { advertised: false, limited: true, page: true } as const

export const choiceEndpoints = [
  defineEndpoint({
    ...shared,
    name: 'second_factor',
    path: choicePath,
    get: choose,
  }),
  defineEndpoint({
    ...shared,
    name: 'second_factor_set_up',
    path: setUpPath,
    get: showSetUp,
    form: halfPlaceForm(setUpPath),
    post: setUp,
  }),
]
