/** Objects that do some things in another way. */

/** An object in which some members are others; everything else is the real one's. */
export function patched<T extends object>(target: T, changes: Partial<T>): T {
  return new Proxy(target, {
    get(_, name): unknown {
      if (Object.hasOwn(changes, name)) return Reflect.get(changes, name);
      const value = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}
