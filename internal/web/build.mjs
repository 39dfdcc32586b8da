// Bundles src/ into dist/: every file with a hash of its content in the name, so that browsers may keep it for ever,
// each once more compressed (.gz), and manifest.json, which joins plain names to built ones. Licences of what is bundled go beside it: what files say of
// themselves in *.LEGAL.txt, the packages' own in LEGAL.txt.
import { dictionary as common } from "@zxcvbn-ts/language-common";
import { dictionary as brazilian } from "@zxcvbn-ts/language-pt-br";
import { build } from "esbuild";
import { mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { gzipSync } from "node:zlib";

const out = "dist";
const entries = ["app.js", "calendar.js", "passkey.js", "tab.js", "app.css", "icons.svg", "logo.svg"];

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

for (const name of Object.values(manifest)) {
  await writeFile(join(out, `${name}.gz`), gzipSync(await readFile(join(out, name)), { level: 9 }));
}

// What passwords must not be: the lists of @zxcvbn-ts, one word a line. The server reads them when somebody chooses a
// password, and keeps none of it.
const lists = [common["passwords-common"], brazilian["firstnames-pt-br"], brazilian["lastnames-pt-br"]];
const words = [...new Set(lists.flatMap((list) => [...list]).map((word) => word.toLowerCase()))].filter((word) => word.length >= 4).sort();
if (words.length < 30000) throw new Error(`only ${words.length} common passwords`);
await writeFile(join(out, "common-passwords.txt.gz"), gzipSync(words.join("\n") + "\n", { level: 9 }));

// A package may carry others inside itself (teams-js does: uuid and tslib are among our own packages for their licences
// alone), so every name on a file's path counts.
const packages = new Set(["@zxcvbn-ts/language-common", "@zxcvbn-ts/language-pt-br"]);
const used = Object.values(result.metafile.outputs).flatMap(({ inputs }) => Object.entries(inputs));
for (const [input, { bytesInOutput }] of used) {
  if (bytesInOutput === 0) continue;
  for (const [, name] of input.matchAll(/node_modules\/((?:@[^/]+\/)?[^/.@][^/]*)\//g)) packages.add(name);
}
const texts = [];
for (const name of [...packages].sort()) {
  const folder = join("node_modules", name);
  const { version, license, author } = JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
  const file = (await readdir(folder)).find((entry) => /^licen[cs]e/i.test(entry));
  const text = file
    ? await readFile(join(folder, file), "utf8")
    : `The package has no licence file; its author is ${author?.name ?? author ?? "not named"}.`;
  texts.push(`${name} ${version} (${license})\n\n${text.trim()}\n`);
}
await writeFile(join(out, "LEGAL.txt"), texts.join(`\n${"-".repeat(72)}\n\n`));
