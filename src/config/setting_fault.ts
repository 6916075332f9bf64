/** A setting whose value has the right form and names something that cannot be used: a file, an address, a service. */
export class SettingFault extends Error {
  override readonly name = 'SettingFault'

  /** `problem` says what was expected, what came and the next step. It has no value of a secret. */
  constructor(variable: string, problem: string) {
    super(`${variable}: ${problem}`)
  }
}

/** The message of a SettingFault that `run` throws. */
export function faultOf(run: () => unknown): string[] {
  try {
    run()
    return []
  } catch (error) {
    if (error instanceof SettingFault) return [error.message]
    throw error
  }
}
