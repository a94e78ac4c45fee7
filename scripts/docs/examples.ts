/** The documentation's YAML examples, as workflows that can be checked and run. */

/** An example as a whole workflow. */
export interface Example {
  /** The heading that it stands under. */
  readonly heading: string;
  readonly workflow: string;
}

/**
 * Reads the examples in their order. One that shows steps alone gets a job around it, which may read the repository; one
 * that shows jobs has to say itself what they may do.
 */
export function readExamples(markdown: string): readonly Example[] {
  const examples: Example[] = [];
  let heading = "";
  let block: string[] | undefined;
  for (const line of markdown.split("\n")) {
    if (block === undefined) {
      if (line.startsWith("#")) heading = line.replace(/^#+\s*/, "");
      if (line === "```yaml") block = [];
    } else if (line === "```") {
      examples.push({ heading, workflow: asWorkflow(block) });
      block = undefined;
    } else block.push(line);
  }
  return examples;
}

function asWorkflow(lines: readonly string[]): string {
  const trigger = lines.some((line) => line.startsWith("on:")) ? [] : ["on: push"];
  if (!lines[0]?.trimStart().startsWith("- ")) return [...trigger, ...lines, ""].join("\n");
  // Steps that do not make the cluster themselves refer to the one of an example before.
  const makes = lines.some((line) => line.includes("OWNER/kind-torch-action"));
  const steps = makes ? lines : ["      - { uses: OWNER/kind-torch-action@v1, id: cluster }", ...lines];
  const job = ["  job:", "    runs-on: ubuntu-latest", "    permissions: { contents: read }", "    steps:"];
  return [...trigger, "permissions: {}", "jobs:", ...job, ...steps, ""].join("\n");
}

/** Has a workflow use the Action of the repository that it lies in, in place of a release. */
export function useOwnAction(workflow: string): string {
  return workflow
    .replace(/OWNER\/kind-torch-action(\/\.github\/workflows\/[\w.-]+)@v1/g, ".$1")
    .replaceAll("OWNER/kind-torch-action@v1", "./");
}
