import { rm } from "node:fs/promises";
import { build } from "esbuild";

// `dist` is what GitHub runs: it is committed, and rebuilt identically by anyone.
const outdir = process.argv[2] ?? "dist";
await rm(outdir, { recursive: true, force: true });
await build({
  entryPoints: ["src/main.ts", "src/post.ts"],
  outdir,
  outExtension: { ".js": ".mjs" },
  bundle: true,
  splitting: true,
  minify: true,
  format: "esm",
  platform: "node",
  target: "node24",
  legalComments: "none",
  // Dependencies in CommonJS call require; the usual name for it is taken by one of them.
  banner: {
    js: 'import{createRequire as __createRequire}from"node:module";const require=__createRequire(import.meta.url);',
  },
  logLevel: "warning",
});
