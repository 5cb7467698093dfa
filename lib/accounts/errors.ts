/**
 * What is wrong with accounts.
 *
 * @module
 */

/** Where in a file something is wrong. */
export interface FilePlace {
  /** The file. */
  readonly file: string;
  /** Its line, from 1, where one is to blame. */
  readonly line?: number | undefined;
  /** The key, such as `users.alice.quota.bytes`, where one is to blame. */
  readonly key?: string | undefined;
}

/**
 * Accounts, keys or passwords cannot be used or changed. The message is a phrase
 * that completes "Cannot …: ", in lower case, names file, line and key, and
 * never holds a secret.
 */
export class AccountsError extends Error {
  /** What is wrong, without the place. */
  readonly problem: string;
  /** Where. */
  readonly place: FilePlace | undefined;

  /**
   * Makes an error.
   *
   * @param problem What is wrong.
   * @param place Where.
   * @param options The cause.
   */
  constructor(problem: string, place?: FilePlace, options?: ErrorOptions) {
    super(place === undefined ? problem : at(place) + problem, options);
    this.name = "AccountsError";
    this.problem = problem;
    this.place = place;
  }
}

function at({ file, line, key }: FilePlace): string {
  const where = line === undefined ? file : `${file}, line ${line}`;
  return key === undefined || key === ""
    ? `${where}: `
    : `${where}, "${key}": `;
}
