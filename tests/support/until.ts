/** Waits for a condition instead of a time: the end is generous, so that a busy machine changes no result. */

/** Asks every 10 ms until it is so. Throws after `ms`, and says `what` was missing. */
export async function until(
  holds: () => boolean | Promise<boolean>,
  what: string,
  ms = 60_000,
): Promise<void> {
  for (const end = Date.now() + ms; !(await holds()); await Bun.sleep(10))
    if (Date.now() > end) throw new Error(`waited ${ms} ms in vain for ${what}`)
}
