/**
 * The exports of `@std/cli/prompt-secret`.
 *
 * @module
 */

export interface PromptSecretOptions {
  mask?: string;
  clear?: boolean;
}

export function promptSecret(
  message?: string,
  options?: PromptSecretOptions,
): string | null;
