/** The limits on the length of a password. NIST SP 800-63B §3.1.1.2, OWASP ASVS 5.0 V6.2.1 */

/** In code points, so that all scripts count alike. */
export const passwordLength = { least: 8, most: 128 } as const
