/** A word of a POSIX shell that stands for the text alone, whatever is in it. */
export const shellWord = (text: string): string => `'${text.replaceAll("'", String.raw`'\''`)}'`
