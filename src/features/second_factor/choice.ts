/** The pages that list second factors during a sign-in: those to use, and those to set up. */
import { acrOf, meetsAcr } from '../../auth/acr.ts'
import type { Context } from '../../contracts/context.ts'
import { defineEndpoint, type Submitted } from '../../contracts/endpoint.ts'
import {
  allowedFactors,
  askedFactors,
  isStale,
  mayEnrol,
  mustHaveFactor,
  readyFactors,
} from '../../flow/second_factors.ts'
import { signIn } from '../../flow/sign_in.ts'
import { clientIdOf, demandOf } from '../../flow/step_up.ts'
import { resumePath } from '../../flow/interaction_page.ts'
import type { Call } from '../../contracts/call.ts'
import { findClient } from '../../clients/find_client.ts'
import { redirectWithin } from '../../http/reply.ts'
import type { Reply } from '../../contracts/reply.ts'
import { say } from '../../lib/say.ts'
import { Interaction } from '../../models/interaction.ts'
import type { SecondFactor } from '../../contracts/feature.ts'
import { type FactorPage, findStepPage, stepPageForm, type FoundStepPage } from './factor_page.ts'
import { choicePath, setUpPath, type Wanted, wantedBy } from './policy.ts'
import { buttonFormOf, choice, choiceList, paragraph } from './views.ts'

/** The level that the request of this interaction still requires. */
async function wantedHere(
  call: Call,
  context: Context,
  { progress }: FoundStepPage,
): Promise<Wanted | undefined> {
  const { user, amr, open } = progress
  const { interaction } = open
  const clientId = clientIdOf(interaction)
  const client = clientId === undefined ? undefined : await findClient(context, clientId)
  const demand = demandOf(interaction, client)
  return wantedBy({ call, user, amr, client, interaction, demand }, acrOf(amr))
}

const reachingFactors = (factors: readonly SecondFactor[], wanted: Wanted | undefined): SecondFactor[] => {
  const reaching = factors.filter(({ acr }) => wanted?.levels.some((level) => meetsAcr(acr, level)))
  return reaching.length > 0 ? reaching : [...factors]
}

const findChoice = findStepPage(choicePath)

async function showChoices(call: Call, context: Context): Promise<Reply> {
  const found = await findChoice(call, context)
  return 'reply' in found ? found.reply : choose(call, context, { ...found, fields: {} })
}

/** The page that lists factors to use. The field `decline` continues without one, if no sign-in asks for it. */
async function choose(call: Call, context: Context, found: FoundStepPage & Submitted): Promise<Reply> {
  const { factorPage, progress, fields } = found
  const wanted = await wantedHere(call, context, found)
  const set = await readyFactors(progress.user, context)
  const ready = reachingFactors(set, wanted)
  if (ready.length === 0) return redirectWithin(resumePath(context, progress.open.handle))
  // Not for a page of /account: it would ask again.
  const optional =
    isOptional(wanted) &&
    progress.open.interaction.params !== undefined &&
    askedFactors(set, progress.user, context).length === 0
  if (fields.decline !== undefined && optional) return decline(call, context, found)
  return factorPage.show(200, {
    title: say('second_factor.title'),
    text: say('second_factor.choose'),
    main: [
      choiceList({
        choices: ready.map(({ path, icon, label }) =>
          choice({ path: factorPage.pathTo(path), icon, label: say(label) }),
        ),
      }),
      ...(optional ? [declineButton(factorPage)] : []),
      paragraph({ text: say('second_factor.lost') }),
    ],
  })
}

/** Whether the request does without the level, or its client accepts an error. */
const isOptional = (wanted: Wanted | undefined): boolean =>
  wanted !== undefined && wanted.otherwise !== 'blocked'

const declineButton = ({ action, hidden }: FactorPage) =>
  buttonFormOf({ action, hidden, name: 'decline', label: say('second_factor.decline') })

const findSetUp = findStepPage(setUpPath)

async function showSetUp(call: Call, context: Context): Promise<Reply> {
  const found = await findSetUp(call, context)
  return 'reply' in found ? found.reply : setUp(call, context, { ...found, fields: {} })
}

/** The page that lists factors to set up. The field `decline` continues without one. */
async function setUp(call: Call, context: Context, found: FoundStepPage & Submitted): Promise<Reply> {
  const { factorPage, progress, fields } = found
  const wanted = await wantedHere(call, context, found)
  const optional = isOptional(wanted) && !mustHaveFactor(progress.user, context)
  const wish = optional && wanted?.otherwise === 'as_is'
  const stale = isStale(progress, context)
  // For a voluntary level the page is shown even if the sign-in is not fresh. The page of the chosen factor then asks for a fresh sign-in.
  if (stale && !wish) return redirectWithin(factorPage.pathTo('/login'))
  if (!stale && !(await mayEnrol(progress, context))) return redirectWithin(factorPage.pathTo(choicePath))
  if (fields.decline !== undefined && optional) return decline(call, context, found)
  const ready = await readyFactors(progress.user, context)
  const possible = allowedFactors(context).filter(
    (factor) => factor.enrolPath !== undefined && !ready.includes(factor),
  )
  const choices = wanted ? reachingFactors(possible, wanted) : possible
  return factorPage.show(200, {
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
              choices: choices.map(({ enrolPath, icon, label }) =>
                choice({ path: factorPage.pathTo(enrolPath!), icon, label: say(label) }),
              ),
            }),
          ]
        : []),
      ...(optional ? [declineButton(factorPage)] : []),
    ],
  })
}

/** Continues with the factors so far. For a voluntary level that is enough; an essential one is refused later. */
async function decline(call: Call, context: Context, { progress }: FoundStepPage): Promise<Reply> {
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
    get: showChoices,
    form: stepPageForm(choicePath),
    post: choose,
  }),
  defineEndpoint({
    ...shared,
    name: 'second_factor_set_up',
    path: setUpPath,
    get: showSetUp,
    form: stepPageForm(setUpPath),
    post: setUp,
  }),
]
