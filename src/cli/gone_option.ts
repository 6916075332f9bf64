/** `--gone`: names a process that did not leave its store in order, as the refusal of a command names it. */
export const gone = {
  type: 'string',
  multiple: true,
  value: 'NAME',
  help: 'This process did not leave in order, and has ended',
} as const
