// The API as this dashboard reads it, against the API as the platform describes it.

import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";

import openapiTS, { astToString } from "openapi-typescript";

import { expect, test } from "./platform";

/** Our name of each schema that we read, and the description's. */
const SCHEMAS: Record<string, string> = {
  Caller: "Caller", Fn: "Function", FunctionPage: "FunctionPage", Deployed: "Deployed", Series: "Series", PlatformMetrics: "PlatformMetrics",
  Invocation: "Invocation", InvocationPage: "InvocationPage", InvocationAnswer: "InvocationAnswer", InvocationQueued: "InvocationQueued",
  Problem: "Problem", LogLine: "LogLine", LogPage: "LogPage", Version: "Version", VersionPage: "VersionPage", SourceCode: "SourceCode", TriggerState: "TriggerState",
  Bill: "Bill", DeadLetter: "DeadLetter", LetterPage: "LetterPage", Alert: "Alert", AlertRules: "AlertRules", Readiness: "Readiness", Zygote: "Zygote", ScalingState: "ScalingState", Rollout: "Rollout", RolloutSide: "RolloutSide", Template: "Template", TemplateParameter: "TemplateParameter", TemplateProblem: "TemplateProblem", WholeTemplate: "WholeTemplate",
};
const FOLDER = "test-results/contract";

test("every operation that is called is described", async ({ platform }) => {
  const { paths } = (await platform.call("GET", "/openapi.json")).body;
  const sources = ["src/api/endpoints.ts", "src/api/follow.ts"].map((file) => readFileSync(file, "utf8")).join("\n");
  const calls = [...sources.matchAll(/"(GET|POST|PUT|DELETE)", "([^"]+)"/g)];
  expect(calls.length).toBeGreaterThan(30);
  const missing = calls.filter(([, method, path]) => paths[path!]?.[method!.toLowerCase()] === undefined).map(([text]) => text);
  expect(missing).toEqual([]);
});

test("what is read of each answer is what is described", async ({ platform }) => {
  test.slow();
  const { body } = await platform.call("GET", "/openapi.json");
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(`${FOLDER}/schema.ts`, astToString(await openapiTS(body)));
  // An answer as it is described has to do for what we read of it.
  const lines = Object.entries(SCHEMAS).map(
    ([ours, theirs]) => `export const of${ours} = (described: components["schemas"]["${theirs}"]): Ours.${ours} => described;`,
  );
  const head = `import type * as Ours from "../../src/api/types";\nimport type { components } from "./schema";\n`;
  writeFileSync(`${FOLDER}/contract.ts`, `${head}${lines.join("\n")}\n`);
  const settings = { extends: "../../tsconfig.json", compilerOptions: { types: [] }, include: ["contract.ts"] };
  writeFileSync(`${FOLDER}/tsconfig.json`, JSON.stringify(settings));
  const said = run(["node_modules/typescript/bin/tsc", "--noEmit", "-p", FOLDER]);
  expect(said).toBe("");
});

function run(command: string[]): string {
  try {
    return execFileSync(process.execPath, command, { encoding: "utf8" });
  } catch (error) {
    return String((error as { stdout?: string }).stdout ?? error);
  }
}
