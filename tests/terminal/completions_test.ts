import { type Scene, sceneTest } from "../integration/scene.ts";
import { ferryCommand, NEEDS_TMUX, quote, Terminal } from "./terminal.ts";

const PROMPT = "ready> ";

/** How a shell is started that has just loaded its script. */
interface Shell {
  readonly name: string;
  /** The file that it reads first, below the folder of the test, and what is in it. */
  readonly file: string;
  readonly content: string;
  readonly command: (file: string) => readonly string[];
}

const SHELLS: readonly Shell[] = [
  {
    name: "bash",
    file: "bashrc",
    content: `PS1='${PROMPT}'\neval "$(ferry completions bash)"\n`,
    command: (file) => ["bash", "--noprofile", "--rcfile", file, "-i"],
  },
  {
    name: "zsh",
    file: ".zshrc",
    content:
      `PS1='${PROMPT}'\nautoload -U compinit\ncompinit -u -D\neval "$(ferry completions zsh)"\n`,
    command: () => ["zsh", "-i"],
  },
  {
    name: "fish",
    file: "init.fish",
    content:
      `function fish_prompt; echo -n '${PROMPT}'; end\nfunction fish_greeting; end\nferry completions fish | source\n`,
    command: (file) => ["fish", "-i", "-C", `source ${quote(file)}`],
  },
];

/** Why a test with a shell cannot run here; `undefined` where it can. */
async function whyNot(shell: string): Promise<string | undefined> {
  if (NEEDS_TMUX !== undefined) return NEEDS_TMUX;
  try {
    const args = ["-c", "exit 0"];
    const { success } = await new Deno.Command(shell, { args }).output();
    return success ? undefined : `${shell} does not run here`;
  } catch {
    return `there is no ${shell} here`;
  }
}

/** Opens a shell that finds `ferry`, and has loaded its completion. */
async function open(scene: Scene, shell: Shell): Promise<Terminal> {
  const bin = `${scene.base}/bin`;
  await Deno.mkdir(bin);
  const ferry = ferryCommand().map(quote).join(" ");
  await Deno.writeTextFile(
    `${bin}/ferry`,
    `#!/bin/sh\nexec ${ferry} "$@"\n`,
    { mode: 0o755 },
  );
  const file = `${scene.base}/${shell.file}`;
  await Deno.writeTextFile(file, shell.content);
  const terminal = scene.keep(
    await Terminal.run(shell.command(file), {
      folder: scene.base,
      cwd: scene.local,
      env: {
        PATH: `${bin}:${Deno.env.get("PATH")}`,
        HOME: scene.base,
        ZDOTDIR: scene.base,
        XDG_STATE_HOME: scene.state,
        XDG_CONFIG_HOME: `${scene.base}/config`,
        XDG_DATA_HOME: `${scene.base}/data`,
      },
    }),
  );
  await terminal.shows(/^ready>/m);
  return terminal;
}

for (const shell of SHELLS) {
  const reason = await whyNot(shell.name);
  sceneTest(
    `${shell.name} completes commands, options, their words, and names here and there`,
    async (scene) => {
      await Deno.mkdir(`${scene.root}/docs`);
      await scene.served("docs/manual.pdf", "x");
      await scene.served("my file.txt", "x");
      await Deno.writeTextFile(`${scene.local}/local.txt`, "x");
      await Deno.writeTextFile(`${scene.base}/at home.txt`, "x");
      const server = await scene.server();
      const terminal = await open(scene, shell);

      await terminal.type("ferry sta");
      await terminal.completes(/ferry stat$/);
      await terminal.type("--dig");
      await terminal.completes(/ferry stat --digest=$/);
      await terminal.type("sh");
      await terminal.completes(/--digest=sha256$/);
      await terminal.type(`${server.host} do`);
      await terminal.completes(/\d docs\/$/);
      await terminal.type("ma");
      await terminal.completes(/docs\/manual\.pdf$/);
      await terminal.press("Enter");
      await terminal.shows("docs/manual.pdf");

      await terminal.press("C-u");
      await terminal.type(`ferry get ${server.host} my`);
      await terminal.completes(/my\\ file\.txt$/);
      await terminal.press("C-u");
      await terminal.type(`ferry get ${server.host} "my`);
      await terminal.completes(/ "my file\.txt"$/);
      await terminal.press("C-u");
      await terminal.type(`ferry put ${server.host} lo`);
      await terminal.completes(/local\.txt$/);
      await terminal.type("~/at");
      await terminal.completes(/ ~\/at\\ home\.txt$/);
    },
    reason,
  );
}
