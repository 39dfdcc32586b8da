// Bundles src/ into dist/: every file with a hash of its content in the name, so that browsers may keep it for ever,
// and manifest.json, which joins plain names to built ones. Licences of what is bundled go beside it (*.LEGAL.txt).
import { build } from "esbuild";
import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";

const out = "dist";
const entries = ["app.js", "calendar.js", "app.css", "icons.svg", "logo.svg"];

await mkdir(out, { recursive: true });
for (const name of await readdir(out)) {
  if (name !== ".keep") await rm(join(out, name));
}

const result = await build({
  entryPoints: entries.map((name) => join("src", name)),
  outdir: out,
  entryNames: "[name]-[hash]",
  bundle: true,
  minify: true,
  format: "esm",
  target: ["es2022", "chrome111", "firefox115", "safari16.4"],
  loader: { ".svg": "copy" },
  legalComments: "linked",
  metafile: true,
  logLevel: "warning",
});

const manifest = {};
for (const [file, made] of Object.entries(result.metafile.outputs)) {
  if (file.endsWith(".LEGAL.txt") || !made.entryPoint) continue;
  manifest[basename(made.entryPoint)] = basename(file);
  if (made.cssBundle) {
    manifest[basename(made.entryPoint).replace(/\.js$/, ".css")] = basename(made.cssBundle);
  }
}
const lacking = entries.filter((name) => !manifest[name]);
if (lacking.length) throw new Error(`not built: ${lacking.join(", ")}`);
await writeFile(join(out, "manifest.json"), JSON.stringify(manifest, null, 2) + "\n");
