/** Indexes whose members are words that a reader of the store understands. A store that seals has none. docs/decisions/0083-large-tables.md */

export const wordsOf = (name: string): string => `${name}_words`
export const namesOf = (name: string): string => `${name}_names`

export const isReadable = (index: string): boolean => /_(words|names)$/.test(index)
