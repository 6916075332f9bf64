/** Schemes of one word that an application may have claimed on a device, such as `cursor://`. https://www.rfc-editor.org/rfc/rfc8252#section-7.1 */

/** Each of these is opened by a browser or a system, or may be claimed by a website: no redirect may lead there. */
const others: readonly string[] = [
  // Executed or shown by browsers.
  'about blob content data externalfile file filesystem isolated-app jar mhtml mk mocha opera res resource source',
  'uuid-in-package view-source wyciwyg',
  // Websites may register as handlers (HTML, registerProtocolHandler, and the longer lists of browsers), beside `web+…` and `ext+…`.
  'bitcoin cabal dat did doi dweb ethereum ftp ftps geo hyper im ipfs ipns irc irc6 ircs magnet mailto matrix mms',
  'news nntp openpgp4fpr payto sftp sip sips sms smsto ssb ssh tel telnet urn web3 webcal webcals wtai xmpp',
  // Browsers, which go on to another URL of the redirect. Their families are below.
  'duckduckgo ddgquicklink icab mibrowser samsunginternet ucbrowser web-search yandexbrowser-open-url',
  // Other protocols of the network.
  'acap afp aim aaa aaas cap cid cifs coap coaps dav davs dict dns dntp feed feeds finger fish gemini git go gopher',
  'h323 iax imap imaps info ipn ipp ipps iris ldap ldaps ldapi lpd mailserver mid mmsh mmst msrp msrps mumble mupdate',
  'nfs nbd nx pop pop3 prospero rdp rlogin rmi rsync rtmp rtmps rtmpt rtp rtsp rtsps rtspu sieve smb',
  'smtp smtps snews snmp soap spdy spice srt stun stuns svn tag teredo tftp tip tn3270 turn turns udp vnc wais webdav',
  'ws wss xmlrpc xri z39',
  // Opened by operating systems: what installs, starts, calls, pays or shows.
  'admin android android-app app-prefs app-settings apt appstream bluetooth burn calculator calshow callto computer',
  'contacts diagnostics facetime facetime-audio facetime-prompt flatpak flatpakref ghelp hcp help ibooks imessage',
  'insiderhub intent itms itmss itms-apps itms-appss itms-books itms-services jnlp jnlps man mapi maps market message',
  'messages mobilenotes mswindowsmusic mswindowsvideo music musics network onenote onenote-cmd outlook outlookmail',
  'package photos photos-redirect podcast podcasts prefs remotedesktop search search-ms settings shell',
  'shortcuts shoebox snap snappy steam stssync telprompt terminal trash tips videos wallet windows-feedback',
  'windowsdefender workflow x-help-action x-man-page xbox yast ymp zune',
  // Money, secrets and credentials.
  'bankid bitcoincash dogecoin fido keyauth keybase lbry lightning litecoin lnurl lnurlp lnurlw lnurlc monero otpauth',
  'otpauth-migration passkit ripple sepa siop siopv2 solana swish tez upi wc zcash',
]
const taken = new Set(others.flatMap((line) => line.split(' ')))

/** Families of such schemes: those with a script, of a browser, of an operating system, of wallets, and of websites. */
const families = new RegExp(
  [
    'script',
    '^(?:brave|(?:google)?chrom|devtools|edge|firefox|moz|opera|safari|vivaldi|webkit|x-safari|view-)',
    '^(?:apple|ms-|microsoft-|x-apple|vnd)',
    '^(?:eudi|haip|mdoc|openid)',
    '^(?:ext\\+|web\\+)',
  ].join('|'),
)

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
