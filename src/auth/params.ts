/** Parameters of a request, each of which came once. https://www.rfc-editor.org/rfc/rfc6749#section-3.1 */
export type Params = Readonly<Record<string, string>>
