/** Schemes of one word that an application may have claimed on a device, such as `cursor://`. https://www.rfc-editor.org/rfc/rfc8252#section-7.1 */

/** Each of these is opened by a browser or a system, or may be claimed by a website: no redirect may lead there. */
const others: readonly string[] = [
  // Executed or shown by browsers.
  'about blob content data file filesystem jar mhtml mk mocha opera res resource source view-source wyciwyg',
  // Websites may register as handlers (HTML, registerProtocolHandler), beside `web+…` and `ext+…`.
  'bitcoin ethereum ftp ftps geo im irc irc6 ircs magnet mailto matrix mms news nntp openpgp4fpr sftp sip sips',
  'sms smsto ssh tel telnet urn webcal wtai xmpp',
  // Other protocols of the network.
  'acap afp aim aaa cap cid cifs coap coaps dav davs dict did dns feed finger fish git go gopher h323 iax imap info',
  'ipfs ipns ipp ipps iris ldap ldaps lpd mailserver mid mumble nfs nbd pop pop3 prospero rdp rlogin rmi rsync rtmp',
  'rtsp rtsps rtp sieve smb smtp snmp soap spdy stun stuns svn tag tftp tip turn turns udp vnc wais webdav ws wss z39',
  // Opened by operating systems.
  'android android-app app-prefs app-settings bluetooth calshow callto facetime facetime-audio hcp help intent itms',
  'itmss itms-apps itms-appss itms-services maps market prefs search search-ms settings shell shortcuts videos',
  // Secrets and credentials.
  'eudi-wallet fido haip mdoc mdoc-openid4vp openid openid4vp openid-credential-offer otpauth otpauth-migration',
]
const taken = new Set(others.flatMap((line) => line.split(' ')))

/** Families of such schemes: those with a script, of a browser, of an operating system, and of websites. */
const families =
  /script|^(?:apple|brave|chrome|devtools|edge|ext\+|moz|ms-|microsoft-|opera|safari|view-|vnd|vivaldi|web\+|webkit|x-apple)/

/** `http`, `https` and what looks like them: with it in the name, or with one letter changed, added, lost or moved. */
const likeHttp =
  /http|hxxp|^[htpsx]+$|^(?:.ttps?|h.tps?|ht.ps?|htt.s?|[a-z]?h[a-z]?t[a-z]?t[a-z]?p[a-z]?s?[a-z]?)$/

/** Whether an application may have claimed the scheme `protocol` (`cursor:`). */
export function isSchemeOfApp(protocol: string): boolean {
  const scheme = protocol.slice(0, -1)
  return (
    /^[a-z][a-z\d+-]{1,63}$/.test(scheme) &&
    !taken.has(scheme) &&
    !families.test(scheme) &&
    !likeHttp.test(scheme)
  )
}
