/**
 * What is sure of files that were moved, in words.
 *
 * @module
 */

/** What is sure of the moved files. */
export function promise(
  { direction, isAcknowledged, isDurable, isVerified }: {
    readonly direction: "get" | "put";
    readonly isDurable: boolean | undefined;
    readonly isVerified: boolean;
    readonly isAcknowledged: boolean;
  },
): string {
  if (isVerified) return `verified${durability(isDurable)}`;
  if (direction === "get") {
    return `not verified${isDurable === true ? ", but durable" : ""}`;
  }
  return isAcknowledged
    ? "not verified, taken by the server"
    : "not verified, and nobody has said whether it was stored";
}

/** Whether a power cut can still take them. */
export function durability(isDurable: boolean | undefined): string {
  if (isDurable === undefined) return "";
  return isDurable ? " and durable" : ", not yet on stable storage";
}
