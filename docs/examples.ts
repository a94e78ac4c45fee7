/** The README's YAML examples, as workflows that can be checked and run. */

/** An example as a whole workflow. */
export interface Example {
  /** The heading that it stands under. */
  readonly heading: string;
  readonly workflow: string;
}

/** Reads the examples in their order. One that shows steps alone gets a job around it, with the checkout they need. */
export function readExamples(readme: string): readonly Example[] {
  const examples: Example[] = [];
  let heading = "";
  let block: string[] | undefined;
  for (const line of readme.split("\n")) {
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
  const steps = lines[0]?.trimStart().startsWith("- ") ?? false;
  // An earlier example's step, to whose outputs these steps may refer.
  const cluster = lines.some((line) => line.includes("id: cluster")) ? "      - run: echo" : START;
  const body = steps ? ["jobs:", "  job:", "    runs-on: ubuntu-latest", "    steps:", cluster, ...lines] : lines;
  return [...(body.some((line) => line.startsWith("on:")) ? [] : ["on: push"]), ...body, ""].join("\n");
}

const START = "      - { uses: OWNER/kind-torch-action@v1, id: cluster }";

/** Has a workflow use the Action of the repository that it lies in, in place of a release. */
export function useOwnAction(workflow: string): string {
  return workflow
    .replace(/OWNER\/kind-torch-action(\/\.github\/workflows\/[\w.-]+)@v1/g, ".$1")
    .replaceAll("OWNER/kind-torch-action@v1", "./");
}
