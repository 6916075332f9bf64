/** A request of `fetch` that goes to its host itself, whatever HTTP_PROXY says. https://bun.com/docs/guides/http/proxy */

/** The types of Bun lack `false`. tests/attack/proxies.test.ts sees whether it holds. */
export const withoutProxy = { proxy: false } as unknown as { proxy: string }
