// The same function in every language: it writes a line and answers with its number.

export interface Language {
  label: string;
  runtime: string;
  file: string;
  code: (answer: number) => string;
}

export const LANGUAGES: readonly Language[] = [
  {
    label: "TypeScript",
    runtime: "typescript",
    file: "index.ts",
    code: (answer) =>
      `export const handler = async (event: any) => {\nconsole.log("line of", event.body.name);\nreturn { statusCode: 200, body: { answer: ${answer} } };\n};\n`,
  },
  {
    label: "Python",
    runtime: "python",
    file: "index.py",
    code: (answer) =>
      `def handler(event, context):\n    print("line of", event["body"]["name"])\n    return {"statusCode": 200, "body": {"answer": ${answer}}}\n`,
  },
  {
    label: "Ruby",
    runtime: "ruby",
    file: "index.rb",
    code: (answer) =>
      `def handler(event:, context:)\nputs "line of #{event["body"]["name"]}"\n{ statusCode: 200, body: { answer: ${answer} } }\nend\n`,
  },
];
