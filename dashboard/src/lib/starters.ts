// What a new function begins with.

import type { RuntimeName } from "../api/types";

export const STARTERS: Record<RuntimeName, { label: string; file: string; code: string }> = {
  typescript: {
    label: "TypeScript",
    file: "index.ts",
    code: `export const handler = async (event: any, context: any) => {
  console.log("hello from", context.functionName);
  return { statusCode: 200, body: { message: \`Hello, \${event.body?.name ?? "world"}\` } };
};
`,
  },
  javascript: {
    label: "JavaScript",
    file: "index.js",
    code: `export const handler = async (event, context) => {
  console.log("hello from", context.functionName);
  return { statusCode: 200, body: { message: \`Hello, \${event.body?.name ?? "world"}\` } };
};
`,
  },
  python: {
    label: "Python",
    file: "index.py",
    code: `def handler(event, context):
    print("hello from", context.function_name)
    name = (event["body"] or {}).get("name", "world")
    return {"statusCode": 200, "body": {"message": f"Hello, {name}"}}
`,
  },
  ruby: {
    label: "Ruby",
    file: "index.rb",
    code: `def handler(event:, context:)
  puts "hello from #{context.function_name}"
  name = (event["body"] || {}).fetch("name", "world")
  { statusCode: 200, body: { message: "Hello, #{name}" } }
end
`,
  },
};
