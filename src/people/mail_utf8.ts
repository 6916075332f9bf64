/** Whether the relay takes addresses whose local part is not ASCII. https://www.rfc-editor.org/rfc/rfc6531#section-3.1 */

/** A domain has a spelling in ASCII, a local part has none. */
export const hasAsciiLocalPart = (address: string): boolean =>
  /^[\x21-\x7e]*$/.test(address.slice(0, address.lastIndexOf('@')))

/**
 * Asks on a connection of its own, because the connections that send do not tell what was offered. Without the offer the
 * address must not be sent: a relay may read its bytes as another mailbox.
 */
export async function offersUtf8(options: object): Promise<boolean> {
  const { default: Connection } = await import('nodemailer/lib/smtp-connection')
  const connection = new Connection(options)
  return new Promise((resolve, reject) => {
    connection.on('error', reject)
    connection.connect((error) => {
      if (error) return reject(error)
      resolve(/^250[ -]SMTPUTF8\b/im.test(String(connection.lastServerResponse)))
      connection.quit()
    })
  })
}
