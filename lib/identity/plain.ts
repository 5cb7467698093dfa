/**
 * What of identities loads at once: it needs nothing that is built in, and no
 * package.
 *
 * @module
 */
export { IdentityError, type IdentityErrorKind } from "./errors.ts";
export {
  formatFingerprint,
  parseFingerprint,
  SHORT_FORM_BITS,
  shortForm,
} from "./fingerprint.ts";
