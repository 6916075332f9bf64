/** Templates are imported as text (`with { type: 'text' }`). */
declare module '*.tmpl' {
  const text: string
  export default text
}
