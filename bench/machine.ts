/**
 * On what it was measured: figures of two machines cannot be compared.
 *
 * @module
 */
import { formatSize } from "../lib/cli/format.ts";
import { runTimed } from "./processes.ts";

/** The machine, in a line. */
export async function describeMachine(): Promise<string> {
  const { total } = Deno.systemMemoryInfo();
  const load = Deno.loadavg()[0] ?? 0;
  return [
    `${navigator.hardwareConcurrency} x ${await processor()}`,
    `${formatSize(total)} memory`,
    `${Deno.build.os} ${Deno.osRelease()}`,
    `Deno ${Deno.version.deno}`,
    `load ${load.toFixed(2)} at the start`,
  ].join(", ");
}

async function processor(): Promise<string> {
  const [program, ...args] = Deno.build.os === "darwin"
    ? ["sysctl", "-n", "machdep.cpu.brand_string"]
    : ["sed", "-n", "s/^model name[^:]*: //p", "/proc/cpuinfo"];
  return await runTimed({ program: program ?? "", args }).then(
    ({ output }) => output.split("\n")[0]?.trim() || Deno.build.arch,
    () => Deno.build.arch,
  );
}
