/** Checks of state tables. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  type Machine,
  type Role,
  type Step,
  Walk,
} from "../../lib/classic/machine.ts";
import { MalformedError } from "../../lib/classic/reading.ts";

/**
 * That each of the walks, steps with commas between them, leads to `over`; that
 * together they take every step of the table; and that everywhere on the way any
 * step that the table does not have is refused.
 */
export function assertWalks<M extends string>(
  machine: Machine<M>,
  walks: readonly string[],
): void {
  const steps = new Set(
    Object.values(machine).flatMap((row) => Object.keys(row)),
  );
  const taken = new Set<string>();
  for (const text of walks) {
    const walk = new Walk(machine);
    for (const step of text.split(", ") as Step<M>[]) {
      for (const other of steps) {
        if (Object.hasOwn(machine[walk.state]!, other)) continue;
        assertThrows(
          () => walk.step(...split<M>(other)),
          MalformedError,
          walk.state,
        );
      }
      taken.add(`${walk.state}: ${step}`);
      walk.step(...split<M>(step));
    }
    assertEquals(walk.state, "over", text);
  }
  for (const [state, row] of Object.entries(machine)) {
    for (const [step, next] of Object.entries<string | undefined>(row)) {
      assert(taken.has(`${state}: ${step}`), `nobody takes ${state}: ${step}`);
      assert(Object.hasOwn(machine, next!), `there is no state ${next}`);
    }
  }
}

function split<M extends string>(step: string): [Role, M] {
  const [sender, message] = step.split(" ");
  return [sender as Role, message as M];
}
