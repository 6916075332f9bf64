/** All lessons, in the order of the course: a row each, with its chapter in docs/course/. */
import { codeFlow } from './code_flow.ts'
import { device } from './device.ts'
import { dpopAndStepUp } from './dpop_and_step_up.ts'
import type { Lesson } from './lesson.ts'
import { parAndJar } from './par_and_jar.ts'
import { pkce } from './pkce.ts'
import { redirects } from './redirects.ts'
import { refresh } from './refresh.ts'
import { scopesAndConsent } from './scopes_and_consent.ts'
import { service } from './service.ts'
import { tokens } from './tokens.ts'

export const lessons: readonly Lesson[] = [
  redirects,
  codeFlow,
  pkce,
  tokens,
  scopesAndConsent,
  refresh,
  service,
  device,
  parAndJar,
  dpopAndStepUp,
]

export const findLesson = (id: string | undefined): Lesson | undefined =>
  lessons.find((each) => each.id === id)
