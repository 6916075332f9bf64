/** Texts that tell an operator a command. In a realm, the command names the realm: without it, it would work in the server. */
import { describe, type Grounds } from '../auth/refusal.ts'
import type { Context } from '../contracts/context.ts'
import { textOfRealm } from '../lib/realm_commands.ts'

type Place = Pick<Context, 'realm'>

export const hint = ({ realm }: Place, text: string): string => textOfRealm(realm?.name, text)

/** The sentences of a refusal. */
export const hints = (context: Place, { expected, problem, next }: Grounds) => ({
  expected: hint(context, expected),
  problem: problem && hint(context, problem),
  next: next && hint(context, next),
})

/** What a refusal says to a developer, with the commands of the realm. */
export const described = (context: Place, grounds: Grounds): string =>
  describe({ ...grounds, ...hints(context, grounds) })
