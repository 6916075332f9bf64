/** The realm that a command works in, and which commands can. docs/realms.md */
import { AsyncLocalStorage } from 'node:async_hooks'
import { commandsOfRealms, textOfRealm } from '../lib/realm_commands.ts'

const chosen = new AsyncLocalStorage<string>()

/** Undefined for the server itself. */
export const chosenRealm = (): string | undefined => chosen.getStore()

export const withRealm = <T>(name: string | undefined, run: () => T): T =>
  name === undefined ? run() : chosen.run(name, run)

export const worksInRealm = (command: string): boolean => commandsOfRealms.has(command)

/** A text of a command that names further ones: they are for the same realm. */
export const inChosenRealm = (text: string): string => textOfRealm(chosenRealm(), text)
