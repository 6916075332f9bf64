/**
 * The files of this folder are imported as text (`with { type: 'text' }`). The folder is part of each
 * pattern because the longest one wins, and Bun's own types claim every `*.html` for its dev server.
 */
declare module '../../views/*.html' {
  const text: string
  export default text
}
declare module '../../views/*.css' {
  const text: string
  export default text
}
declare module '../../views/*.js' {
  const text: string
  export default text
}
declare module '../../views/*.svg' {
  const text: string
  export default text
}

/** As features see them. */
declare module '../../../views/*.html' {
  const text: string
  export default text
}
declare module '../../../views/*.js' {
  const text: string
  export default text
}
