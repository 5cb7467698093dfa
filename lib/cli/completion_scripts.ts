/**
 * What makes a shell complete the command lines of a program. The scripts know
 * nothing: with each Tab they ask the program, which goes by its own tables.
 *
 * @module
 */

import type { CommandSpec } from "./command.ts";
import type { CommandLine } from "./command_line.ts";

/** The shells that there are scripts for. */
export const SHELLS = ["bash", "zsh", "fish"] as const;

/** The word by which a script asks; no command, so that no help shows it. */
export const COMPLETE_WORD = "__complete";

/** How a script asks: with a line as it was typed, or with its words. */
export const FORMS = ["line", "words"] as const;

/** One of {@linkcode FORMS}. */
export type CompleteForm = typeof FORMS[number];

/**
 * The command that prints the scripts.
 *
 * @param program The name of its program.
 * @param more What else is to be said of it.
 */
export function completionsOf(
  program: string,
  more: readonly string[],
): CommandSpec {
  return {
    name: "completions",
    isMinor: true,
    summary: "Print a script that makes bash, zsh or fish complete",
    description: [
      `Prints a script for SHELL, which is one of ${
        SHELLS.join(", ")
      }. It makes Tab complete commands, options, what options may be, and names.`,
      ...more,
    ],
    operands: [{ name: "SHELL", words: SHELLS }],
    options: [],
    examples: [
      `eval "$(${program} completions bash)"    # in ~/.bashrc`,
      `eval "$(${program} completions zsh)"     # in ~/.zshrc, after compinit`,
      `${program} completions fish > ~/.config/fish/completions/${program}.fish`,
    ],
  };
}

/*
 * bash takes a line for words by rules of its own ("host:port" is three), so it
 * hands over the line; what comes back is typed after what it wants replaced.
 */
function bash(program: string): string {
  return `# Completion of ${program} for bash.
_${program}() {
  local line=\${COMP_LINE:0:COMP_POINT} typed hit
  COMPREPLY=()
  {
    IFS= read -r typed
    while IFS= read -r hit; do
      # A quote that is open bash closes by itself.
      [[ $hit == *[!\\\\][\\"\\']\\  ]] && hit=\${hit%??}
      if [[ $2 == *"$typed" ]]; then
        COMPREPLY+=("\${2%"$typed"}$hit")
      else
        COMPREPLY+=("\${hit:\${#typed}-\${#2}}")
      fi
    done
  } < <("$1" ${COMPLETE_WORD} line "\${line#*"$1"}" 2>/dev/null </dev/null)
}
complete -o nospace -F _${program} ${program}
`;
}

function zsh(program: string): string {
  return `#compdef ${program}
# Completion of ${program} for zsh.
_${program}() {
  local hit
  local -a raw
  "\${(Q)words[1]}" ${COMPLETE_WORD} words "\${(@Q)words[2,CURRENT-1]}" "\${(Q)PREFIX}" \\
    2>/dev/null </dev/null | while IFS= read -r hit; do
    raw=()
    [[ $hit == \\~/* ]] && raw=(-Q) hit="~\${(q)hit[2,-1]}"
    case $hit in
      */ | *=) compadd $raw -S '' -- "$hit" ;;
      *) compadd $raw -- "$hit" ;;
    esac
  done
}
if [[ $funcstack[1] == _${program} ]]; then _${program} "$@"; else compdef _${program} ${program}; fi
`;
}

function fish(program: string): string {
  return `# Completion of ${program} for fish.
function __complete_${program}
    set -l words (commandline -opc)
    set -l open (string unescape -- (commandline -ct))
    $words[1] ${COMPLETE_WORD} words $words[2..-1] "$open" 2>/dev/null </dev/null
end
complete -c ${program} -f -a '(__complete_${program})'
`;
}

const SCRIPTS: Readonly<
  Record<typeof SHELLS[number], (program: string) => string>
> = { bash, zsh, fish };

/**
 * The script that a command line asks for.
 *
 * @param line The command line, of a command made by {@linkcode completionsOf}.
 * @param program The name of the program.
 */
export function scriptFor(
  { operands: [given] }: CommandLine,
  program: string,
): string {
  const shell = SHELLS.find((shell) => shell === given) ?? SHELLS[0];
  return SCRIPTS[shell](program);
}
