/**
 * The steps of a file in the tables of the protocols that announce its size.
 *
 * @module
 */

/** `DATA` is bytes of the file, `WHOLE` says that those were the last ones. */
export type FileStep = "DATA" | "WHOLE";
