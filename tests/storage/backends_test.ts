import { openFileStorage, openMemoryStorage } from "../../lib/storage/mod.ts";
import { tempDir } from "../helpers/temp_dir.ts";
import { testStorage } from "./storage_contract.ts";

testStorage("memory", async () => {
  const storage = await openMemoryStorage();
  return {
    storage,
    [Symbol.asyncDispose]: () => storage[Symbol.asyncDispose](),
  };
});

testStorage("memory without hard links", async () => {
  const storage = await openMemoryStorage({ hardLinks: false });
  return {
    storage,
    [Symbol.asyncDispose]: () => storage[Symbol.asyncDispose](),
  };
});

testStorage("file", async () => {
  const root = await tempDir();
  const storage = await openFileStorage(root.path);
  return {
    storage,
    [Symbol.asyncDispose]: async () => {
      await storage[Symbol.asyncDispose]();
      await root[Symbol.asyncDispose]();
    },
  };
});
