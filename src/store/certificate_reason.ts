/** Why the certificate of a store is not accepted, in words for the operator. https://nodejs.org/api/tls.html#x509-certificate-error-codes */

/** By code of the error; `caVariable` names the certificate authority. */
export function certificateMeanings(caVariable: string): Readonly<Record<string, string>> {
  const foreign = `the certificate of the server is not of a known authority. Name the file of its authority in ${caVariable}`
  return {
    DEPTH_ZERO_SELF_SIGNED_CERT: foreign,
    SELF_SIGNED_CERT_IN_CHAIN: foreign,
    UNABLE_TO_VERIFY_LEAF_SIGNATURE: foreign,
    UNABLE_TO_GET_ISSUER_CERT: foreign,
    UNABLE_TO_GET_ISSUER_CERT_LOCALLY: foreign,
    ERR_TLS_CERT_ALTNAME_INVALID: 'the certificate of the server is for another host than that of the URL',
    CERT_HAS_EXPIRED: 'the certificate of the server, or that of its authority, has expired. Renew it',
  }
}
