import { rm } from "node:fs/promises";
import { join } from "node:path";
import { type BuildOptions, build } from "esbuild";

/** How a program for GitHub's runner is bundled. */
export const bundling = {
  bundle: true,
  minify: true,
  format: "esm",
  platform: "node",
  target: "node24",
  legalComments: "none",
  alias: { undici: join(import.meta.dirname, "no-undici.ts") },
  // Dependencies in CommonJS call require; the usual name for it is taken by one of them.
  banner: {
    js: 'import{createRequire as __createRequire}from"node:module";const require=__createRequire(import.meta.url);',
  },
  logLevel: "warning",
} as const satisfies BuildOptions;

// `dist` is what GitHub runs: it is committed, and rebuilt identically by anyone.
if (import.meta.main) {
  const outdir = process.argv[2] ?? "dist";
  await rm(outdir, { recursive: true, force: true });
  await build({
    ...bundling,
    entryPoints: ["src/main.ts", "src/post.ts", "src/report-command.ts"],
    outdir,
    outExtension: { ".js": ".mjs" },
    splitting: true,
  });
}
