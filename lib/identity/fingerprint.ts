/**
 * Fingerprints: the SHA-256 of a certificate, as `ssh` writes those of keys.
 *
 * @module
 */

const PREFIX = "SHA256:";
const SIZE = 32;
/** 32 bytes in base64, the padding left out as `ssh-keygen -l` does. */
const FINGERPRINT_REGEXP = /^SHA256:[A-Za-z0-9+/]{43}$/;

/**
 * Writes a fingerprint: `SHA256:` and base64 without padding.
 *
 * @param fingerprint 32 bytes.
 */
export function formatFingerprint(fingerprint: Uint8Array): string {
  return PREFIX + fingerprint.toBase64({ omitPadding: true });
}

/**
 * Reads a fingerprint as {@linkcode formatFingerprint} writes it.
 *
 * @param text What was typed.
 * @returns 32 bytes; `undefined` if it is none.
 */
export function parseFingerprint(
  text: string,
): Uint8Array<ArrayBuffer> | undefined {
  if (!FINGERPRINT_REGEXP.test(text)) return undefined;
  try {
    // The last letter has two bits to spare; only zeros there are this text.
    const bytes = Uint8Array.fromBase64(text.slice(PREFIX.length), {
      lastChunkHandling: "loose",
    });
    return bytes.length === SIZE && formatFingerprint(bytes) === text
      ? bytes
      : undefined;
  } catch {
    return undefined;
  }
}

const GROUPS = 6;
const GROUP_DIGITS = 5;

/**
 * Bits that {@linkcode shortForm} keeps: six groups of five digits hold 99.6
 * bits. Whoever wants a certificate with the same short form must make 2^99 of
 * them; half of it, if a careless reader compares three groups, is 2^49.
 */
export const SHORT_FORM_BITS = 99;

/**
 * A short form of a fingerprint that people can compare aloud: six groups of
 * five digits. Digits are the same in every language, on every telephone.
 *
 * @param fingerprint 32 bytes.
 */
export function shortForm(fingerprint: Uint8Array): string {
  const base = 10n ** BigInt(GROUP_DIGITS);
  let rest = BigInt(`0x${fingerprint.toHex()}`);
  const groups: string[] = [];
  for (let group = 0; group < GROUPS; group++) {
    groups.push(String(rest % base).padStart(GROUP_DIGITS, "0"));
    rest /= base;
  }
  return groups.join(" ");
}
