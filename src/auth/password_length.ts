/** How long a password is. NIST SP 800-63B §3.1.1.2, OWASP ASVS 5.0 V6.2.1 */

/** Characters (code points), for any script counts alike. */
export const passwordLength = { least: 8, most: 128 } as const
